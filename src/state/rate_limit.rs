//! How often B2 may be asked: a token bucket and a gate for each realm and key id.
//!
//! B2 limits authorize calls (20 a minute were seen) and bills them, so the limit stands before the network. It is
//! never cleared: forgetting it would defeat it.

use std::time::Duration;

use lru::LruCache;

use crate::model::cache_key::{CacheKey, Identity, Lane};
use crate::model::timestamp::{Moment, millis};

/// Requests that may go out at once before the rate holds them back.
const BURST: f64 = 5.0;
/// The longest that an answer's `Retry-After` keeps everybody waiting.
const LONGEST_GATE: Duration = Duration::from_secs(60 * 60);
/// Lanes remembered; past that the one asked least recently goes first.
const MOST_LANES: usize = 65_536;

/// Who asks for leave to send a request.
#[derive(Clone, Copy)]
pub(crate) struct Applicant {
    pub(crate) lane: Lane,
    pub(crate) key: CacheKey,
    /// The applicant's own limit; 0 is none.
    pub(crate) per_minute: u32,
}

/// One count for each lane, read by each caller against its own limit.
pub(crate) struct Budget {
    lanes: LruCache<Lane, State, Identity>,
}

#[derive(Clone, Copy)]
struct State {
    /// Requests of late that the rate has not yet made up for, as of `at_ms`.
    spent: f64,
    at_ms: u64,
    /// Nobody asks B2 before the boot clock reads this.
    gate_ms: u64,
    /// The key that last got a session here.
    holder: Option<CacheKey>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { lanes: LruCache::unbounded_with_hasher(Identity::default()) }
    }
}

impl Budget {
    /// Takes leave for one request now, or says how long to wait before asking again.
    ///
    /// The last token is kept back for the key that has a live session, as `is_live` tells, so that a stranger's wrong
    /// keys can't starve its refresh.
    pub(crate) fn take(
        &mut self,
        applicant: &Applicant,
        is_live: impl FnOnce(&CacheKey) -> bool,
        now: Moment,
    ) -> Result<(), Duration> {
        let lane = self.lane(applicant.lane, now);
        if lane.gate_ms > now.boot_ms {
            return Err(Duration::from_millis(lane.gate_ms - now.boot_ms));
        }
        let kept_back = lane.holder.is_some_and(|holder| holder != applicant.key && is_live(&holder));
        let burst = if kept_back { BURST - 1.0 } else { BURST };
        if applicant.per_minute == 0 {
            // Not even whoever has no limit spends the token that is another's, or keeps it from coming back.
            let spent = (lane.spent + 1.0).min(burst);
            if spent > lane.spent || !kept_back {
                lane.spent = spent;
                lane.at_ms = now.boot_ms;
            }
            return Ok(());
        }
        let per_ms = f64::from(applicant.per_minute) / 60_000.0;
        #[allow(clippy::cast_precision_loss, reason = "a span of 2^53 ms is not reached")]
        let made_up = (now.boot_ms.saturating_sub(lane.at_ms)) as f64 * per_ms;
        let spent = (lane.spent - made_up).max(0.0);
        let over = spent + 1.0 - burst;
        // Rounding must not turn "just enough" into a wait of a fraction of a millisecond.
        if over > 1e-6 {
            return Err(Duration::from_secs_f64((over / per_ms / 1_000.0).max(0.001)));
        }
        lane.spent = spent + 1.0;
        lane.at_ms = now.boot_ms;
        Ok(())
    }

    /// Closes the gate of a lane for as long as B2 asked, an hour at most. A shorter wish opens nothing.
    pub(crate) fn close_gate(&mut self, lane: Lane, asked: Duration, now: Moment) {
        let until = now.boot_ms.saturating_add(millis(asked.min(LONGEST_GATE)));
        let state = self.lane(lane, now);
        state.gate_ms = state.gate_ms.max(until);
    }

    /// True while a lane's gate is closed: then it is B2 that has everybody wait, and not this budget.
    pub(crate) fn is_gate_closed(&self, lane: Lane, now: Moment) -> bool {
        self.lanes.peek(&lane).is_some_and(|lane| lane.gate_ms > now.boot_ms)
    }

    /// Notes which key a lane's session belongs to.
    pub(crate) fn note_holder(&mut self, lane: Lane, key: CacheKey, now: Moment) {
        self.lane(lane, now).holder = Some(key);
    }

    fn lane(&mut self, lane: Lane, now: Moment) -> &mut State {
        if self.lanes.len() >= MOST_LANES && !self.lanes.contains(&lane) {
            self.lanes.pop_lru();
        }
        self.lanes.get_or_insert_mut(lane, || State { spent: 0.0, at_ms: now.boot_ms, gate_ms: 0, holder: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cache_key::Scope;
    use crate::model::realm::Realm;

    const START: Moment = Moment { wall_ms: 0, boot_ms: 1_000_000 };

    fn applicant(key: &[u8], per_minute: u32) -> Applicant {
        let realm = Realm::production();
        let key = CacheKey::new(&Scope::new(&realm, None), b"id", key);
        Applicant { lane: Lane::new(&realm, b"id"), key, per_minute }
    }

    fn later(ms: u64) -> Moment {
        START.after(Duration::from_millis(ms))
    }

    #[test]
    fn the_sixth_within_a_second_waits_for_the_rate() {
        let mut budget = Budget::default();
        let me = applicant(b"key", 20);
        for _ in 0..5 {
            assert!(budget.take(&me, |_| false, START).is_ok());
        }
        let wait = budget.take(&me, |_| false, START).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_secs(3));
        assert!(budget.take(&me, |_| false, later(2_999)).is_err());
        assert!(budget.take(&me, |_| false, later(3_000)).is_ok());
        assert!(budget.take(&me, |_| false, later(3_000)).is_err());
    }

    #[test]
    fn each_caller_holds_the_one_count_against_its_own_limit() {
        let mut budget = Budget::default();
        for _ in 0..9 {
            assert!(budget.take(&applicant(b"key", 0), |_| false, START).is_ok());
        }
        assert_eq!(budget.take(&applicant(b"key", 20), |_| false, START), Err(Duration::from_secs(3)));
        assert_eq!(budget.take(&applicant(b"key", 600), |_| false, START), Err(Duration::from_millis(100)));
    }

    #[test]
    fn the_last_token_is_the_live_keys() {
        let mut budget = Budget::default();
        let (owner, stranger) = (applicant(b"right", 20), applicant(b"wrong", 20));
        budget.note_holder(owner.lane, owner.key, START);
        for _ in 0..4 {
            assert!(budget.take(&stranger, |_| true, START).is_ok());
        }
        assert!(budget.take(&stranger, |_| true, START).is_err());
        assert!(budget.take(&owner, |_| true, START).is_ok());
        assert!(budget.take(&owner, |_| true, START).is_err());
    }

    #[test]
    fn a_stranger_without_a_limit_can_not_spend_the_live_keys_token() {
        let mut budget = Budget::default();
        let (owner, stranger) = (applicant(b"right", 20), applicant(b"wrong", 0));
        budget.note_holder(owner.lane, owner.key, START);
        for _ in 0..9 {
            assert!(budget.take(&stranger, |_| true, START).is_ok());
        }
        assert!(budget.take(&owner, |_| true, START).is_ok());
        for ms in 0..3_000 {
            assert!(budget.take(&stranger, |_| true, later(ms)).is_ok());
            assert_eq!(budget.take(&owner, |_| true, later(ms)), Err(Duration::from_millis(3_000 - ms)));
        }
        assert!(budget.take(&owner, |_| true, later(3_000)).is_ok(), "it came back although the stranger went on");
    }

    #[test]
    fn the_gate_holds_everybody_and_an_hour_at_most() {
        let mut budget = Budget::default();
        let me = applicant(b"key", 0);
        budget.close_gate(me.lane, Duration::from_secs(2), START);
        budget.close_gate(me.lane, Duration::from_secs(1), START);
        assert_eq!(budget.take(&applicant(b"other", 0), |_| false, START), Err(Duration::from_secs(2)));
        assert!(budget.take(&me, |_| false, later(2_000)).is_ok());
        budget.close_gate(me.lane, Duration::from_secs(86_400), START);
        assert_eq!(budget.take(&me, |_| false, START), Err(LONGEST_GATE));
    }

    #[test]
    fn the_lane_asked_least_recently_is_forgotten_first() {
        let (mut budget, realm) = (Budget::default(), Realm::production());
        let me = |number: usize| Applicant { lane: Lane::new(&realm, &number.to_le_bytes()), ..applicant(b"key", 1) };
        for number in 0..MOST_LANES {
            assert!(budget.take(&me(number), |_| false, START).is_ok());
        }
        for _ in 0..4 {
            assert!(budget.take(&me(0), |_| false, START).is_ok());
        }
        assert!(budget.take(&me(MOST_LANES), |_| false, START).is_ok());
        assert_eq!(budget.lanes.len(), MOST_LANES);
        assert!(budget.take(&me(0), |_| false, START).is_err(), "asked just now, and remembered");
        assert!(!budget.lanes.contains(&me(1).lane));
    }
}
