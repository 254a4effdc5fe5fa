//! The ways in above one call: for Rust hosts, for many keys at once, and for tools that can only pass text.

pub(crate) mod batch;
pub(crate) mod diagnose;
pub(crate) mod json;
pub(crate) mod rust;
