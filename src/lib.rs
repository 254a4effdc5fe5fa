//! From a Backblaze B2 application key to a session that other code can use: once a day instead of once a call.
//!
//! The product is the C library, whose border is [`ffi`] and whose documentation is `include/b2auth.h`. A Rust host has
//! the same from [`authorize`]:
//!
//! ```no_run
//! let session = b2auth::authorize("key id", "application key", &b2auth::Options::new())?;
//! println!("{}", session.api_url().to_string_lossy());
//! # Ok::<(), b2auth::Error>(())
//! ```

#[cfg(not(loom))]
mod api;
mod authorize;
mod credentials;
mod diag;
#[cfg(not(loom))]
pub mod ffi;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod model;
#[cfg(not(loom))]
mod net;
mod options;
mod platform;
mod ports;
#[cfg(not(loom))]
mod process;
mod reply;
mod state;

#[cfg(not(loom))]
pub use api::rust::{authorize, cache_clear, reauthorize};
pub use diag::error::{Error, Status};
pub use diag::log::{Level, Tell};
pub use model::session::Session;
pub use options::Options;
pub use ports::cancel::Cancel;
