//! One request for all who ask at once.
//!
//! The caller that starts a request for a cache key is its *leader*; a caller that asks for the same key meanwhile is a
//! *follower* and gets the same result. A leader that its own limits stop abandons the flight, and a follower whose limits
//! allow more is promoted and continues from the leader's progress.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shared;
use super::State;
use super::progress::{AttemptPolicy, Progress};
use crate::diag::error::Error;
use crate::model::cache_key::{BuildPassThrough, CacheKey};
use crate::model::session::Session;
use crate::platform::sync::{self, Condvar};
use crate::ports::limits::{Limits, Stop};

/// The flights of the process. At most one is in flight for a key.
#[derive(Default)]
pub(crate) struct SingleFlight {
    /// The flight that a new caller joins.
    in_flight: HashMap<CacheKey, u64, BuildPassThrough>,
    /// Those, and flights that are done but whose followers have not all woken yet.
    flights: HashMap<u64, Flight>,
    next_id: u64,
}

struct Flight {
    condvar: Arc<Condvar>,
    followers: usize,
    phase: Phase,
    /// The cache was cleared, or its token invalidated, since this began: the result is handed out, not cached.
    discard_result: bool,
}

enum Phase {
    Running,
    /// The leader left, and the first follower that wakes decides what happens.
    Abandoned(Progress),
    Done(Result<Arc<Session>, Error>),
}

/// How a leader ends its flight.
pub(crate) enum Completion {
    /// Every follower gets this.
    Result(Result<Arc<Session>, Error>),
    /// For the followers to continue, or to fail with if they could do no better.
    Abandon(Progress),
}

impl SingleFlight {
    /// True if a request for the key is in flight.
    pub(crate) fn contains(&self, key: &CacheKey) -> bool {
        self.in_flight.contains_key(key)
    }

    /// The result of the key's flight, if there is one, will not be cached.
    pub(crate) fn forget(&mut self, key: &CacheKey) {
        if let Some(flight) = self.in_flight.get(key).and_then(|id| self.flights.get_mut(id)) {
            flight.discard_result = true;
        }
    }

    /// No flight's result will be cached.
    pub(crate) fn forget_all(&mut self) {
        for flight in self.flights.values_mut() {
            flight.discard_result = true;
        }
    }

    fn start(&mut self, key: CacheKey) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let flight = Flight { condvar: Arc::default(), followers: 0, phase: Phase::Running, discard_result: false };
        self.flights.insert(id, flight);
        self.in_flight.insert(key, id);
        id
    }

    /// Changes a flight's phase and wakes its followers. One without followers is over.
    fn set_phase(&mut self, key: &CacheKey, id: u64, phase: Phase) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let is_over = matches!(phase, Phase::Done(_)) || flight.followers == 0;
        flight.phase = phase;
        flight.condvar.notify_all();
        if is_over {
            self.land(key, id);
        }
    }

    /// Removes a follower. The last to leave a flight without a leader ends it.
    fn detach(&mut self, key: &CacheKey, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.followers -= 1;
        if flight.followers == 0 && !matches!(flight.phase, Phase::Running) {
            self.land(key, id);
        }
    }

    /// New callers start a flight of their own; the flight itself stays until its last follower has woken.
    fn land(&mut self, key: &CacheKey, id: u64) {
        if self.in_flight.get(key) == Some(&id) {
            self.in_flight.remove(key);
        }
        if self.flights.get(&id).is_some_and(|flight| flight.followers == 0) {
            self.flights.remove(&id);
        }
    }

    #[cfg(loom)]
    pub(crate) fn wake_all(&self) {
        for flight in self.flights.values() {
            flight.condvar.notify_all();
        }
    }

    #[cfg(loom)]
    pub(crate) fn is_empty(&self) -> bool {
        self.flights.is_empty() && self.in_flight.is_empty()
    }
}

/// A place in a flight that another caller leads.
pub(crate) struct Follower<'s> {
    shared: &'s Shared,
    key: CacheKey,
    id: u64,
}

/// How a follower's wait ended.
pub(crate) enum Wait<'s> {
    /// The flight's result.
    Done(Result<Arc<Session>, Error>),
    /// The leader left, and this caller continues in its place.
    Promoted(Leader<'s>),
    /// This caller's own limits ended the wait.
    Stopped(Stop),
}

impl<'s> Follower<'s> {
    /// Joins the key's flight, if there is one.
    pub(crate) fn join(shared: &'s Shared, state: &mut State, key: CacheKey) -> Option<Self> {
        let id = *state.single_flight.in_flight.get(&key)?;
        state.single_flight.flights.get_mut(&id)?.followers += 1;
        Some(Self { shared, key, id })
    }

    /// Waits for the result, for promotion, or for this caller's own limits.
    pub(crate) fn wait(self, policy: &AttemptPolicy, max_attempts: u32, limits: &Limits<'_>) -> Wait<'s> {
        let Self { shared, key, id } = self;
        let mut state = shared.lock();
        loop {
            let stop = limits.stop();
            if stop == Some(Stop::Cancelled) {
                state.single_flight.detach(&key, id);
                return Wait::Stopped(Stop::Cancelled);
            }
            let Some(flight) = state.single_flight.flights.get_mut(&id) else {
                // Only a fork ends a flight before its followers, and then this thread is not in the child.
                return Wait::Done(Err(Error::internal("a flight ended without a result")));
            };
            match &mut flight.phase {
                Phase::Done(result) => {
                    let result = result.clone();
                    state.single_flight.detach(&key, id);
                    return Wait::Done(result);
                }
                Phase::Abandoned(progress) => {
                    if let Some(error) = progress.shared_failure_for(policy, max_attempts).cloned() {
                        state.single_flight.detach(&key, id);
                        return Wait::Done(Err(error));
                    }
                    if let Some(stop) = stop {
                        state.single_flight.detach(&key, id);
                        return Wait::Stopped(stop);
                    }
                    let progress = std::mem::take(progress);
                    flight.phase = Phase::Running;
                    flight.followers -= 1;
                    return Wait::Promoted(Leader { shared, key, id, progress, is_complete: false });
                }
                Phase::Running => {}
            }
            if let Some(stop) = stop {
                state.single_flight.detach(&key, id);
                return Wait::Stopped(stop);
            }
            let interval = limits.poll_interval_among(flight.followers);
            let condvar = Arc::clone(&flight.condvar);
            state = sync::wait(&condvar, state, interval);
        }
    }
}

/// The duty to complete a flight. Dropped without that, as by a panic, it fails the followers.
pub(crate) struct Leader<'s> {
    shared: &'s Shared,
    key: CacheKey,
    id: u64,
    progress: Progress,
    is_complete: bool,
}

impl<'s> Leader<'s> {
    /// Starts a flight for a key that has none.
    pub(crate) fn start(shared: &'s Shared, state: &mut State, key: CacheKey) -> Self {
        let id = state.single_flight.start(key);
        Self { shared, key, id, progress: Progress::default(), is_complete: false }
    }

    /// What earlier leaders of this flight have already tried.
    pub(crate) fn take_progress(&mut self) -> Progress {
        std::mem::take(&mut self.progress)
    }

    /// Ends the flight and wakes its followers. `apply` does the map work that belongs to the result, under the same
    /// lock; it is told whether the result may be cached.
    pub(crate) fn complete(mut self, completion: Completion, apply: impl FnOnce(&mut State, bool)) {
        self.is_complete = true;
        let mut state = self.shared.lock();
        let discard = state.single_flight.flights.get(&self.id).is_none_or(|flight| flight.discard_result);
        apply(&mut state, !discard);
        let phase = match completion {
            Completion::Result(result) => Phase::Done(result),
            Completion::Abandon(progress) => Phase::Abandoned(progress),
        };
        state.single_flight.set_phase(&self.key, self.id, phase);
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if !self.is_complete {
            let error = Error::internal("the call that was asking B2 for all others panicked");
            self.shared.lock().single_flight.set_phase(&self.key, self.id, Phase::Done(Err(error)));
        }
    }
}
