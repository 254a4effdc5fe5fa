//! Pure values: what a session, a realm or a proxy is. No I/O, and no clock is read here.

mod absolute_path;
pub(crate) mod bounded_map;
pub(crate) mod c_text;
pub(crate) mod cache_key;
pub(crate) mod capabilities;
pub(crate) mod grant;
pub(crate) mod human_duration;
mod no_proxy;
mod percent;
pub(crate) mod proxy;
pub(crate) mod realm;
pub(crate) mod redis_url;
pub(crate) mod rfc3339;
pub(crate) mod session;
mod session_json;
mod sip_hash;
pub(crate) mod store_url;
pub(crate) mod timestamp;
pub(crate) mod validity;
