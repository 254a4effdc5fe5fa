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
mod action;
mod attempts;
mod authorize;
#[cfg(not(loom))]
mod batch;
mod budget;
mod cache;
mod call;
mod cancel;
mod clock;
mod counters;
mod credentials;
mod crew;
mod digest;
mod environment;
mod error;
#[cfg(not(loom))]
pub mod ffi;
mod flaw;
mod flight;
#[cfg(not(loom))]
mod fork;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(not(loom))]
mod host;
#[cfg(not(loom))]
mod http;
mod json;
mod legible;
mod life;
#[cfg(not(loom))]
mod load;
mod log;
#[cfg(loom)]
mod models;
mod options;
mod platform;
mod proxy;
mod realm;
mod reply;
mod retry_after;
mod secret;
mod session;
mod state;
mod status;
mod sync;
#[cfg(not(loom))]
mod system;
mod transport;
mod user_agent;
mod verdict;
#[cfg(feature = "c-library")]
mod wipe;
mod world;

pub use cancel::Cancel;
pub use error::{Error, Status};
#[cfg(not(loom))]
pub use host::{authorize, cache_clear, reauthorize};
pub use log::{Level, Tell};
pub use options::Options;
pub use session::Session;
