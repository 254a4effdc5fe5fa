//! Every token that was handed out, and from when on it must not be handed out any more.
//!
//! Time here is a count that every thread shares: what a call may hand out depends on what was *over* when it began, so
//! nothing is said of calls that ran side by side.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::identities::{SLOTS, Who};

/// So that threads seldom wait for each other here.
const SHARDS: usize = 64;

pub struct Ledger {
    now: AtomicU64,
    /// What was handed out before this is dead: the cache was cleared since, or a day has passed.
    floor: AtomicU64,
    /// The same for one identity: B2 refused its key since.
    floors: Vec<AtomicU64>,
    shards: Vec<Mutex<Shard>>,
}

/// By a digest of the token: an hour of them would fill the memory.
type Shard = HashMap<u64, Record>;

struct Record {
    identity: u64,
    /// When it was asked for, if the call that did so was alone with its log.
    asked: Option<u64>,
    /// When somebody first had it in hand.
    seen: u64,
    /// When it had been given up for good.
    killed: Option<u64>,
    /// It was asked for past the cache.
    bypass: bool,
}

/// What was over when a call began.
#[derive(Clone, Copy)]
pub struct Began {
    pub at: u64,
    floor: u64,
}

/// How a call asked.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// It asks B2 whatever the cache holds.
    pub fresh: bool,
    pub bypass: bool,
    /// When its request was begun that was answered with the token, if that is known.
    pub asked: Option<u64>,
}

/// How a token came to be handed out.
pub struct Handed {
    /// Somebody had it in hand before this call began, so it can only come from the cache.
    pub cached: bool,
}

impl Ledger {
    pub fn new() -> Self {
        Self {
            now: AtomicU64::new(1),
            floor: AtomicU64::new(0),
            floors: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    /// To be asked right before a call.
    pub fn begin(&self, who: &Who) -> Began {
        let own = self.floors[who.slot()].load(Ordering::SeqCst);
        let floor = self.floor.load(Ordering::SeqCst).max(own);
        Began { at: self.tick(), floor }
    }

    /// A call handed this token out.
    pub fn hand_out(&self, who: &Who, token: &str, began: Began, manner: Manner) -> Result<Handed, String> {
        let Manner { fresh, bypass, asked } = manner;
        let (digest, shard) = self.shard(token);
        let mut shard = shard.lock().expect("no thread panics here");
        let record = match shard.entry(digest) {
            Entry::Vacant(place) => {
                place.insert(Record { identity: who.identity, asked, seen: self.tick(), killed: None, bypass });
                return Ok(Handed { cached: false });
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        let cached = record.seen < began.at;
        record.asked = record.asked.or(asked);
        if record.identity != who.identity {
            return Err(format!("the token of identity {} was handed out to {}", record.identity, who.identity));
        }
        if bypass || record.bypass {
            return Err("a token that was asked for past the cache was handed out twice".into());
        }
        if record.killed.is_some_and(|killed| killed < began.at) {
            return Err("a token that was invalidated, or that B2 refused, was handed out again".into());
        }
        if record.seen < began.floor {
            return Err(
                "a token was handed out though the cache was cleared, a day went by, or B2 refused the key".into()
            );
        }
        if cached && record.asked.is_some_and(|asked| asked < began.floor) {
            return Err(
                "a token stayed in the cache that was in the air when the cache was cleared or B2 refused the key"
                    .into(),
            );
        }
        if cached && fresh {
            return Err("a call that asks B2 anew was answered from the cache".into());
        }
        Ok(Handed { cached })
    }

    /// Nobody who begins from now on may get this token.
    pub fn kill(&self, token: &str) {
        let now = self.tick();
        let (digest, shard) = self.shard(token);
        if let Some(record) = shard.lock().expect("no thread panics here").get_mut(&digest) {
            record.killed.get_or_insert(now);
        }
    }

    /// Nobody who begins from now on may get what was handed out before `since`.
    pub fn bury(&self, since: u64) {
        self.floor.fetch_max(since, Ordering::SeqCst);
    }

    /// The same for one identity.
    pub fn bury_of(&self, who: &Who, since: u64) {
        self.floors[who.slot()].fetch_max(since, Ordering::SeqCst);
    }

    /// Forgets what is older than that, so that this book does not grow for ever.
    pub fn forget(&self, before: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock().expect("no thread panics here");
            shard.retain(|_, record| record.seen >= before);
            let most = shard.len() * 2;
            shard.shrink_to(most);
        }
    }

    fn shard(&self, token: &str) -> (u64, &Mutex<Shard>) {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        let digest = hasher.finish();
        let number = usize::try_from(digest % SHARDS as u64).expect("there are few");
        (digest, &self.shards[number])
    }
}
