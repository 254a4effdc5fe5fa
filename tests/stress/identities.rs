//! Identities: each is a key ID with a key and a route to the server. A cached session belongs to one identity, and so
//! does a request in flight.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::rng::Rng;
use crate::secrets::MARK;
use crate::server_process::Server;

/// Key IDs that are in use all the time.
pub const PERMANENT_IDS: u64 = 8;
/// Keys of each permanent ID that the server accepts at some time. It never accepts one more.
pub const KEYS_PER_ID: u64 = 3;
/// Key IDs that come and go. They are used again after that many, with new keys.
const TEMPORARY_IDS: u64 = 20_000;
/// How many of the last of them are in use.
const RECENT_IDS: u64 = 300;
/// The permanent ID whose tokens the server soon rejects.
const SHORT_TOKENS_ID: u64 = PERMANENT_IDS - 2;
/// The permanent ID whose key expires soon.
pub const EXPIRING_ID: u64 = PERMANENT_IDS - 1;
/// The account in a scripted reply, which has no key.
pub const FOREIGN_ACCOUNT: &str = "00000000bad0";

/// A route to the server: sessions of one key by two routes are different.
pub struct Route {
    pub realm: String,
    pub ca: Option<String>,
}

/// A key ID with a key, and the route for its requests.
#[derive(Clone)]
pub struct Identity {
    pub id: String,
    pub key: String,
    /// The account that the key belongs to; `None` for a key that the server never accepts.
    pub account: Option<String>,
    pub route: usize,
    /// Different for each identity.
    pub number: u64,
    /// True if the key itself expires soon, and its sessions with it.
    pub expires: bool,
}

impl Identity {
    /// The index of its counters.
    pub fn slot(&self) -> usize {
        slot(self.number)
    }
}

const PERMANENT_SLOTS: u64 = PERMANENT_IDS * (KEYS_PER_ID + 1) * ROUTES;
const ROUTES: u64 = 3;
pub const SLOTS: u64 = PERMANENT_SLOTS + TEMPORARY_IDS;

fn slot(number: u64) -> usize {
    let slot =
        number.checked_sub(PERMANENT_SLOTS).map_or(number, |temporary| PERMANENT_SLOTS + temporary % TEMPORARY_IDS);
    usize::try_from(slot).expect("there are few")
}

pub struct Identities {
    pub routes: Vec<Route>,
    added: AtomicU64,
}

impl Identities {
    pub fn new(server: &Server) -> Self {
        let route = |realm: String, ca| Route { realm, ca };
        let routes = vec![
            route(server.http.clone(), None),
            route(format!("http://localhost:{}", server.port()), None),
            route(server.https.clone(), Some(server.ca.clone())),
        ];
        Self { routes, added: AtomicU64::new(0) }
    }

    /// A random identity.
    pub fn random(&self, rng: &mut Rng) -> Identity {
        let added = self.added.load(Ordering::SeqCst);
        if added > 0 && rng.chance(150) {
            return self.temporary(added - 1 - rng.below(added.min(RECENT_IDS)));
        }
        let id = rng.below(PERMANENT_IDS);
        self.permanent(rng, id)
    }

    /// A permanent ID, with the key that the server most likely accepts or with another.
    pub fn permanent(&self, rng: &mut Rng, id: u64) -> Identity {
        let key = if rng.chance(880) { 0 } else { rng.below(KEYS_PER_ID + 1) };
        let route = rng.weighted(&[(6, 0), (2, 1), (2, 2)]);
        self.identity(id, key, route)
    }

    /// The identity of a permanent ID with that key and route.
    pub fn identity(&self, id: u64, key: u64, route: u64) -> Identity {
        Identity {
            id: permanent_id(id),
            key: permanent_key(id, key),
            account: (key < KEYS_PER_ID).then(|| permanent_account(id, key)),
            route: usize::try_from(route).expect("there are few"),
            number: (id * (KEYS_PER_ID + 1) + key) * ROUTES + route,
            expires: id == EXPIRING_ID,
        }
    }

    fn temporary(&self, number: u64) -> Identity {
        Identity {
            id: temporary_id(number),
            key: temporary_key(number),
            account: Some(temporary_account(number)),
            route: 0,
            number: PERMANENT_SLOTS + number,
            expires: false,
        }
    }

    /// Adds temporary keys: first to the server, so that they are used only once it knows them.
    pub fn add_temporary(&self, count: u64, send: impl FnOnce(Value)) {
        let first = self.added.load(Ordering::SeqCst);
        let keys = (first..first + count).map(|number| {
            json!({ "keyId": temporary_id(number), "key": temporary_key(number), "accountId": temporary_account(number),
                "capabilities": ["listBuckets"] })
        });
        send(keys.collect());
        self.added.store(first + count, Ordering::SeqCst);
    }
}

/// A permanent key as JSON for the server.
pub fn permanent_key_json(id: u64, key: u64, rng: &mut Rng) -> Value {
    let mut key_json =
        json!({ "keyId": permanent_id(id), "key": permanent_key(id, key), "accountId": permanent_account(id, key) });
    match id {
        SHORT_TOKENS_ID => key_json["tokenLifeMs"] = 300.into(),
        EXPIRING_ID => key_json["expiresInMs"] = rng.between(1_000, 9_000).into(),
        _ => {}
    }
    key_json
}

pub fn permanent_id(id: u64) -> String {
    format!("0014aa9865d6f0000000a{id:04}")
}

fn permanent_key(id: u64, key: u64) -> String {
    format!("K001{MARK}/+{id:04}{key:04}")
}

fn permanent_account(id: u64, key: u64) -> String {
    format!("acc0{id:04}{key:04}")
}

fn temporary_id(number: u64) -> String {
    format!("0014aa9865d6f000000b{:05}", number % TEMPORARY_IDS)
}

fn temporary_key(number: u64) -> String {
    format!("K001{MARK}+/{number:08}")
}

fn temporary_account(number: u64) -> String {
    format!("acc1{number:08}")
}

/// A key ID and a key that the server does not know.
pub fn unknown_pair(number: usize) -> (String, String) {
    (format!("0014aa9865d6f000000c{number:05}"), format!("K001{MARK}//{number:08}"))
}
