//! Copies of the sessions that are asked for most, in shards, so that threads that hit at the same time do not meet.
//!
//! The cache under the one mutex is the truth. It copies an entry here when a shard misses the same key twice, and
//! withdraws every copy before it changes or drops the entry: a thread that holds its mutex may take a shard's, never the other
//! way round. A thread never waits for a shard while it looks for a hit: if its own is locked, it moves to the next one.

#[cfg(not(loom))]
use std::array;
use std::sync::Arc;
use std::time::Duration;

use crate::model::cache_key::CacheKey;
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::platform::fork_mutex::ResetInChild;
#[cfg(not(loom))]
use crate::platform::fork_mutex::{AtFork, ForkMutex};
#[cfg(loom)]
use crate::platform::sync;
use crate::platform::sync::MutexGuard;

#[cfg(not(loom))]
const SHARDS: usize = 16;
/// Enough to meet in, or not.
#[cfg(loom)]
const SHARDS: usize = 2;
/// Places in a shard. A key has one place in each, by its digest.
const PLACES: usize = 8;

/// The copies.
#[derive(Default)]
pub(crate) struct NearCache {
    shards: [Shard; SHARDS],
}

/// Aligned to more than a cache line, since processors fetch two at a time.
#[derive(Default)]
#[repr(align(128))]
struct Shard(#[cfg(not(loom))] ForkMutex<Places>, #[cfg(loom)] sync::Mutex<Places>);

#[derive(Default)]
struct Places {
    hits: u64,
    copies: [Option<NearEntry>; PLACES],
    /// The key that last found its place without a copy of its own.
    missed: [Option<CacheKey>; PLACES],
}

/// What a shard knows of a session.
struct NearEntry {
    key: CacheKey,
    fresh_until: Timestamp,
    /// While the token is fresh, it has at least this much of its lifetime left.
    remaining: Duration,
    session: Arc<Session>,
    /// Set by a hit, so that the cache knows of it when it has to make room.
    is_used: bool,
}

/// What there is in a shard.
pub(crate) enum Near {
    Hit(Arc<Session>),
    Miss,
    /// The last miss in this place was for the same key: a copy would have been of use.
    MissAgain,
}

/// Where a key is in each shard.
#[inline(always)]
fn place(key: &CacheKey) -> usize {
    key.short() as usize % PLACES
}

impl ResetInChild for Places {
    /// Copies are as good in the child.
    fn reset_in_child(&mut self) {}
}

/// The shard that each thread uses.
#[cfg(not(loom))]
mod home {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::SHARDS;

    thread_local! {
        // Without a destructor, so that it can be used while the thread ends.
        static HOME: Cell<usize> = const { Cell::new(SHARDS) };
    }

    /// The calling thread's shard. Threads start at different ones.
    #[inline(always)]
    pub(super) fn get() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let home = HOME.get();
        if home < SHARDS {
            return home;
        }
        set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS)
    }

    pub(super) fn set(shard: usize) -> usize {
        HOME.set(shard);
        shard
    }
}

/// In a model every thread uses the same shard.
#[cfg(loom)]
mod home {
    pub(super) fn get() -> usize {
        0
    }

    pub(super) fn set(shard: usize) -> usize {
        shard
    }
}

impl NearCache {
    /// Looks for a copy of a fresh session with `min_remaining` of its lifetime left. Takes no lock that anybody holds for
    /// longer than a look, and waits for none.
    #[inline(always)]
    pub(crate) fn get(&self, key: &CacheKey, min_remaining: Duration, now: Timestamp) -> Near {
        let home = home::get();
        let Some(mut places) = self.shards[home].try_lock().or_else(|| self.move_on(home)) else { return Near::Miss };
        let places = &mut *places;
        let place = place(key);
        if let Some(entry) = &mut places.copies[place]
            && entry.key == *key
            && !now.is_past(entry.fresh_until)
            && min_remaining <= entry.remaining
        {
            entry.is_used = true;
            places.hits += 1;
            return Near::Hit(Arc::clone(&entry.session));
        }
        if places.missed[place] == Some(*key) {
            return Near::MissAgain;
        }
        places.missed[place] = Some(*key);
        Near::Miss
    }

    /// Another shard that is not locked now, which becomes the calling thread's.
    #[cold]
    fn move_on(&self, home: usize) -> Option<MutexGuard<'_, Places>> {
        let mut others = (1..SHARDS).map(|distance| (home + distance) % SHARDS);
        others.find_map(|shard| {
            let places = self.shards[shard].try_lock()?;
            home::set(shard);
            Some(places)
        })
    }

    /// Copies a session into the calling thread's shard. The caller holds the mutex of the cache.
    pub(crate) fn insert(&self, session: &Arc<Session>, fresh_until: Timestamp, remaining: Duration) {
        let (key, session) = (session.cache_key(), Arc::new(session.view()));
        let entry = NearEntry { key, fresh_until, remaining, session, is_used: true };
        let replaced = self.shards[home::get()].lock().copies[place(&key)].replace(entry);
        drop(replaced);
    }

    /// Drops every copy of a key's session. The caller holds the mutex of the cache.
    pub(crate) fn withdraw(&self, key: &CacheKey) {
        let place = place(key);
        for shard in &self.shards {
            let mut places = shard.lock();
            let copy = places.copies[place].take_if(|entry| entry.key == *key);
            drop(places);
            drop(copy);
        }
    }

    /// Drops every copy. The caller holds the mutex of the cache.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let copies = std::mem::take(&mut shard.lock().copies);
            drop(copies);
        }
    }

    /// True if a copy was returned since the last time that this was asked.
    pub(crate) fn take_used(&self, key: &CacheKey) -> bool {
        let place = place(key);
        self.shards.iter().fold(false, |was_used, shard| {
            let mut places = shard.lock();
            let copy = places.copies[place].as_mut().filter(|entry| entry.key == *key);
            copy.is_some_and(|entry| std::mem::take(&mut entry.is_used)) | was_used
        })
    }

    /// How often a copy was returned.
    pub(crate) fn hits(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().hits).sum()
    }

    /// What a fork locks.
    #[cfg(not(loom))]
    pub(crate) fn locks(&'static self) -> [&'static dyn AtFork; SHARDS] {
        array::from_fn(|index| &self.shards[index].0 as &'static dyn AtFork)
    }
}

impl Shard {
    #[cfg(not(loom))]
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock()
    }

    #[cfg(not(loom))]
    #[inline(always)]
    fn try_lock(&self) -> Option<MutexGuard<'_, Places>> {
        self.0.try_lock()
    }

    #[cfg(loom)]
    fn lock(&self) -> MutexGuard<'_, Places> {
        sync::lock(&self.0)
    }

    #[cfg(loom)]
    fn try_lock(&self) -> Option<MutexGuard<'_, Places>> {
        self.0.try_lock().ok()
    }
}
