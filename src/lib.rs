//! From a Backblaze B2 application key to a session, once a day instead of once a call.

mod cancel;
mod clock;
mod digest;
mod environment;
mod error;
#[cfg(not(loom))]
mod http;
mod options;
mod platform;
mod proxy;
mod realm;
mod status;
mod transport;

pub use cancel::Cancel;
pub use error::{Error, Status};
pub use options::Options;
