//! One request for all who ask at once.
//!
//! A *flight* is a request in the air for one cache key. The caller who starts it *leads*; whoever asks for the same key
//! meanwhile takes a *seat* and gets the same verdict. A leader who fails for reasons of its own leaves the flight open,
//! and a seat whose own limits allow more takes over where the leader stopped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::error::{Attempt, Error};
use crate::model::cache_key::{CacheKey, Identity};
use crate::model::proxy::Proxy;
use crate::model::session::Session;
use crate::platform::sync::Condvar;

/// What a flight came to.
pub(crate) enum Outcome {
    /// B2 granted a session.
    Granted(Arc<Session>),
    /// B2's verdict against it: everybody's.
    Refused(Error),
    /// The way to B2 failed. Shared with those who could do no better.
    Lost(Error, Spent),
    /// The leader's own deadline, cancel or limit ended it: nobody else's business.
    Own(Error, Spent),
}

/// How far a series of attempts had come when its leader left it.
#[derive(Clone, Default)]
pub(crate) struct Spent {
    /// The log of the attempts made.
    pub(crate) attempts: Vec<Attempt>,
    /// How many of them count against whoever goes no other way: those that their leader did not cut short.
    pub(crate) made: u32,
    /// The way they went.
    pub(crate) way: Option<Way>,
    /// What the last of them failed with.
    pub(crate) error: Option<Error>,
    /// That failure is one which no retry by this way can cure.
    pub(crate) for_good: bool,
}

impl Spent {
    /// The attempts made, as far as they count against a caller who goes `way`.
    pub(crate) fn made(&self, way: &Way) -> u32 {
        if self.covers(way) { self.made } else { 0 }
    }

    /// The failure, for a caller who could do no better: it allows no other way, no more time and no more attempts.
    pub(crate) fn failure_for(&self, way: &Way, max_attempts: u32) -> Option<&Error> {
        let exhausted = self.made(way) >= max_attempts || (self.for_good && self.covers(way));
        self.error.as_ref().filter(|_| exhausted)
    }

    /// True if `way` allows nothing that was not tried.
    fn covers(&self, way: &Way) -> bool {
        self.way.as_ref().is_some_and(|tried| {
            tried.proxy == way.proxy && tried.connect >= way.connect && tried.attempt >= way.attempt
        })
    }
}

/// How a caller's attempts go: by which proxy, and with how much time for each.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) proxy: Proxy,
    pub(crate) connect: Duration,
    pub(crate) attempt: Duration,
}

/// The flights of the process. At most one is in the air for a key.
#[derive(Default)]
pub(crate) struct Flights {
    aloft: HashMap<CacheKey, u64, Identity>,
    pub(crate) by_id: HashMap<u64, Flight>,
    next: u64,
}

pub(crate) struct Flight {
    pub(crate) bell: Arc<Condvar>,
    pub(crate) seats: usize,
    pub(crate) phase: Phase,
    /// The cache was cleared, or its token invalidated, since this began: the result is handed out, not kept.
    pub(crate) fenced: bool,
}

/// Where a flight stands.
pub(crate) enum Phase {
    Led,
    /// The leader left it, and the first seat to look decides what becomes of it.
    Open(Spent),
    Landed(Result<Arc<Session>, Error>),
}

impl Flights {
    pub(crate) fn is_aloft(&self, key: &CacheKey) -> bool {
        self.aloft.contains_key(key)
    }

    /// The result of the key's flight, if there is one, will not be kept.
    pub(crate) fn fence(&mut self, key: &CacheKey) {
        if let Some(flight) = self.aloft.get(key).and_then(|id| self.by_id.get_mut(id)) {
            flight.fenced = true;
        }
    }

    /// No flight's result will be kept.
    pub(crate) fn fence_all(&mut self) {
        for flight in self.by_id.values_mut() {
            flight.fenced = true;
        }
    }

    /// Takes a seat in the key's flight, if there is one.
    pub(crate) fn join(&mut self, key: &CacheKey) -> Option<u64> {
        let id = *self.aloft.get(key)?;
        self.by_id.get_mut(&id)?.seats += 1;
        Some(id)
    }

    /// Starts a flight that the caller leads.
    pub(crate) fn start(&mut self, key: CacheKey) -> u64 {
        let id = self.next;
        self.next += 1;
        let flight = Flight { bell: Arc::default(), seats: 0, phase: Phase::Led, fenced: false };
        self.by_id.insert(id, flight);
        self.aloft.insert(key, id);
        id
    }

    /// Changes a flight's phase and tells everybody in it. One that nobody sits in is over.
    pub(crate) fn turn(&mut self, key: &CacheKey, id: u64, phase: Phase) {
        let Some(flight) = self.by_id.get_mut(&id) else { return };
        let over = matches!(phase, Phase::Landed(_)) || flight.seats == 0;
        flight.phase = phase;
        flight.bell.notify_all();
        if flight.seats == 0 {
            self.by_id.remove(&id);
        }
        if over && self.aloft.get(key) == Some(&id) {
            self.aloft.remove(key);
        }
    }

    /// Gives up a seat. The last to leave a flight that nobody leads ends it.
    pub(crate) fn leave(&mut self, key: &CacheKey, id: u64) {
        let Some(flight) = self.by_id.get_mut(&id) else { return };
        flight.seats -= 1;
        if flight.seats == 0 && !matches!(flight.phase, Phase::Led) {
            self.by_id.remove(&id);
            if self.aloft.get(key) == Some(&id) {
                self.aloft.remove(key);
            }
        }
    }

    #[cfg(loom)]
    pub(crate) fn ring_all(&self) {
        for flight in self.by_id.values() {
            flight.bell.notify_all();
        }
    }

    #[cfg(loom)]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.aloft.is_empty()
    }
}
