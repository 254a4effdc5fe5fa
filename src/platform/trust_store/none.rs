//! Systems that keep their CA certificates in files.

use super::TrustStore;

pub(crate) const IS_COMPLETE: bool = true;

pub(crate) fn read() -> Option<TrustStore> {
    None
}
