//! Who is in a flight: the one who leads it, and those who sit in it and wait.

use std::sync::Arc;

use super::flight::{Outcome, Phase, Spent, Way};
use super::{Shared, State};
use crate::diag::error::Error;
use crate::model::cache_key::CacheKey;
use crate::model::session::Session;
use crate::platform::sync;
use crate::ports::cancel::{Bounds, Stop};

/// A place in a flight that somebody else leads.
pub(crate) struct Seat<'s> {
    shared: &'s Shared,
    key: CacheKey,
    id: u64,
}

/// What a seat's wait came to.
pub(crate) enum Heard<'s> {
    /// The flight's verdict.
    Verdict(Result<Arc<Session>, Error>),
    /// The leader left, and this caller goes on in its place.
    Lead(Lead<'s>),
    /// This caller's own bounds ended the wait.
    Stopped(Stop),
}

impl<'s> Seat<'s> {
    /// Takes a seat in the key's flight, if there is one.
    pub(crate) fn take(shared: &'s Shared, state: &mut State, key: CacheKey) -> Option<Self> {
        let id = state.flights.join(&key)?;
        Some(Self { shared, key, id })
    }

    /// Waits for the verdict, for the leader's place, or for this caller's own bounds.
    pub(crate) fn wait(self, way: &Way, max_attempts: u32, bounds: &Bounds<'_>) -> Heard<'s> {
        let mut state = self.shared.lock();
        loop {
            let Some(flight) = state.flights.by_id.get_mut(&self.id) else {
                // Only a fork ends a flight under its seats, and then this thread is not in the child.
                return Heard::Verdict(Err(Error::internal("a flight ended without a verdict")));
            };
            match &mut flight.phase {
                Phase::Landed(verdict) => {
                    let verdict = verdict.clone();
                    state.flights.leave(&self.key, self.id);
                    return Heard::Verdict(verdict.map_err(Error::for_waiter));
                }
                Phase::Open(spent) => {
                    if let Some(error) = spent.failure_for(way, max_attempts).cloned() {
                        state.flights.leave(&self.key, self.id);
                        return Heard::Verdict(Err(error.for_waiter()));
                    }
                    let spent = std::mem::take(spent);
                    flight.phase = Phase::Led;
                    flight.seats -= 1;
                    return Heard::Lead(Lead { shared: self.shared, key: self.key, id: self.id, spent, landed: false });
                }
                Phase::Led => {}
            }
            if let Some(stop) = bounds.stop() {
                state.flights.leave(&self.key, self.id);
                return Heard::Stopped(stop);
            }
            let bell = Arc::clone(&flight.bell);
            state = sync::wait(&bell, state, bounds.slice());
        }
    }
}

/// The duty to bring a flight to its end. Dropped without a landing, as by a panic, it fails everybody in it.
pub(crate) struct Lead<'s> {
    shared: &'s Shared,
    key: CacheKey,
    id: u64,
    spent: Spent,
    landed: bool,
}

impl<'s> Lead<'s> {
    /// Starts a flight for a key that has none.
    pub(crate) fn start(shared: &'s Shared, state: &mut State, key: CacheKey) -> Self {
        let id = state.flights.start(key);
        Self { shared, key, id, spent: Spent::default(), landed: false }
    }

    /// What earlier leaders of this flight have already tried.
    pub(crate) fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// Ends the flight: writes its outcome into the cache and tells everybody who waits. `settle` is the map work that
    /// belongs to the outcome, told whether the result may be kept.
    pub(crate) fn land(mut self, outcome: Outcome, settle: impl FnOnce(&mut State, bool, &Outcome)) -> Outcome {
        self.landed = true;
        let mut state = self.shared.lock();
        let fenced = state.flights.by_id.get(&self.id).is_none_or(|flight| flight.fenced);
        settle(&mut state, !fenced, &outcome);
        let phase = match &outcome {
            Outcome::Granted(session) => Phase::Landed(Ok(Arc::clone(session))),
            Outcome::Refused(error) => Phase::Landed(Err(error.clone())),
            Outcome::Lost(_, spent) | Outcome::Own(_, spent) => Phase::Open(spent.clone()),
        };
        state.flights.turn(&self.key, self.id, phase);
        outcome
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.landed {
            let error = Error::internal("the thread that was asking B2 for everybody panicked");
            self.shared.lock().flights.turn(&self.key, self.id, Phase::Landed(Err(error)));
        }
    }
}
