//! From a Backblaze B2 application key to a session, once a day instead of once a call.

mod cancel;
mod clock;
#[cfg(not(loom))]
#[allow(dead_code, unused_imports, reason = "what calls it comes next")]
mod credentials;
mod digest;
mod environment;
mod error;
mod options;
mod platform;
mod proxy;
mod realm;
#[allow(dead_code, unused_imports, reason = "what calls it comes next")]
mod reply;
mod status;
mod transport;

pub use cancel::Cancel;
pub use error::{Error, Status};
pub use options::Options;
