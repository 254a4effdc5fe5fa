//! Takes a refused token out of the store, so that no process gets it from there again.

use super::breaker::{BREAKER, Use};
use super::call::REFRESH_TIME;
use super::engine::{Trouble, TroubleKind};
use super::open;
use crate::model::store_url::StoredAt;
use crate::ports::limits::Limits;
use crate::state::Shared;
use crate::store::record::Name;

/// Deletes the record if it still has that token, within a second. Returns what went wrong.
pub(crate) fn revoke(at: &StoredAt, shared: &Shared, limits: &Limits<'_>) -> Option<String> {
    let store = at.url.id();
    if BREAKER.trouble(store, Use::Reading, limits.now()).is_some() {
        return None;
    }
    let limits = limits.with_timeout(REFRESH_TIME);
    let work = || -> Result<(), Trouble> {
        let mut engine = open::engine(&at.url, Name(at.name), at.ca_file.as_deref(), &limits)?;
        engine.revoke(&at.tag, &limits)
    };
    // A broken connection is worth one more try.
    let trouble = match work().or_else(|trouble| if trouble.is_passing() { work() } else { Err(trouble) }) {
        Ok(()) => {
            BREAKER.worked(store, Use::Reading);
            return None;
        }
        Err(trouble) => trouble,
    };
    if limits.is_cancelled() {
        return None;
    }
    // A second is short where a whole fleet comes with the same token at once: the next look has more time, and decides.
    if trouble.kind != TroubleKind::Slow {
        BREAKER.failed(store, Use::Reading, &trouble.what, limits.now());
    }
    shared.lock().counters.store_errors += 1;
    Some(trouble.what)
}
