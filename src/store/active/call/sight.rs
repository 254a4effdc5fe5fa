//! What a record means for a call.

use std::time::Duration;

use super::StoreCall;
use crate::diag::level::Level;
use crate::model::cache_key::digest;
use crate::model::timestamp::Timestamp;
use crate::platform::boot;
use crate::store::active::breaker::BREAKER;
use crate::store::active::engine::Stored;
use crate::store::active::seal::Keys;
use crate::store::flow::Sight;
use crate::store::record::Reading;
use crate::store::request::{Judgement, Waiting};

/// The clocks of this machine and of a store may differ by so much.
const MAX_SKEW_MS: u64 = 5 * 60 * 1_000;

/// The record as it was last seen.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) generation: u64,
    pub(super) fails: u32,
    pub(super) fail_http: u16,
    pub(super) pause: Duration,
    pub(super) budget: Duration,
}

impl StoreCall<'_> {
    /// What the record means for this call.
    pub(super) fn see<T>(
        &mut self,
        stored: &Stored,
        judge: &mut dyn FnMut(&Reading) -> Judgement<T>,
        taken: &mut Option<T>,
    ) -> Sight {
        let now = self.request.env.clock.now();
        let Some(reading) = reading(&self.keys, stored, now) else {
            if stored.record.is_some() && !std::mem::replace(&mut self.said.unopened, true) {
                self.log(Level::Debug, format_args!("a record in the token store does not open: passed over"));
            }
            self.last = Some(Seen::default());
            return Sight::default();
        };
        self.compare_clocks(&reading, stored);
        let per_minute = self.request.options.rate_limit_per_minute;
        let seen = Seen {
            generation: reading.record.generation,
            fails: reading.record.fails,
            fail_http: reading.record.fail_http,
            pause: Duration::from_millis(reading.pause_left_ms()),
            budget: Duration::from_millis(reading.budget_wait_ms(per_minute)),
        };
        self.last = Some(seen);
        *taken = match judge(&reading) {
            Judgement::Take(good) => Some(good),
            Judgement::PassOver => None,
            Judgement::Refused => {
                self.refused.push(reading.record.tag);
                None
            }
        };
        Sight {
            good: taken.is_some(),
            wait: seen.pause.max(seen.budget),
            fails: seen.fails,
            generation: seen.generation,
        }
    }

    fn compare_clocks(&self, reading: &Reading, stored: &Stored) {
        if stored.ttl_ms.is_none() {
            return;
        }
        let now = self.request.env.clock.now();
        let by_wall = now.wall_ms.saturating_sub(reading.record.written_wall_ms);
        let by_store = i64::try_from(reading.age_ms).unwrap_or(i64::MAX);
        let skew = by_wall.abs_diff(by_store);
        if skew > MAX_SKEW_MS && BREAKER.may_say_once(digest(b"clocks"), now) {
            let line = format_args!("the clock here and that of the token store differ by {} s", skew / 1_000);
            self.log(Level::Warn, line);
        }
    }
}

impl Seen {
    pub(super) fn waiting(&self, left: Duration) -> Waiting {
        Waiting { left, http: (!self.pause.is_zero()).then_some(self.fail_http) }
    }

    pub(super) fn reason(&self) -> String {
        if self.pause < self.budget {
            return "the rate limit of all who share the token store is reached".to_owned();
        }
        match self.fail_http {
            0 => "a request of another process failed".to_owned(),
            http => format!("a request of another process failed (HTTP {http})"),
        }
    }
}

/// What is in a store, for a process that has the keys.
pub(in crate::store::active) fn reading(keys: &Keys, stored: &Stored, now: Timestamp) -> Option<Reading> {
    let record = keys.open_record(stored.record.as_deref()?)?;
    let age = stored.ttl_ms.map(|ttl| record.kept_ms.saturating_sub(ttl));
    Some(Reading::new(record, now, age, || boot::id().unwrap_or_default()))
}
