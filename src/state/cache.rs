//! The map from cache key to session. Work in memory only: no time is read here, nothing waits, nothing asks B2.

use std::sync::Arc;
use std::time::Duration;

use crate::diag::error::Error;
use crate::model::bounded_lru::BoundedLru;
use crate::model::cache_key::{BuildPassThrough, CacheKey};
use crate::model::session::Session;
use crate::model::timestamp::{Timestamp, millis};

/// Sessions kept; past that the least recently used is dropped.
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
pub(crate) struct Cache {
    sessions: BoundedLru<CacheKey, Entry, BuildPassThrough>,
    negative: BoundedLru<CacheKey, Refusal, BuildPassThrough>,
}

struct Entry {
    session: Arc<Session>,
    fresh_until: Timestamp,
    /// No refresh is tried before the boot clock reads this.
    refresh_after_ms: u64,
}

struct Refusal {
    error: Error,
    at: Timestamp,
}

impl Default for Cache {
    fn default() -> Self {
        Self { sessions: BoundedLru::new(MAX_SESSIONS), negative: BoundedLru::new(MAX_NEGATIVE) }
    }
}

impl Cache {
    /// What there is for a caller who needs `min_remaining` of lifetime left.
    pub(crate) fn get(&mut self, key: &CacheKey, min_remaining: Duration, now: Timestamp) -> Lookup {
        let Some(entry) = self.sessions.get(key) else { return Lookup::Miss };
        let validity = entry.session.validity();
        if validity.is_expired(now) {
            self.sessions.remove(key);
            return Lookup::Miss;
        }
        if !validity.has_remaining(min_remaining, now) {
            return Lookup::Miss;
        }
        let session = Arc::clone(&entry.session);
        if now.is_past(entry.fresh_until) {
            Lookup::Stale { session, refresh_due: now.boot_ms >= entry.refresh_after_ms }
        } else {
            Lookup::Fresh(session)
        }
    }

    /// The session of a key, whatever its age, without counting as a use.
    pub(crate) fn peek(&self, key: &CacheKey) -> Option<&Arc<Session>> {
        self.sessions.peek(key).map(|entry| &entry.session)
    }

    /// True if the key has a token that is not expired.
    pub(crate) fn is_live(&self, key: &CacheKey, now: Timestamp) -> bool {
        self.peek(key).is_some_and(|session| !session.validity().is_expired(now))
    }

    /// Stores a session and forgets the key's refusal. It is fresh for 80 % of its lifetime less up to a tenth, as
    /// `jitter` (0 to 1) says, so that a fleet started together does not refresh together.
    pub(crate) fn insert(&mut self, session: &Arc<Session>, jitter: f64) {
        let validity = session.validity();
        let fresh = validity.span.mul_f64(0.8 - 0.1 * jitter.clamp(0.0, 1.0));
        let key = session.cache_key();
        let fresh_until = validity.before_end(validity.span.saturating_sub(fresh));
        self.negative.remove(&key);
        self.sessions.insert(key, Entry { session: Arc::clone(session), fresh_until, refresh_after_ms: 0 });
    }

    /// Puts off the next refresh of a key's token after a failed one.
    pub(crate) fn defer_refresh(&mut self, key: &CacheKey, retry_after: Option<Duration>, now: Timestamp) {
        if let Some(entry) = self.sessions.peek_mut(key) {
            let pause = retry_after.map_or(REFRESH_PAUSE, |wait| wait.max(REFRESH_PAUSE));
            entry.refresh_after_ms = now.boot_ms.saturating_add(millis(pause));
        }
    }

    /// Puts off the next refresh for a moment: another process is at it.
    pub(crate) fn pause_refresh(&mut self, key: &CacheKey, now: Timestamp) {
        if let Some(entry) = self.sessions.peek_mut(key) {
            entry.refresh_after_ms = now.after(REFRESH_ELSEWHERE).boot_ms;
        }
    }

    /// Drops whatever token the key has.
    pub(crate) fn remove(&mut self, key: &CacheKey) {
        self.sessions.remove(key);
    }

    /// Drops the key's token if it still is this very one.
    pub(crate) fn remove_if_same(&mut self, session: &Session) -> bool {
        let key = session.cache_key();
        let is_same = self.peek(&key).is_some_and(|cached| cached.is_same_grant(session));
        if is_same && let Some(removed) = self.sessions.remove(&key) {
            // Another session object may have the same token: one of them came from a store.
            removed.session.mark_rejected();
        }
        is_same
    }

    /// Remembers that B2 refused a key.
    pub(crate) fn insert_negative(&mut self, key: CacheKey, error: Error, at: Timestamp) {
        self.negative.insert(key, Refusal { error, at });
    }

    /// The key's refusal and its age, if it is younger than the reader's own `ttl`. Reading renews nothing.
    pub(crate) fn negative(&self, key: &CacheKey, ttl: Duration, now: Timestamp) -> Option<(&Error, Duration)> {
        let refusal = self.negative.peek(key)?;
        let age = now.since(refusal.at);
        (age < ttl).then_some((&refusal.error, age))
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::diag::error::Status;
    use crate::model::cache_key::CacheScope;
    use crate::model::grant::Grant;
    use crate::model::realm::Realm;
    use crate::model::validity::Validity;

    const NOW: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 5_000 };

    struct Keys(Realm, CacheScope);

    impl Keys {
        fn new() -> Self {
            let realm = Realm::production();
            let scope = CacheScope::new(&realm, None);
            Self(realm, scope)
        }

        fn key(&self, number: usize) -> CacheKey {
            CacheKey::new(&self.1, b"id", &number.to_le_bytes())
        }

        fn session(&self, number: usize) -> Arc<Session> {
            let grant = Grant {
                account_id: "account".into(),
                token: Zeroizing::new("token".into()),
                api_url: "https://api.test".into(),
                download_url: "https://f.test".into(),
                s3_api_url: None,
                recommended_part_size: 2,
                absolute_minimum_part_size: 1,
                capabilities: Vec::new(),
                buckets: None,
                name_prefix: None,
                key_expires_ms: None,
            };
            let validity = Validity::new(NOW, None, None);
            Arc::new(Session::new("id", &self.0, self.key(number), grant, validity))
        }
    }

    fn contains(cache: &mut Cache, key: &CacheKey) -> bool {
        !matches!(cache.get(key, Duration::ZERO, NOW), Lookup::Miss)
    }

    #[test]
    fn the_least_recently_used_session_is_evicted_first() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        for number in 0..MAX_SESSIONS {
            cache.insert(&keys.session(number), 0.0);
        }
        assert!(contains(&mut cache, &keys.key(0)), "full, and no more");
        cache.insert(&keys.session(MAX_SESSIONS), 0.0);
        assert!(contains(&mut cache, &keys.key(0)), "it was used last");
        assert!(!contains(&mut cache, &keys.key(1)), "it was not used since");
        assert!(contains(&mut cache, &keys.key(MAX_SESSIONS)));
        assert_eq!(cache.sessions.len(), MAX_SESSIONS);
    }

    #[test]
    fn a_session_in_use_outlives_any_number_of_others() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        for number in [0, 1] {
            cache.insert(&keys.session(number), 0.0);
        }
        for number in 2..2 * MAX_SESSIONS {
            cache.insert(&keys.session(number), 0.0);
            if number % (MAX_SESSIONS / 2) == 0 {
                assert!(contains(&mut cache, &keys.key(0)), "after {number}");
            }
        }
        assert!(contains(&mut cache, &keys.key(0)) && !contains(&mut cache, &keys.key(1)));
        assert_eq!(cache.sessions.len(), MAX_SESSIONS);
    }

    #[test]
    fn a_flood_of_refusals_is_bounded_and_evicts_no_session() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        cache.insert(&keys.session(0), 0.0);
        for number in 1..=MAX_NEGATIVE + 1 {
            cache.insert_negative(keys.key(number), Error::new(Status::BadCredentials, "no"), NOW);
        }
        assert_eq!(cache.negative.len(), MAX_NEGATIVE);
        assert!(cache.negative(&keys.key(1), Duration::from_secs(9), NOW).is_none());
        assert!(cache.negative(&keys.key(2), Duration::from_secs(9), NOW).is_some());
        assert!(contains(&mut cache, &keys.key(0)));
    }

    #[test]
    fn fresh_ends_between_70_and_80_percent_of_the_lifetime() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        let at = |percent: u64| NOW.after(Duration::from_secs(864 * percent));
        for (jitter, percent) in [(0.0, 80), (1.0, 70)] {
            cache.insert(&keys.session(0), jitter);
            assert!(matches!(cache.get(&keys.key(0), Duration::ZERO, at(percent - 1)), Lookup::Fresh(_)));
            assert!(matches!(
                cache.get(&keys.key(0), Duration::ZERO, at(percent)),
                Lookup::Stale { refresh_due: true, .. }
            ));
        }
    }
}
