//! Everything that calls share, behind one mutex.

pub(crate) mod cache;
pub(crate) mod counters;
pub(crate) mod crew;
pub(crate) mod flight;
pub(crate) mod rate_limit;

use self::cache::Cache;
use self::counters::Counters;
use self::flight::Flights;
use self::rate_limit::Budget;
#[cfg(all(feature = "b2-tool", not(loom)))]
use crate::credentials::Memory;
use crate::model::session::Session;
use crate::platform::sync::{self, Mutex, MutexGuard};

/// The shared state. It is locked for map work alone: no thread waits for B2, sleeps or calls back with it held.
#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

/// What the lock guards.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) cache: Cache,
    pub(crate) flights: Flights,
    pub(crate) budget: Budget,
    pub(crate) counters: Counters,
    #[cfg(all(feature = "b2-tool", not(loom)))]
    pub(crate) databases: Memory,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.0)
    }

    /// Forgets a token that B2 refused, if the cache still holds that very one. A flight in the air may have been
    /// granted before the refusal, so its result is not kept.
    pub(crate) fn invalidate(&self, session: &Session) {
        session.mark_rejected();
        let mut state = self.lock();
        if state.cache.drop_exactly(session) {
            state.flights.fence(&session.cache_key());
        }
    }

    /// Forgets every session and refusal, and keeps what is in the air from coming back. Budget and gates stay.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        let old = std::mem::take(&mut state.cache);
        state.flights.fence_all();
        drop(state);
        // Wiping many tokens takes a while: not under the lock.
        drop(old);
    }
}

impl State {
    /// In a child after a fork: the threads that led and waited are gone, and their flights with them.
    pub(crate) fn forget_flights(&mut self) {
        // Leaked, since freeing what a vanished thread was using is not worth the risk.
        std::mem::forget(std::mem::take(&mut self.flights));
    }
}
