//! A look at a store for a person who wants to know whether it works.

use super::breaker::Use;
use super::call::{Failed, StoreCall, reading};
use super::engine::{Engine, Look};
use crate::ports::limits::Limits;
use crate::store::request::{Inspection, SLOTS, Slot};

impl StoreCall<'_> {
    /// Reads the record, and takes and gives back the slot that is the last to be used.
    pub(crate) fn inspect(mut self) -> Inspection {
        let place = self.url.to_string();
        let now = self.request.env.clock.now();
        let look = |engine: &mut dyn Engine, limits: &Limits<'_>| engine.look(limits);
        let found = match self.deal(Use::Reading, look) {
            Ok(Look::Is(stored)) => reading(&self.keys, &stored, now),
            Ok(Look::Unchanged) => None,
            Err(failed) => return Inspection { place, trouble: Some(said(failed)), is_readable: false, age_ms: None },
        };
        let age_ms = found.filter(|found| found.left_ms > 0).map(|found| found.age_ms);
        let lease = self.request.options.attempt_timeout;
        let claimed = self.deal(Use::Writing, |engine, limits| {
            engine.claim(Slot(SLOTS - 1), lease, limits)?;
            engine.give_back(limits)
        });
        Inspection { place, trouble: claimed.err().map(said), is_readable: true, age_ms }
    }
}

fn said(failed: Failed) -> String {
    match failed {
        Failed::Trouble(trouble) => trouble.what,
        Failed::Stopped(_) => "there was no time left for it".to_owned(),
    }
}
