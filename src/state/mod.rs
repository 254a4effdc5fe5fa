//! What all calls of a process share, behind one mutex.
//!
//! The lock is held for work in memory alone: no thread waits for B2, sleeps or calls back while it holds it.

pub(crate) mod cache;
pub(crate) mod counters;
pub(crate) mod near_cache;
pub(crate) mod progress;
pub(crate) mod rate_limit;
pub(crate) mod refused_tokens;
pub(crate) mod single_flight;

use crate::model::cache_key::CacheKey;
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::platform;
use crate::platform::fork_mutex::ResetInChild;
#[cfg(not(loom))]
use crate::platform::fork_mutex::{AtFork, ForkMutex};
#[cfg(loom)]
use crate::platform::sync;
use crate::platform::sync::MutexGuard;

#[cfg(not(loom))]
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use cache::Cache;
use counters::Counters;
use near_cache::{Near, NearCache};
use rate_limit::RateLimiter;
use refused_tokens::RefusedTokens;
use single_flight::SingleFlight;

#[cfg(not(loom))]
type StateMutex = ForkMutex<State>;
// A model forks no process.
#[cfg(loom)]
type StateMutex = sync::Mutex<State>;

/// The shared state and its lock, and the copies that are read without it.
pub(crate) struct Shared {
    state: StateMutex,
    near: Arc<NearCache>,
}

/// So many sessions are worth the time that giving back their memory takes.
const LARGE: usize = 1_000;

/// What the lock guards.
pub(crate) struct State {
    pub(crate) cache: Cache,
    pub(crate) single_flight: SingleFlight,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) refused_tokens: RefusedTokens,
    pub(crate) counters: Counters,
}

impl Default for Shared {
    fn default() -> Self {
        let near = Arc::new(NearCache::default());
        let state = State {
            cache: Cache::new(Arc::clone(&near)),
            single_flight: SingleFlight::default(),
            rate_limiter: RateLimiter::default(),
            counters: Counters::default(),
            refused_tokens: RefusedTokens::default(),
        };
        Self { state: StateMutex::new(state), near }
    }
}

impl Shared {
    #[cfg(not(loom))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    #[cfg(loom)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.state)
    }

    /// What a fork locks, in lock order.
    #[cfg(not(loom))]
    pub(crate) fn locks(&'static self) -> impl DoubleEndedIterator<Item = &'static dyn AtFork> {
        let state: &'static dyn AtFork = &self.state;
        iter::once(state).chain(self.near.locks())
    }

    /// A fresh session with `min_remaining` of its lifetime left, if a copy is near. Counts as a hit.
    #[inline(always)]
    pub(crate) fn near(&self, key: &CacheKey, min_remaining: Duration, now: Timestamp) -> Near {
        self.near.get(key, min_remaining, now)
    }

    /// What the library has done so far.
    pub(crate) fn counters(&self) -> Counters {
        let counters = self.lock().counters;
        Counters { cache_hits: counters.cache_hits + self.near.hits(), ..counters }
    }

    /// Forgets a token that B2 refused, if the cache still holds that very one. A flight for its key may have been
    /// granted before the refusal, so its result is not cached.
    pub(crate) fn invalidate(&self, session: &Session) {
        session.mark_rejected();
        let mut state = self.lock();
        state.refused_tokens.add(session.cache_key(), session.authorization_token());
        if state.cache.remove_if_same(session) {
            state.single_flight.forget(&session.cache_key());
        }
    }

    /// Forgets every session and refusal, and keeps what is in flight from being cached. Rate limits stay.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        let old = state.cache.clear();
        state.single_flight.forget_all();
        drop(state);
        let was_large = old.len() >= LARGE;
        drop(old);
        if was_large {
            platform::release_free_memory();
        }
    }
}

impl ResetInChild for State {
    /// The threads that led and followed are gone, and their flights with them. Tokens stay.
    fn reset_in_child(&mut self) {
        // Leaked: freeing what a vanished thread was using is not worth the risk.
        std::mem::forget(std::mem::take(&mut self.single_flight));
    }
}
