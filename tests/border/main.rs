//! What the library does, proved through its C border against the sandbox.
//!
//! Each test loads a copy of the shared library of its own, so it has a cache, a budget, counters and a clock of its own.

#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::result_large_err, reason = "a failure is all that a test wants to know")]

mod api;
mod scene;

mod choices;
mod credentials;
mod crowds;
mod environment;
mod hostile;
mod keys;
mod options;
mod requests;
mod restrictions;
mod secrets;
mod shapes;
