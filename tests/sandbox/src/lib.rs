//! A server that speaks Backblaze B2's side of the conversation, for tests and demonstrations.
//!
//! It authorizes keys in the true shapes of API versions 1 to 4, checks the tokens it gave, and
//! misbehaves on request in every way that a client has to survive. Rust tests start a
//! [`Sandbox`]; programs in other languages start the `b2-sandbox` binary and read its one line.
//!
//! ```
//! use b2_sandbox::{Config, Fault, Key, Sandbox};
//!
//! let sandbox = Sandbox::start(Config::default())?;
//! sandbox.add_key(Key::new("id", "key").bucket("b1", Some("photos")));
//! sandbox.script("id", [Fault::status(503).retry_after("2").times(2), Fault::hold("gate")]);
//! // A client's first two requests are put off, and the third waits for this:
//! sandbox.release("gate");
//! assert_eq!(sandbox.authorize_count("id"), 0);
//! # std::io::Result::Ok(())
//! ```

mod apply;
mod body;
mod certificates;
mod channel;
mod connection;
mod connections;
mod control;
mod deliver;
mod fault;
mod files;
mod flood;
mod halt;
mod key;
mod latch;
mod listener;
mod log;
mod objects;
mod patch;
mod peer;
mod percent;
mod random;
mod refused;
mod request;
mod response;
mod routes;
mod sandbox;
mod script;
mod sync;
mod temporary;
mod tls_fault;
mod token;
mod world;

pub use fault::{Body, Cut, DateFault, Edit, Fault, Flood, How, Length, RetryAfter};
pub use files::raise_open_file_limit;
pub use key::{Bucket, Key};
pub use log::LogEntry;
pub use sandbox::{Config, Sandbox};
pub use script::Script;
pub use temporary::TemporaryFile;
pub use tls_fault::TlsFault;
