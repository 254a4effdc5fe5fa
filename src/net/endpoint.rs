//! Where a request goes, and by what way.

use std::path::PathBuf;

use crate::model::proxy::ProxyUrl;

use super::dns::Resolve;
use super::tls::Trust;

/// Where a request goes, and how.
pub(super) struct Route {
    /// The realm's host; an IPv6 address stands in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What to believe, for a realm in https.
    pub(super) trust: Option<Trust>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) user_agent: String,
    pub(super) resolve: Resolve,
}

impl Route {
    /// True if a connection that was opened for one is as good for the other.
    pub(super) fn leads_as(&self, other: &Self) -> bool {
        self.host == other.host
            && self.port == other.port
            && self.trust.is_some() == other.trust.is_some()
            && self.ca_file == other.ca_file
            && self.proxy == other.proxy
    }
}
