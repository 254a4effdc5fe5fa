//! Pure values: what a session, a realm or a proxy is, with no I/O and no clock.

pub(crate) mod cache_key;
mod no_proxy;
pub(crate) mod proxy;
pub(crate) mod realm;
pub(crate) mod session;
pub(crate) mod timestamp;
pub(crate) mod validity;
