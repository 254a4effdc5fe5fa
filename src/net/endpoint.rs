//! Where requests go, and through what.

use std::path::PathBuf;

use crate::model::proxy::ProxyUrl;

/// Where a request goes, and through what.
pub(super) struct Endpoint {
    /// The realm's host; an IPv6 address stands in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_https: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) user_agent: String,
}

impl Endpoint {
    /// True if a connection that was opened for one is as good for the other.
    pub(super) fn can_share(&self, other: &Self) -> bool {
        self.host == other.host
            && self.port == other.port
            && self.is_https == other.is_https
            && self.ca_file == other.ca_file
            && self.proxy == other.proxy
    }
}
