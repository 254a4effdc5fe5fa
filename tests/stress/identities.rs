//! For whom sessions are asked: key ids, their keys, and the ways to the server. Each combination is one identity: a
//! cached session belongs to one, and so does a request in the air.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::rng::Dice;
use crate::secrets::MARK;
use crate::server_process::Server;

/// Key ids that everybody asks for all the time.
pub const STEADY: u64 = 8;
/// Keys that the server takes at one time or another, of each steady key id. One more it never takes.
pub const KEYS: u64 = 3;
/// Key ids that come and go. Their numbers start again after so many, with new keys.
const PASSING: u64 = 20_000;
/// How many of those that came last are asked for.
const RECENT: u64 = 300;
/// The steady key whose tokens the server soon takes no more.
const BRIEF: u64 = STEADY - 2;
/// The steady key that itself ends soon.
pub const ENDING: u64 = STEADY - 1;
/// The account that a scripted answer names, which is no key's.
pub const STRANGER: &str = "00000000bad0";

/// A way to the server: what tells two sessions of one key apart.
pub struct Way {
    pub realm: String,
    pub ca: Option<String>,
}

/// A key id with a key, and the way to ask for it.
#[derive(Clone)]
pub struct Who {
    pub id: String,
    pub key: String,
    /// The account that the key belongs to; `None` for a key that nobody has.
    pub account: Option<String>,
    pub way: usize,
    /// No two of these are the same.
    pub identity: u64,
    /// True if the key itself ends soon, and its sessions with it.
    pub ending: bool,
}

impl Who {
    /// Where things of this identity are counted.
    pub fn slot(&self) -> usize {
        slot(self.identity)
    }
}

const STEADY_SLOTS: u64 = STEADY * (KEYS + 1) * WAYS;
const WAYS: u64 = 3;
pub const SLOTS: u64 = STEADY_SLOTS + PASSING;

fn slot(identity: u64) -> usize {
    let slot = identity.checked_sub(STEADY_SLOTS).map_or(identity, |passing| STEADY_SLOTS + passing % PASSING);
    usize::try_from(slot).expect("there are few")
}

pub struct Cast {
    pub ways: Vec<Way>,
    passed: AtomicU64,
}

impl Cast {
    pub fn new(server: &Server) -> Self {
        let way = |realm: String, ca| Way { realm, ca };
        let ways = vec![
            way(server.http.clone(), None),
            way(format!("http://localhost:{}", server.port()), None),
            way(server.https.clone(), Some(server.ca.clone())),
        ];
        Self { ways, passed: AtomicU64::new(0) }
    }

    /// Somebody to ask for.
    pub fn anyone(&self, dice: &mut Dice) -> Who {
        let passed = self.passed.load(Ordering::SeqCst);
        if passed > 0 && dice.chance(150) {
            return self.passing(passed - 1 - dice.below(passed.min(RECENT)));
        }
        let id = dice.below(STEADY);
        self.steady(dice, id)
    }

    /// A steady key id, with the key that the server most likely takes or with another.
    pub fn steady(&self, dice: &mut Dice, id: u64) -> Who {
        let key = if dice.chance(880) { 0 } else { dice.below(KEYS + 1) };
        let way = dice.weighed(&[(6, 0), (2, 1), (2, 2)]);
        self.who(id, key, way)
    }

    /// The same key id, key and way again.
    pub fn who(&self, id: u64, key: u64, way: u64) -> Who {
        Who {
            id: steady_id(id),
            key: steady_key(id, key),
            account: (key < KEYS).then(|| steady_account(id, key)),
            way: usize::try_from(way).expect("there are few"),
            identity: (id * (KEYS + 1) + key) * WAYS + way,
            ending: id == ENDING,
        }
    }

    fn passing(&self, number: u64) -> Who {
        Who {
            id: passing_id(number),
            key: passing_key(number),
            account: Some(passing_account(number)),
            way: 0,
            identity: STEADY_SLOTS + number,
            ending: false,
        }
    }

    /// More passing keys, as the server is told of them; only once it knows them are they asked for.
    pub fn more(&self, count: u64, tell: impl FnOnce(Value)) {
        let first = self.passed.load(Ordering::SeqCst);
        let keys = (first..first + count).map(|number| {
            json!({ "keyId": passing_id(number), "key": passing_key(number), "accountId": passing_account(number),
                "capabilities": ["listBuckets"] })
        });
        tell(keys.collect());
        self.passed.store(first + count, Ordering::SeqCst);
    }
}

/// A steady key as the server is told of it.
pub fn told(id: u64, key: u64, dice: &mut Dice) -> Value {
    let mut told = json!({ "keyId": steady_id(id), "key": steady_key(id, key), "accountId": steady_account(id, key) });
    match id {
        BRIEF => told["tokenLifeMs"] = 300.into(),
        ENDING => told["expiresInMs"] = dice.between(1_000, 9_000).into(),
        _ => {}
    }
    told
}

pub fn steady_id(id: u64) -> String {
    format!("0014aa9865d6f0000000a{id:04}")
}

fn steady_key(id: u64, key: u64) -> String {
    format!("K001{MARK}/+{id:04}{key:04}")
}

fn steady_account(id: u64, key: u64) -> String {
    format!("acc0{id:04}{key:04}")
}

fn passing_id(number: u64) -> String {
    format!("0014aa9865d6f000000b{:05}", number % PASSING)
}

fn passing_key(number: u64) -> String {
    format!("K001{MARK}+/{number:08}")
}

fn passing_account(number: u64) -> String {
    format!("acc1{number:08}")
}

/// A key id and a key that the server never heard of.
pub fn told_never(number: usize) -> (String, String) {
    (format!("0014aa9865d6f000000c{number:05}"), format!("K001{MARK}//{number:08}"))
}
