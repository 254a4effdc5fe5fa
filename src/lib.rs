//! From a Backblaze B2 application key to a session that other code can use: one request a day instead of one a call.
//!
//! The product is the C library, whose interface is [`ffi`] and whose documentation is `include/b2auth.h`. A Rust host has
//! the same from [`authorize`]:
//!
//! ```no_run
//! let session = b2auth::authorize("key id", "application key", &b2auth::Options::new())?;
//! println!("{}", session.api_url());
//! # Ok::<(), b2auth::Error>(())
//! ```

#![cfg_attr(loom, allow(dead_code, unused_imports, reason = "the models use the concurrent parts alone"))]

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
mod store;

#[cfg(not(loom))]
pub use api::rust::{
    authorize, authorize_json, authorize_many, cache_clear, counter, invalidate, reauthorize, seconds_left,
    should_reauthorize, should_reauthorize_body,
};
pub use diag::error::{Error, Status};
pub use diag::log::{Level, LogFn};
pub use model::session::{Bucket, Session};
pub use options::Options;
pub use ports::cancel::Cancel;

/// The lists that the header and the documentation are generated from.
#[doc(hidden)]
pub mod tables {
    pub use crate::diag::level::{LEVELS, LevelRow};
    pub use crate::diag::status::{STATUSES, StatusRow};
    pub use crate::options::{OptionRow, OptionValue, TABLE as OPTIONS};
}
