//! What becomes of a slot: the result of a request is written under it, or it is given back.

use super::StoreCall;
use super::dealing::{AtTheEnd, Failed, within};
use super::sight::reading;
use crate::diag::level::Level;
use crate::platform::{boot, random};
use crate::store::active::breaker::{BREAKER, Use};
use crate::store::active::engine::{Sealed, SettleStep, Stored};
use crate::store::settle::{Change, Outcome, Settler};

impl StoreCall<'_> {
    /// The slot that is held is not used: no request is sent now.
    pub(crate) fn do_not_ask(&mut self) {
        self.give_back();
        self.flow.did_not_ask();
    }

    /// The request failed before it was sent: nobody else hears of that.
    pub(crate) fn was_not_sent(&mut self) {
        self.give_back();
        let seen = self.last.unwrap_or_default();
        self.flow.asked_in_vain(seen.fails, seen.generation);
    }

    /// Writes what came of a request, and gives the slot back.
    pub(crate) fn settle(&mut self, outcome: &Outcome) {
        if !self.holds_slot {
            return;
        }
        let now = self.request.env.clock.now();
        let seen = self.last.unwrap_or_default();
        let settler = Settler {
            now,
            boot_id: boot::id().unwrap_or_default(),
            seen_generation: seen.generation,
            per_minute: self.request.options.rate_limit_per_minute,
        };
        let (keys, refused) = (&self.keys, &self.refused);
        let mut after = (seen.fails, seen.generation);
        let mut is_written = false;
        let mut decide = |stored: &Stored| {
            let current = reading(keys, stored, now);
            let change = settler.settle(current.as_ref(), |tag| refused.contains(tag), outcome);
            is_written = false;
            match change {
                Change::Keep => {
                    after = current.map_or(after, |current| (current.record.fails, current.record.generation));
                    SettleStep::Keep
                }
                Change::Write(next) => {
                    after = (next.fails, next.generation);
                    let sealed = random::secret_bytes().and_then(|nonce| keys.seal_record(&next, nonce));
                    let Some(record) = sealed else { return SettleStep::Keep };
                    is_written = true;
                    SettleStep::Write(Sealed { record, kept_ms: next.kept_ms })
                }
            }
        };
        let has_refused = !refused.is_empty();
        let engine = self.engine.as_mut();
        let request = &self.request;
        let result = match engine {
            Some(engine) => within(request, &mut self.allowance, AtTheEnd::Grace, &mut |limits| {
                engine.settle(&mut decide, has_refused, limits)
            }),
            None => Ok(()),
        };
        self.holds_slot = false;
        self.flow.asked_in_vain(after.0, after.1);
        match result {
            Ok(()) => {
                BREAKER.worked(self.url.id(), Use::Writing);
                if is_written && matches!(outcome, Outcome::Grant { .. }) {
                    self.log(Level::Debug, format_args!("the session is in the token store"));
                }
            }
            Err(Failed::Stopped(_)) => {}
            // What was granted is good all the same, and what comes next looks for itself.
            Err(Failed::Trouble(trouble)) => self.report(Use::Writing, &trouble.what),
        }
    }

    /// Gives the slot back without a word, if one is held.
    pub(crate) fn give_back(&mut self) {
        if std::mem::take(&mut self.holds_slot)
            && let Some(engine) = &mut self.engine
        {
            drop(within(&self.request, &mut self.allowance, AtTheEnd::Grace, &mut |limits| engine.give_back(limits)));
        }
    }
}

impl Drop for StoreCall<'_> {
    /// A leader that panics gives its slot back.
    fn drop(&mut self) {
        self.give_back();
    }
}
