use zeroize::Zeroizing;

use super::super::near_cache::Near;
use super::*;
use crate::diag::error::Status;
use crate::model::cache_key::CacheScope;
use crate::model::capabilities::Capabilities;
use crate::model::grant::Grant;
use crate::model::realm::Realm;
use crate::model::validity::Validity;

const NOW: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 5_000 };

type Change = fn(&mut Cache, &Keys, &Session);

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
            capabilities: Capabilities::default(),
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
fn a_session_that_was_not_used_is_evicted_first() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    for number in 0..MAX_SESSIONS {
        cache.insert(&keys.session(number), 0.0);
    }
    for number in (0..MAX_SESSIONS).filter(|number| *number != 7) {
        assert!(contains(&mut cache, &keys.key(number)), "full, and no more");
    }
    cache.insert(&keys.session(MAX_SESSIONS), 0.0);
    assert!(!contains(&mut cache, &keys.key(7)), "it alone was not used");
    assert!(contains(&mut cache, &keys.key(MAX_SESSIONS)));
    assert_eq!(cache.entries.sessions.len(), MAX_SESSIONS);
}

#[test]
fn a_session_in_use_outlives_any_number_of_others() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    for number in 0..2 * MAX_SESSIONS {
        cache.insert(&keys.session(number), 0.0);
        if number % (MAX_SESSIONS / 2) == 0 {
            assert!(contains(&mut cache, &keys.key(0)), "after {number}");
        }
    }
    assert_eq!(cache.entries.sessions.len(), MAX_SESSIONS);
}

#[test]
fn a_session_in_use_through_its_copy_alone_outlives_any_number_of_others() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    let (near, key) = (Arc::clone(&cache.near), keys.key(0));
    cache.insert(&keys.session(0), 0.0);
    assert!(matches!(near.get(&key, Duration::ZERO, NOW), Near::Miss));
    assert!(matches!(near.get(&key, Duration::ZERO, NOW), Near::MissAgain));
    cache.copy_near(&key, Duration::ZERO);
    for number in 1..3 * MAX_SESSIONS {
        cache.insert(&keys.session(number), 0.0);
        if number % (MAX_SESSIONS / 2) == 0 {
            assert!(matches!(near.get(&key, Duration::ZERO, NOW), Near::Hit(_)), "after {number}");
        }
    }
    assert!(contains(&mut cache, &key));
}

#[test]
fn no_copy_outlives_its_entry() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    let (near, key, session) = (Arc::clone(&cache.near), keys.key(0), keys.session(0));
    let copies = || usize::from(matches!(near.get(&key, Duration::ZERO, NOW), Near::Hit(_)));
    let changes: [(&str, Change); 4] = [
        ("removed", |cache, keys, _| cache.remove(&keys.key(0))),
        ("removed if the same", |cache, _, session| assert!(cache.remove_if_same(session))),
        ("replaced", |cache, keys, _| cache.insert(&keys.session(0), 0.0)),
        ("cleared", |cache, _, _| drop(cache.clear())),
    ];
    for (name, change) in changes {
        cache.insert(&session, 0.0);
        cache.copy_near(&key, Duration::ZERO);
        assert_eq!(copies(), 1, "before it is {name}");
        change(&mut cache, &keys, &session);
        assert_eq!(copies(), 0, "after it is {name}");
    }
    assert_eq!(near.hits(), 4);
}

#[test]
fn a_copy_is_used_as_long_as_it_is_fresh_and_has_enough_left() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    let (near, key) = (Arc::clone(&cache.near), keys.key(0));
    cache.insert(&keys.session(0), 0.0);
    cache.copy_near(&key, Duration::ZERO);
    let has = |min_remaining, now| matches!(near.get(&key, Duration::from_secs(min_remaining), now), Near::Hit(_));
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    assert!(has(0, at(69_119)) && !has(0, at(69_120)), "80 % of a day");
    assert!(has(17_280, NOW) && !has(17_281, NOW), "20 % of a day");
    let set_forward = Timestamp { wall_ms: at(69_120).wall_ms, ..NOW };
    assert!(!has(0, set_forward));

    // No copy is made for a caller whom it would not serve.
    cache.insert(&keys.session(0), 0.0);
    cache.copy_near(&key, Duration::from_secs(17_281));
    assert!(!has(0, NOW));
    cache.copy_near(&key, Duration::from_secs(17_280));
    assert!(has(0, NOW));
}

#[test]
fn a_flood_of_refusals_is_bounded_and_evicts_no_session() {
    let (keys, mut cache) = (Keys::new(), Cache::default());
    cache.insert(&keys.session(0), 0.0);
    for number in 1..=MAX_NEGATIVE + 1 {
        cache.insert_negative(keys.key(number), Error::new(Status::BadCredentials, "no"), NOW);
    }
    assert_eq!(cache.entries.negative.len(), MAX_NEGATIVE);
    assert!(cache.negative(&keys.key(MAX_NEGATIVE + 1), Duration::from_secs(9), NOW).is_some());
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
