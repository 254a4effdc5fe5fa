//! The map from cache key to session. Work in memory only: no time is read here, nothing waits, nothing asks B2.

use std::sync::Arc;
use std::time::Duration;

use crate::diag::error::Error;
use crate::model::bounded_map::BoundedMap;
use crate::model::cache_key::{BuildPassThrough, CacheKey};
use crate::model::session::Session;
use crate::model::timestamp::{Timestamp, millis};

use super::near_cache::NearCache;

/// Sessions kept; past that one that was not used lately is dropped.
const MAX_SESSIONS: usize = 65_536;
/// Refusals kept. In a map of their own, so that a flood of wrong keys evicts no session.
const MAX_NEGATIVE: usize = 4_096;
/// How long after a failed refresh the next is tried, unless B2 asked for longer.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);
/// The same where another process refreshes the token.
const REFRESH_ELSEWHERE: Duration = Duration::from_secs(1);

/// What the cache holds for a key.
pub(crate) enum Lookup {
    /// A token to hand out.
    Fresh(Arc<Session>),
    /// A token to hand out, old enough that one caller should refresh it, once `refresh_due`.
    Stale { session: Arc<Session>, refresh_due: bool },
    /// No token, or none with enough lifetime left.
    Miss,
}

/// Sessions and refusals by key.
#[derive(Default)]
pub(crate) struct Cache {
    near: Arc<NearCache>,
    entries: Entries,
}

/// What a clear drops.
pub(crate) struct Entries {
    sessions: BoundedMap<CacheKey, Entry, BuildPassThrough>,
    negative: BoundedMap<CacheKey, Refusal, BuildPassThrough>,
}

struct Entry {
    session: Arc<Session>,
    fresh_until: Timestamp,
    /// No refresh is tried before the boot clock reads this.
    refresh_after_ms: u64,
    /// While the token is fresh, it has at least so many seconds of its lifetime left.
    fresh_remaining_s: u32,
    /// The near cache may have copies.
    is_near: bool,
}

struct Refusal {
    error: Error,
    at: Timestamp,
}

impl Default for Entries {
    fn default() -> Self {
        Self { sessions: BoundedMap::new(MAX_SESSIONS), negative: BoundedMap::new(MAX_NEGATIVE) }
    }
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }
}

impl Cache {
    /// A cache whose most used entries are copied to `near`.
    pub(crate) fn new(near: Arc<NearCache>) -> Self {
        Self { near, entries: Entries::default() }
    }

    /// What there is for a caller who needs `min_remaining` of lifetime left.
    pub(crate) fn get(&mut self, key: &CacheKey, min_remaining: Duration, now: Timestamp) -> Lookup {
        let Some(entry) = self.entries.sessions.get(key) else { return Lookup::Miss };
        let fresh_remaining = Duration::from_secs(entry.fresh_remaining_s.into());
        let is_fresh = !now.is_past(entry.fresh_until);
        // Nearly always it is fresh: then the session itself, which is in other cache lines, is not looked at.
        if is_fresh && min_remaining <= fresh_remaining {
            return Lookup::Fresh(Arc::clone(&entry.session));
        }
        let validity = entry.session.validity();
        if validity.is_expired(now) {
            self.remove(key);
            return Lookup::Miss;
        }
        if !validity.has_remaining(min_remaining, now) {
            return Lookup::Miss;
        }
        let session = Arc::clone(&entry.session);
        if is_fresh {
            Lookup::Fresh(session)
        } else {
            Lookup::Stale { session, refresh_due: now.boot_ms >= entry.refresh_after_ms }
        }
    }

    /// Copies the key's session to the near cache, if a copy would serve a caller who needs `min_remaining`.
    pub(crate) fn copy_near(&mut self, key: &CacheKey, min_remaining: Duration) {
        if let Some(entry) = self.entries.sessions.peek_mut(key)
            && let fresh_remaining = Duration::from_secs(entry.fresh_remaining_s.into())
            && min_remaining <= fresh_remaining
        {
            entry.is_near = true;
            self.near.insert(&entry.session, entry.fresh_until, fresh_remaining);
        }
    }

    /// The session of a key, whatever its age, without counting as a use.
    pub(crate) fn peek(&self, key: &CacheKey) -> Option<&Arc<Session>> {
        self.entries.sessions.peek(key).map(|entry| &entry.session)
    }

    /// True if the key with this short form has a token that is not expired.
    pub(crate) fn is_live(&self, short: u64, now: Timestamp) -> bool {
        self.entries.sessions.peek_hash(short).is_some_and(|entry| !entry.session.validity().is_expired(now))
    }

    /// Stores a session and forgets the key's refusal. It is fresh for 80 % of its lifetime less up to a tenth, as
    /// `jitter` (0 to 1) says, so that a fleet started together does not refresh together.
    pub(crate) fn insert(&mut self, session: &Arc<Session>, jitter: f64) {
        let validity = session.validity();
        let fresh = validity.span.mul_f64(0.8 - 0.1 * jitter.clamp(0.0, 1.0));
        let key = session.cache_key();
        let fresh_remaining = validity.span.saturating_sub(fresh);
        let entry = Entry {
            session: Arc::clone(session),
            fresh_until: validity.before_end(fresh_remaining),
            refresh_after_ms: 0,
            fresh_remaining_s: fresh_remaining.as_secs().try_into().unwrap_or(u32::MAX),
            is_near: false,
        };
        self.entries.negative.remove(&key);
        let near = &self.near;
        let gone = self.entries.sessions.insert_unless(key, entry, |key, entry| entry.is_near && near.take_used(key));
        self.withdraw(gone);
    }

    /// Puts off the next refresh of a key's token after a failed one.
    pub(crate) fn defer_refresh(&mut self, key: &CacheKey, retry_after: Option<Duration>, now: Timestamp) {
        if let Some(entry) = self.entries.sessions.peek_mut(key) {
            let pause = retry_after.map_or(REFRESH_PAUSE, |wait| wait.max(REFRESH_PAUSE));
            entry.refresh_after_ms = now.boot_ms.saturating_add(millis(pause));
        }
    }

    /// Puts off the next refresh for a moment: another process is at it.
    pub(crate) fn pause_refresh(&mut self, key: &CacheKey, now: Timestamp) {
        if let Some(entry) = self.entries.sessions.peek_mut(key) {
            entry.refresh_after_ms = now.after(REFRESH_ELSEWHERE).boot_ms;
        }
    }

    /// Drops whatever token the key has.
    pub(crate) fn remove(&mut self, key: &CacheKey) {
        let gone = self.entries.sessions.remove(key);
        self.withdraw(gone);
    }

    /// Drops every session and refusal. The caller drops what is returned, once it has released the lock: wiping many
    /// tokens takes a while.
    #[must_use]
    pub(crate) fn clear(&mut self) -> Entries {
        self.near.clear();
        std::mem::take(&mut self.entries)
    }

    /// Drops the copies of an entry that is in the cache no more.
    fn withdraw(&self, gone: Option<Entry>) {
        if let Some(entry) = gone.filter(|entry| entry.is_near) {
            self.near.withdraw(&entry.session.cache_key());
        }
    }

    /// Drops the key's token if it still is this very one.
    pub(crate) fn remove_if_same(&mut self, session: &Session) -> bool {
        let key = session.cache_key();
        let is_same = self.peek(&key).is_some_and(|cached| cached.is_same_grant(session));
        if is_same && let Some(removed) = self.entries.sessions.remove(&key) {
            // Another session object may have the same token: one of them came from a store.
            removed.session.mark_rejected();
            self.withdraw(Some(removed));
        }
        is_same
    }

    /// Remembers that B2 refused a key.
    pub(crate) fn insert_negative(&mut self, key: CacheKey, error: Error, at: Timestamp) {
        self.entries.negative.insert(key, Refusal { error, at });
    }

    /// The key's refusal and its age, if it is younger than the reader's own `ttl`. Reading renews nothing.
    pub(crate) fn negative(&self, key: &CacheKey, ttl: Duration, now: Timestamp) -> Option<(&Error, Duration)> {
        let refusal = self.entries.negative.peek(key)?;
        let age = now.since(refusal.at);
        (age < ttl).then_some((&refusal.error, age))
    }
}

#[cfg(test)]
mod tests;
