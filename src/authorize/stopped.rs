//! Errors of calls that were ended by their own limits.

use crate::diag::error::{Error, Status};
use crate::model::realm::Realm;

pub(super) const BATCH_HINT: &str =
    "allow more time for the batch (batch_timeout_ms) or more requests at once (concurrency)";

/// The caller's cancel was triggered.
pub(super) fn cancelled() -> Error {
    Error::new(Status::Cancelled, "the call was cancelled")
}

/// The batch ended before this item was started.
pub(super) fn batch_timed_out() -> Error {
    Error::new(Status::Timeout, "the batch ran out of time before this item was started").with_hint(BATCH_HINT)
}

/// The deadline passed before there was a failure that would say more.
pub(super) fn timed_out(realm: &Realm) -> Error {
    Error::new(Status::Timeout, format!("no session from {} in the time allowed", realm.host()))
        .with_hint("allow more time (total_timeout_ms), or find out why B2 is slow to reach")
}
