//! Which tokens a call may return: every token that was returned, and since when it must not be returned any more.
//!
//! Time here is a count that all threads share. What a call may return depends on what was finished when the call began,
//! so nothing is required of calls that ran at the same time.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::identities::{Identity, SLOTS};

/// So that threads seldom wait for each other here.
const SHARDS: usize = 64;

pub struct TokenOracle {
    now: AtomicU64,
    /// Tokens returned or requested before this are forbidden: the cache was cleared since.
    cleared_at: AtomicU64,
    /// Tokens returned before this are forbidden: a day has passed since. Not those requested before: a call may read the
    /// clocks after it has logged its request, and then the token's life begins after they have turned.
    day_passed_at: AtomicU64,
    /// Tokens of one identity that were returned or requested before this are forbidden: B2 rejected its key since.
    rejected_at: Vec<AtomicU64>,
    shards: Vec<Mutex<Shard>>,
}

/// By a hash of the token, since an hour of tokens would fill the memory.
type Shard = HashMap<u64, TokenRecord>;

struct TokenRecord {
    /// The number of its identity.
    identity: u64,
    /// When it was requested, if that is known.
    requested_at: Option<u64>,
    /// When a call first returned it.
    seen_at: u64,
    /// When it was invalidated or rejected.
    forbidden_at: Option<u64>,
    /// It was requested with cache=bypass.
    bypass: bool,
}

/// What was finished when a call began.
#[derive(Clone, Copy)]
pub struct Start {
    pub at: u64,
    cleared_at: u64,
    day_passed_at: u64,
    rejected_at: u64,
}

/// How a call uses the cache.
#[derive(Clone, Copy, Default)]
pub struct CallKind {
    /// It makes a request whatever is cached.
    pub fresh: bool,
    pub bypass: bool,
    /// When the request for its token began, if that is known.
    pub requested_at: Option<u64>,
}

/// Where a returned token came from.
pub struct Source {
    /// Another call had returned it before this one began, so it came from the cache.
    pub cached: bool,
}

impl TokenOracle {
    pub fn new() -> Self {
        Self {
            now: AtomicU64::new(1),
            cleared_at: AtomicU64::new(0),
            day_passed_at: AtomicU64::new(0),
            rejected_at: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    /// To be called right before a call.
    pub fn start_call(&self, identity: &Identity) -> Start {
        let rejected_at = self.rejected_at[identity.slot()].load(Ordering::SeqCst);
        let cleared_at = self.cleared_at.load(Ordering::SeqCst);
        let day_passed_at = self.day_passed_at.load(Ordering::SeqCst);
        Start { at: self.tick(), cleared_at, day_passed_at, rejected_at }
    }

    /// Checks a token that a call returned. An error has the number of the violated invariant.
    pub fn check_returned(
        &self,
        identity: &Identity,
        token: &str,
        start: Start,
        kind: CallKind,
    ) -> Result<Source, (usize, String)> {
        let CallKind { fresh, bypass, requested_at } = kind;
        let (hash, shard) = self.shard(token);
        let mut shard = shard.lock().expect("no thread panics here");
        let record = match shard.entry(hash) {
            Entry::Vacant(entry) => {
                let (identity, seen_at) = (identity.number, self.tick());
                entry.insert(TokenRecord { identity, requested_at, seen_at, forbidden_at: None, bypass });
                return Ok(Source { cached: false });
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        let cached = record.seen_at < start.at;
        record.requested_at = record.requested_at.or(requested_at);
        if record.identity != identity.number {
            let (owner, other) = (record.identity, identity.number);
            return Err((2, format!("the token of identity {owner} was returned to identity {other}")));
        }
        let stale = |what: &str| Err((3, what.to_owned()));
        if bypass || record.bypass {
            return stale("a token that was requested with cache=bypass was returned twice");
        }
        if record.forbidden_at.is_some_and(|forbidden| forbidden < start.at) {
            return stale("a token that was invalidated or rejected was returned again");
        }
        for (since, what) in [
            (start.cleared_at, "the cache was cleared"),
            (start.day_passed_at, "a day has passed"),
            (start.rejected_at, "B2 rejected the key"),
        ] {
            if record.seen_at < since {
                let (seen, begun) = (record.seen_at, start.at);
                let requested = record.requested_at;
                return stale(&format!(
                    "a token was returned although {what}: requested at {requested:?}, seen at {seen}, forbidden at \
                     {since}, returned by a call begun at {begun}"
                ));
            }
        }
        let forbidden = start.cleared_at.max(start.rejected_at);
        if cached && record.requested_at.is_some_and(|requested| requested < forbidden) {
            return stale("a token was cached that was in flight when the cache was cleared or B2 rejected the key");
        }
        if cached && fresh {
            return stale("a call that must make a request returned a cached token");
        }
        Ok(Source { cached })
    }

    /// No call that begins from now on may return this token.
    pub fn forbid(&self, token: &str) {
        let now = self.tick();
        let (hash, shard) = self.shard(token);
        if let Some(record) = shard.lock().expect("no thread panics here").get_mut(&hash) {
            record.forbidden_at.get_or_insert(now);
        }
    }

    /// No call that begins from now on may return a token from before the cache was cleared.
    pub fn cache_cleared(&self, since: u64) {
        self.cleared_at.fetch_max(since, Ordering::SeqCst);
    }

    /// No call that begins from now on may return a token that was returned before the clocks turned by a day.
    pub fn day_passed(&self, since: u64) {
        self.day_passed_at.fetch_max(since, Ordering::SeqCst);
    }

    /// No call for this identity that begins from now on may return a token from before B2 rejected its key.
    pub fn key_rejected(&self, identity: &Identity, since: u64) {
        self.rejected_at[identity.slot()].fetch_max(since, Ordering::SeqCst);
    }

    /// Forgets tokens that were returned before that, so that the records stay bounded.
    pub fn forget(&self, before: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock().expect("no thread panics here");
            shard.retain(|_, record| record.seen_at >= before);
            let capacity = shard.len() * 2;
            shard.shrink_to(capacity);
        }
    }

    fn shard(&self, token: &str) -> (u64, &Mutex<Shard>) {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        let hash = hasher.finish();
        let number = usize::try_from(hash % SHARDS as u64).expect("there are few");
        (hash, &self.shards[number])
    }
}
