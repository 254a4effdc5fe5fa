//! Whose session blank credentials meant last time, so that a cache hit reads neither the environment nor a file.

use super::b2_tool::Place;
use super::{Identity, Key};
use crate::model::bounded_map::BoundedMap;
use crate::model::cache_key::{BuildPassThrough, CacheKey};
use crate::model::realm::Realm;
use crate::options::Options;
#[cfg(not(loom))]
use crate::platform::fork_mutex::AtFork;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};

/// Entries kept; past that one that was not used lately is dropped.
const MAX_ENTRIES: usize = 64;

/// What this process has found out.
static MEMO: ForkMutex<Memo> = ForkMutex::new(Memo(None));

/// What a fork locks.
#[cfg(not(loom))]
pub(crate) static LOCKS: [&dyn AtFork; 1] = [&MEMO];

/// By the options, as they were set last, and the key ID that was given. Allocated at first use.
struct Memo(Option<BoundedMap<(u64, u128), Entry, BuildPassThrough>>);

impl ResetInChild for Memo {
    /// What the parent has found out is as good in the child.
    fn reset_in_child(&mut self) {}
}

#[derive(Clone)]
struct Entry {
    key_id: String,
    realm: Realm,
    cache_key: CacheKey,
    /// The file that it came from; `None` for the environment.
    place: Option<Place>,
}

fn key(options: &Options, key_id: &[u8]) -> (u64, u128) {
    (options.id(), options.scope().digest(key_id))
}

/// Whose session is wanted, if that was found out before and its source is unchanged. The environment counts as unchanged
/// until the options are set again, or a request is needed.
pub(super) fn recall(options: &Options, key_id: &[u8]) -> Option<Identity> {
    let Entry { key_id: found, realm, cache_key, place } = MEMO.lock().0.as_mut()?.get(&key(options, key_id))?.clone();
    if place.is_some_and(|place| !place.is_unchanged()) {
        return None;
    }
    let wanted = std::str::from_utf8(key_id).ok()?.to_owned();
    Some(Identity { key_id: found, realm, cache_key, key: Key::NotLoaded { wanted } })
}

/// Remembers whose session is wanted.
pub(super) fn remember(options: &Options, key_id: &[u8], identity: &Identity, place: Option<Place>) {
    let Identity { key_id: found, realm, cache_key, .. } = identity;
    let entry = Entry { key_id: found.clone(), realm: realm.clone(), cache_key: *cache_key, place };
    MEMO.lock().0.get_or_insert_with(|| BoundedMap::new(MAX_ENTRIES)).insert(key(options, key_id), entry);
}

/// Forgets it, since the source has no key any more.
pub(super) fn forget(options: &Options, key_id: &[u8]) {
    if let Some(entries) = &mut MEMO.lock().0 {
        entries.remove(&key(options, key_id));
    }
}
