//! What the library does, proved through its C border against the sandbox.
//!
//! Each test loads a copy of the shared library of its own, so it has a cache, a budget, counters and a clock of its own.

#![allow(unreachable_pub, reason = "a test program has no outside")]

mod api;
mod scene;

mod crowds;
mod skew;
