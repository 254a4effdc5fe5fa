//! What the library does, proved through its C border against the sandbox.
//!
//! Each test loads a copy of the shared library of its own, so it has a cache, a budget, counters and a clock of its own.

#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::result_large_err, reason = "a failure is all that a test wants to know")]

mod api;
mod aside;
mod scene;
mod stages;

#[cfg(feature = "b2-tool")]
mod account_info;
mod ages;
#[cfg(feature = "b2-tool")]
mod b2_places;
#[cfg(feature = "b2-tool")]
mod b2_tool;
mod batches;
mod budget;
mod cancelling;
mod choices;
mod connections;
mod credentials;
mod crowds;
mod deadlines;
mod environment;
mod fencing;
mod flights;
mod gate;
mod hostile;
mod json;
mod json_batches;
mod json_rubbish;
mod keys;
mod leaders;
mod lives;
mod log;
mod network;
mod night;
mod options;
mod outages;
mod redirects;
mod refreshes;
mod refusals;
mod refused_keys;
mod requests;
mod restrictions;
mod retry_after;
mod secrets;
mod shapes;
mod skew;
mod statuses;
mod trust;
