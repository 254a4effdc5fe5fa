//! What all calls of a process share, behind one mutex.
//!
//! The lock is held for work in memory alone: no thread waits for B2, sleeps or calls back while it holds it.

pub(crate) mod cache;
pub(crate) mod counters;
pub(crate) mod progress;
pub(crate) mod rate_limit;
pub(crate) mod refused_tokens;
pub(crate) mod single_flight;

use crate::model::session::Session;
#[cfg(not(loom))]
use crate::platform::fork_mutex::ForkMutex;
use crate::platform::fork_mutex::ResetInChild;
#[cfg(loom)]
use crate::platform::sync;
use crate::platform::sync::MutexGuard;

use cache::Cache;
use counters::Counters;
use rate_limit::RateLimiter;
use refused_tokens::RefusedTokens;
use single_flight::SingleFlight;

/// The shared state and its lock.
#[derive(Default)]
pub(crate) struct Shared(
    #[cfg(not(loom))] pub(crate) ForkMutex<State>,
    // A model forks no process.
    #[cfg(loom)] sync::Mutex<State>,
);

/// What the lock guards.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) cache: Cache,
    pub(crate) single_flight: SingleFlight,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) refused_tokens: RefusedTokens,
    pub(crate) counters: Counters,
}

impl Shared {
    #[cfg(not(loom))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    #[cfg(loom)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.0)
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
        let old = std::mem::take(&mut state.cache);
        state.single_flight.forget_all();
        drop(state);
        // Wiping many tokens takes a while: not under the lock.
        drop(old);
    }
}

impl ResetInChild for State {
    /// The threads that led and followed are gone, and their flights with them. Tokens stay.
    fn reset_in_child(&mut self) {
        // Leaked: freeing what a vanished thread was using is not worth the risk.
        std::mem::forget(std::mem::take(&mut self.single_flight));
    }
}
