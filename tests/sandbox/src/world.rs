//! All that the sandbox knows: its keys, tokens, buckets, scripts and the log.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::halt::Halt;
use crate::key::Key;
use crate::latch::Latches;
use crate::log::Log;
use crate::objects::Objects;
use crate::script::Scripts;
use crate::sync::lock;
use crate::token::Tokens;

#[derive(Debug, Default)]
pub(crate) struct World {
    keys: Mutex<Keys>,
    pub(crate) tokens: Tokens,
    pub(crate) scripts: Scripts,
    pub(crate) latches: Latches,
    pub(crate) log: Log,
    pub(crate) objects: Objects,
    pub(crate) halt: Halt,
}

#[derive(Debug, Default)]
struct Keys {
    by_id: HashMap<String, Key>,
    in_order: Vec<String>,
}

impl World {
    /// Adds a key, or puts it in the place of the one with its id. The buckets that it names come
    /// to be.
    pub(crate) fn add_key(&self, key: Key) {
        let key = key.settled();
        for bucket in key.buckets.iter().flatten() {
            if let Some(name) = &bucket.name {
                self.objects.add_bucket(&key.account_id, &bucket.id, name);
            }
        }
        let mut keys = lock(&self.keys);
        if !keys.by_id.contains_key(&key.key_id) {
            keys.in_order.push(key.key_id.clone());
        }
        keys.by_id.insert(key.key_id.clone(), key);
    }

    pub(crate) fn remove_key(&self, key_id: &str) {
        let mut keys = lock(&self.keys);
        keys.by_id.remove(key_id);
        keys.in_order.retain(|id| id != key_id);
    }

    pub(crate) fn key(&self, key_id: &str) -> Option<Key> {
        lock(&self.keys).by_id.get(key_id).cloned()
    }

    /// The key that a client means: its account id stands for the account's master key.
    pub(crate) fn key_meant_by(&self, id: &str) -> Option<Key> {
        let keys = lock(&self.keys);
        let known = |key_id: &String| keys.by_id.get(key_id);
        let meant = |key: &&Key| key.account_id == id && key.is_unlimited();
        known(&id.to_owned()).or_else(|| keys.in_order.iter().filter_map(known).find(meant)).cloned()
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        let keys = lock(&self.keys);
        keys.in_order.iter().filter_map(|id| keys.by_id.get(id)).cloned().collect()
    }
}
