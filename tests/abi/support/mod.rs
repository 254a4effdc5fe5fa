//! What the tests share: the C functions with handles that free themselves, a sandbox with one key, and helpers.

pub mod api;
#[cfg(feature = "b2-tool")]
pub mod b2_database;
pub mod concurrent;
pub mod fixture;
pub mod log_lines;
#[cfg(feature = "store-redis")]
pub mod redis;
pub mod secret_search;
#[cfg(any(feature = "store-file", feature = "store-redis"))]
pub mod store;
pub mod subprocess;
pub mod temp_dir;
pub mod wait_points;
