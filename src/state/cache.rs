//! The map from key to session. Map work only: no time is read here, nothing waits, nothing asks B2.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;

use crate::diag::error::Error;
use crate::model::cache_key::{CacheKey, Identity};
use crate::model::session::Session;
use crate::model::timestamp::{Moment, millis};

/// Sessions kept; past that the least recently used goes first.
const MOST_SESSIONS: usize = 65_536;
/// Refusals kept. Apart, so that a flood of wrong keys drives out no session.
const MOST_REFUSALS: usize = 4_096;
/// How long after a failed refresh the next is tried, unless B2 asked for longer.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// What the cache holds for a key.
pub(crate) enum Found {
    /// A token to hand out.
    Fresh(Arc<Session>),
    /// A token to hand out, old enough that somebody should refresh it; `due` says whether it is time to try.
    Stale { session: Arc<Session>, due: bool },
    /// No token, or none with life enough.
    Nothing,
}

/// Sessions and refusals by key.
pub(crate) struct Cache {
    sessions: LruCache<CacheKey, Entry, Identity>,
    refusals: LruCache<CacheKey, Refusal, Identity>,
}

struct Entry {
    session: Arc<Session>,
    fresh_until: Moment,
    /// No refresh is tried before the boot clock reads this.
    refresh_from_ms: u64,
}

struct Refusal {
    error: Error,
    at: Moment,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            sessions: LruCache::unbounded_with_hasher(Identity::default()),
            refusals: LruCache::unbounded_with_hasher(Identity::default()),
        }
    }
}

impl Cache {
    /// What is there for a caller who wants `wanted` of life left.
    pub(crate) fn find(&mut self, key: &CacheKey, wanted: Duration, now: Moment) -> Found {
        let Some(entry) = self.sessions.get(key) else { return Found::Nothing };
        let life = entry.session.life();
        if life.is_dead(now) {
            self.sessions.pop(key);
            return Found::Nothing;
        }
        if !life.has_left(wanted, now) {
            return Found::Nothing;
        }
        let session = Arc::clone(&entry.session);
        if now.reached(entry.fresh_until) {
            Found::Stale { session, due: now.boot_ms >= entry.refresh_from_ms }
        } else {
            Found::Fresh(session)
        }
    }

    /// The session of a key, whatever its age, without counting as a use.
    pub(crate) fn peek(&self, key: &CacheKey) -> Option<&Arc<Session>> {
        self.sessions.peek(key).map(|entry| &entry.session)
    }

    /// True if the key has a token that is not dead.
    pub(crate) fn is_live(&self, key: &CacheKey, now: Moment) -> bool {
        self.peek(key).is_some_and(|session| !session.life().is_dead(now))
    }

    /// Keeps a session, fresh for 80 % of its life less up to a tenth, as `tenth` (0 to 1) says, so that a fleet
    /// started together does not refresh together. Forgets the key's refusal.
    pub(crate) fn keep(&mut self, session: &Arc<Session>, tenth: f64) {
        let life = session.life();
        let fresh = life.span.mul_f64(0.8 - 0.1 * tenth.clamp(0.0, 1.0));
        let key = session.cache_key();
        let fresh_until = life.begins.after(fresh);
        self.refusals.pop(&key);
        self.sessions.put(key, Entry { session: Arc::clone(session), fresh_until, refresh_from_ms: 0 });
        trim(&mut self.sessions, MOST_SESSIONS);
    }

    /// Puts off the next refresh of a key's token after a failed one.
    pub(crate) fn put_off_refresh(&mut self, key: &CacheKey, asked: Option<Duration>, now: Moment) {
        if let Some(entry) = self.sessions.peek_mut(key) {
            let pause = asked.map_or(REFRESH_PAUSE, |wait| wait.max(REFRESH_PAUSE));
            entry.refresh_from_ms = now.boot_ms.saturating_add(millis(pause));
        }
    }

    /// Drops whatever token the key has.
    pub(crate) fn drop_session(&mut self, key: &CacheKey) {
        self.sessions.pop(key);
    }

    /// Drops the key's token if it still is this very one.
    pub(crate) fn drop_exactly(&mut self, session: &Session) -> bool {
        let key = session.cache_key();
        let held = self.peek(&key).is_some_and(|held| held.is_same_as(session));
        if held {
            self.sessions.pop(&key);
        }
        held
    }

    /// Remembers that B2 refused a key.
    pub(crate) fn remember(&mut self, key: CacheKey, error: Error, at: Moment) {
        self.refusals.put(key, Refusal { error, at });
        trim(&mut self.refusals, MOST_REFUSALS);
    }

    /// The key's refusal, if it is younger than the reader's own `ttl`. Reading renews nothing.
    pub(crate) fn refusal(&self, key: &CacheKey, ttl: Duration, now: Moment) -> Option<(&Error, Duration)> {
        let refusal = self.refusals.peek(key)?;
        let age = Duration::from_millis(now.boot_ms.saturating_sub(refusal.at.boot_ms));
        (age < ttl).then_some((&refusal.error, age))
    }
}

fn trim<V>(map: &mut LruCache<CacheKey, V, Identity>, most: usize) {
    while map.len() > most {
        map.pop_lru();
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::diag::error::Status;
    use crate::model::cache_key::Scope;
    use crate::model::realm::Realm;
    use crate::model::session::Owner;
    use crate::model::validity::Life;
    use crate::reply::Grant;

    const NOW: Moment = Moment { wall_ms: 1_790_000_000_000, boot_ms: 5_000 };

    struct Keys(Realm, Scope);

    impl Keys {
        fn new() -> Self {
            let realm = Realm::production();
            let scope = Scope::new(&realm, None);
            Self(realm, scope)
        }

        fn key(&self, number: usize) -> CacheKey {
            CacheKey::new(&self.1, b"id", &number.to_le_bytes())
        }

        fn session(&self, number: usize) -> Arc<Session> {
            let owner = Owner { key_id: "id", realm: &self.0, cache_key: self.key(number) };
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
            Arc::new(Session::new(&owner, grant, Life::new(NOW, None, None)))
        }
    }

    fn is_there(cache: &mut Cache, key: &CacheKey) -> bool {
        !matches!(cache.find(key, Duration::ZERO, NOW), Found::Nothing)
    }

    #[test]
    fn the_least_recently_used_session_goes_first() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        for number in 0..MOST_SESSIONS {
            cache.keep(&keys.session(number), 0.0);
        }
        assert!(is_there(&mut cache, &keys.key(0)), "full is not yet too full");
        cache.keep(&keys.session(MOST_SESSIONS), 0.0);
        assert!(is_there(&mut cache, &keys.key(0)), "it was used just now");
        assert!(!is_there(&mut cache, &keys.key(1)), "nobody has used it since");
        assert!(is_there(&mut cache, &keys.key(MOST_SESSIONS)));
        assert_eq!(cache.sessions.len(), MOST_SESSIONS);
    }

    #[test]
    fn a_session_in_use_outlives_any_number_of_others() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        for number in [0, 1] {
            cache.keep(&keys.session(number), 0.0);
        }
        for number in 2..2 * MOST_SESSIONS {
            cache.keep(&keys.session(number), 0.0);
            if number % (MOST_SESSIONS / 2) == 0 {
                assert!(is_there(&mut cache, &keys.key(0)), "after {number}");
            }
        }
        assert!(is_there(&mut cache, &keys.key(0)) && !is_there(&mut cache, &keys.key(1)));
        assert_eq!(cache.sessions.len(), MOST_SESSIONS);
    }

    #[test]
    fn a_flood_of_refusals_is_bounded_and_drives_out_no_session() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        cache.keep(&keys.session(0), 0.0);
        for number in 1..=MOST_REFUSALS + 1 {
            cache.remember(keys.key(number), Error::new(Status::BadCredentials, "no"), NOW);
        }
        assert_eq!(cache.refusals.len(), MOST_REFUSALS);
        assert!(cache.refusal(&keys.key(1), Duration::from_secs(9), NOW).is_none());
        assert!(cache.refusal(&keys.key(2), Duration::from_secs(9), NOW).is_some());
        assert!(is_there(&mut cache, &keys.key(0)));
    }

    #[test]
    fn fresh_ends_between_70_and_80_percent_of_a_life() {
        let (keys, mut cache) = (Keys::new(), Cache::default());
        let at = |percent: u64| NOW.after(Duration::from_secs(864 * percent));
        for (tenth, percent) in [(0.0, 80), (1.0, 70)] {
            cache.keep(&keys.session(0), tenth);
            assert!(matches!(cache.find(&keys.key(0), Duration::ZERO, at(percent - 1)), Found::Fresh(_)));
            assert!(matches!(cache.find(&keys.key(0), Duration::ZERO, at(percent)), Found::Stale { due: true, .. }));
        }
    }
}
