//! What the fuzzers in `fuzz/` call: one function a target. Each asserts what its part promises for any input, which is
//! more than that nothing panics. Only there when a fuzzer builds the crate.

#![allow(clippy::missing_panics_doc, reason = "to panic is how a fuzzer is told of a find")]

#[cfg(feature = "b2-tool")]
mod database;
mod option;
#[cfg(any(feature = "store-file", feature = "store-redis"))]
mod record;
mod reply;
mod request;
#[cfg(feature = "store-redis")]
mod resp;
mod retry_after;
mod words;

#[cfg(feature = "b2-tool")]
pub use database::database;
pub use option::option;
#[cfg(any(feature = "store-file", feature = "store-redis"))]
pub use record::record;
pub use reply::{fields, reply};
pub use request::request;
#[cfg(feature = "store-redis")]
pub use resp::resp;
pub use retry_after::retry_after;
