//! The CA certificates of systems that keep them in a store of their own, not in files.

#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(target_vendor = "apple", path = "apple.rs")]
#[cfg_attr(not(any(windows, target_vendor = "apple")), path = "none.rs")]
mod imp;

pub(crate) use imp::{IS_COMPLETE, read};

/// Certificates in DER, each side sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustStore {
    /// CAs that may vouch for servers.
    pub(crate) trusted: Vec<Vec<u8>>,
    /// Certificates, not only of CAs, that no chain may contain.
    pub(crate) distrusted: Vec<Vec<u8>>,
}

#[cfg(any(windows, target_vendor = "apple"))]
impl TrustStore {
    fn new(mut trusted: Vec<Vec<u8>>, mut distrusted: Vec<Vec<u8>>) -> Self {
        for list in [&mut trusted, &mut distrusted] {
            list.sort_unstable();
            list.dedup();
        }
        Self { trusted, distrusted }
    }
}
