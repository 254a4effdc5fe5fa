//! The C border: strings in, handles out, panics caught. No logic.
//!
//! What a caller needs to know stands in the doc comments of the functions, from which `include/b2auth.h` is generated.

#![allow(non_camel_case_types, reason = "these are C's names")]
#![allow(clippy::missing_safety_doc, reason = "the rules for all pointers stand at the head of the header")]
// In a signature, Option<&T> is a const pointer that may be NULL, and Option<Box<T>> one that is also given up: the compiler
// then frees a handle as what it was made as, and a NULL cannot be missed. Where C has a pointer to something that other
// threads may use, it is a raw one: `&mut` would claim that they do not.

mod authorize;
mod boundary;
mod cancel;
mod diagnose;
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
#[cfg(all(windows, target_arch = "x86"))]
mod stdcall;

pub use authorize::*;
pub use cancel::*;
pub use diagnose::*;
pub use error::*;
pub use global::*;
pub use json::*;
pub use log::*;
pub use options::*;
pub use session::*;
pub use status::*;
#[cfg(all(windows, target_arch = "x86"))]
pub use stdcall::*;
