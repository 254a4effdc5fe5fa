//! The C border: strings in, handles out, panics caught. No logic.
//!
//! What a caller needs to know stands in the doc comments of the functions, from which `include/b2auth.h` is written.

#![allow(non_camel_case_types, reason = "these are C's names")]
#![allow(clippy::missing_safety_doc, reason = "the rules for all pointers stand at the head of the header")]

mod authorize;
mod boundary;
mod cancel;
mod error;
mod global;
#[cfg(feature = "test-hooks")]
pub mod hooks;
mod json;
mod log;
mod options;
mod out_params;
mod session;
mod status;

pub use authorize::*;
pub use cancel::*;
pub use error::*;
pub use global::*;
pub use json::*;
pub use log::*;
pub use options::*;
pub use session::*;
pub use status::*;
