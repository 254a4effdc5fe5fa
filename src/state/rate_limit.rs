//! How often B2 may be asked: a token bucket for each realm and key ID, and a block while B2's `Retry-After` lasts.
//!
//! B2 limits authorize calls (20 a minute were observed) and bills them, so the limit comes before the network. It is never
//! cleared: that would defeat it.

use std::time::Duration;

use crate::model::bounded_map::BoundedMap;
use crate::model::cache_key::{BuildPassThrough, CacheKey, RateKey};
use crate::model::timestamp::{Timestamp, millis};

/// Requests that may be sent at once before the rate limits them.
const BURST: f32 = 5.0;
/// The longest that a response's `Retry-After` blocks every caller.
const MAX_BLOCK: Duration = Duration::from_secs(60 * 60);
/// Buckets kept; past that one that was not used lately is dropped.
const MAX_BUCKETS: usize = 65_536;

/// Who asks for permission to send a request.
#[derive(Clone, Copy)]
pub(crate) struct PermitRequest {
    pub(crate) rate_key: RateKey,
    pub(crate) cache_key: CacheKey,
    /// The caller's own limit; 0 is none.
    pub(crate) per_minute: u32,
}

/// One count for each realm and key ID, which each caller compares with its own limit.
pub(crate) struct RateLimiter {
    buckets: BoundedMap<RateKey, RateState, BuildPassThrough>,
}

/// There may be as many as sessions, and they outlive these: so they are small.
#[derive(Clone, Copy)]
struct RateState {
    at_ms: u64,
    /// Nobody asks B2 before the boot clock reads this.
    blocked_until_ms: u64,
    /// The short form of the key that got the latest session here, for which the last permit is reserved; 0 for none.
    reserved_for: u64,
    /// Permits used and not yet refilled, as of `at_ms`.
    used: f32,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self { buckets: BoundedMap::new(MAX_BUCKETS) }
    }
}

impl RateLimiter {
    /// Acquires a permit for one request now, or returns how long to wait before trying again.
    ///
    /// The last permit is reserved for the key that has a live session, as `is_live` tells, so that another caller's wrong
    /// keys cannot starve its refresh.
    pub(crate) fn try_acquire(
        &mut self,
        request: &PermitRequest,
        is_live: impl FnOnce(u64) -> bool,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let state = self.state(request.rate_key, now);
        if state.blocked_until_ms > now.boot_ms {
            return Err(Duration::from_millis(state.blocked_until_ms - now.boot_ms));
        }
        let reserved_for = state.reserved_for;
        let is_reserved = reserved_for != 0 && reserved_for != request.cache_key.short() && is_live(reserved_for);
        let burst = if is_reserved { BURST - 1.0 } else { BURST };
        if request.per_minute == 0 {
            // Unlimited callers may neither take the reserved permit nor delay its refill.
            let used = (state.used + 1.0).min(burst);
            if used > state.used || !is_reserved {
                state.used = used;
                state.at_ms = now.boot_ms;
            }
            return Ok(());
        }
        let per_ms = f64::from(request.per_minute) / 60_000.0;
        #[allow(clippy::cast_precision_loss, reason = "a span of 2^53 ms is not reached")]
        let refilled = (now.boot_ms.saturating_sub(state.at_ms)) as f64 * per_ms;
        let used = (f64::from(state.used) - refilled).max(0.0);
        let missing = used + 1.0 - f64::from(burst);
        // Rounding must not turn "just enough" into a wait of a fraction of a millisecond.
        if missing > 1e-6 {
            return Err(Duration::from_secs_f64((missing / per_ms / 1_000.0).max(0.001)));
        }
        #[allow(clippy::cast_possible_truncation, reason = "it is at most the burst")]
        let used = (used + 1.0) as f32;
        state.used = used;
        state.at_ms = now.boot_ms;
        Ok(())
    }

    /// Blocks a realm and key ID for as long as B2 asked, an hour at most. A shorter wait does not lift a longer one.
    pub(crate) fn block(&mut self, key: RateKey, retry_after: Duration, now: Timestamp) {
        let until = now.boot_ms.saturating_add(millis(retry_after.min(MAX_BLOCK)));
        let state = self.state(key, now);
        state.blocked_until_ms = state.blocked_until_ms.max(until);
    }

    /// True while B2's own `Retry-After` lasts, as opposed to the local limit.
    pub(crate) fn is_blocked(&self, key: RateKey, now: Timestamp) -> bool {
        self.buckets.peek(&key).is_some_and(|state| state.blocked_until_ms > now.boot_ms)
    }

    /// Reserves the last permit for the key that a session was granted to.
    pub(crate) fn reserve_for(&mut self, key: RateKey, cache_key: CacheKey, now: Timestamp) {
        self.state(key, now).reserved_for = cache_key.short();
    }

    fn state(&mut self, key: RateKey, now: Timestamp) -> &mut RateState {
        let new = || RateState { used: 0.0, at_ms: now.boot_ms, blocked_until_ms: 0, reserved_for: 0 };
        self.buckets.get_or_insert_mut(key, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cache_key::CacheScope;
    use crate::model::realm::Realm;

    const START: Timestamp = Timestamp { wall_ms: 0, boot_ms: 1_000_000 };

    fn request(key: &[u8], per_minute: u32) -> PermitRequest {
        let realm = Realm::production();
        let cache_key = CacheKey::new(&CacheScope::new(&realm, None), b"id", key);
        PermitRequest { rate_key: RateKey::new(&realm, b"id"), cache_key, per_minute }
    }

    fn later(ms: u64) -> Timestamp {
        START.after(Duration::from_millis(ms))
    }

    #[test]
    fn the_sixth_within_a_second_waits_for_the_rate() {
        let mut limiter = RateLimiter::default();
        let me = request(b"key", 20);
        for _ in 0..5 {
            assert!(limiter.try_acquire(&me, |_| false, START).is_ok());
        }
        let wait = limiter.try_acquire(&me, |_| false, START).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_secs(3));
        assert!(limiter.try_acquire(&me, |_| false, later(2_999)).is_err());
        assert!(limiter.try_acquire(&me, |_| false, later(3_000)).is_ok());
        assert!(limiter.try_acquire(&me, |_| false, later(3_000)).is_err());
    }

    #[test]
    fn each_caller_compares_the_one_count_with_its_own_limit() {
        let mut limiter = RateLimiter::default();
        for _ in 0..9 {
            assert!(limiter.try_acquire(&request(b"key", 0), |_| false, START).is_ok());
        }
        assert_eq!(limiter.try_acquire(&request(b"key", 20), |_| false, START), Err(Duration::from_secs(3)));
        assert_eq!(limiter.try_acquire(&request(b"key", 600), |_| false, START), Err(Duration::from_millis(100)));
    }

    #[test]
    fn the_last_permit_is_reserved_for_the_live_key() {
        let mut limiter = RateLimiter::default();
        let (owner, other) = (request(b"right", 20), request(b"wrong", 20));
        limiter.reserve_for(owner.rate_key, owner.cache_key, START);
        for _ in 0..4 {
            assert!(limiter.try_acquire(&other, |_| true, START).is_ok());
        }
        assert!(limiter.try_acquire(&other, |_| true, START).is_err());
        assert!(limiter.try_acquire(&owner, |_| true, START).is_ok());
        assert!(limiter.try_acquire(&owner, |_| true, START).is_err());
    }

    #[test]
    fn an_unlimited_caller_cannot_take_the_reserved_permit() {
        let mut limiter = RateLimiter::default();
        let (owner, other) = (request(b"right", 20), request(b"wrong", 0));
        limiter.reserve_for(owner.rate_key, owner.cache_key, START);
        for _ in 0..9 {
            assert!(limiter.try_acquire(&other, |_| true, START).is_ok());
        }
        assert!(limiter.try_acquire(&owner, |_| true, START).is_ok());
        for ms in 0..3_000 {
            assert!(limiter.try_acquire(&other, |_| true, later(ms)).is_ok());
            assert_eq!(limiter.try_acquire(&owner, |_| true, later(ms)), Err(Duration::from_millis(3_000 - ms)));
        }
        assert!(
            limiter.try_acquire(&owner, |_| true, later(3_000)).is_ok(),
            "it was refilled although the other went on"
        );
    }

    #[test]
    fn a_block_applies_to_every_caller_and_lasts_an_hour_at_most() {
        let mut limiter = RateLimiter::default();
        let me = request(b"key", 0);
        limiter.block(me.rate_key, Duration::from_secs(2), START);
        limiter.block(me.rate_key, Duration::from_secs(1), START);
        assert_eq!(limiter.try_acquire(&request(b"other", 0), |_| false, START), Err(Duration::from_secs(2)));
        assert!(limiter.try_acquire(&me, |_| false, later(2_000)).is_ok());
        limiter.block(me.rate_key, Duration::from_secs(86_400), START);
        assert_eq!(limiter.try_acquire(&me, |_| false, START), Err(MAX_BLOCK));
    }

    #[test]
    fn a_bucket_that_was_used_again_is_kept_and_another_dropped() {
        let (mut limiter, realm) = (RateLimiter::default(), Realm::production());
        let me = |number: usize| PermitRequest {
            rate_key: RateKey::new(&realm, &number.to_le_bytes()),
            ..request(b"key", 1)
        };
        for number in 0..MAX_BUCKETS {
            assert!(limiter.try_acquire(&me(number), |_| false, START).is_ok());
        }
        for _ in 0..4 {
            assert!(limiter.try_acquire(&me(0), |_| false, START).is_ok());
        }
        assert!(limiter.try_acquire(&me(MAX_BUCKETS), |_| false, START).is_ok());
        assert_eq!(limiter.buckets.len(), MAX_BUCKETS);
        assert!(limiter.try_acquire(&me(0), |_| false, START).is_err(), "used last, and kept");
        let is_dropped = |number: &usize| limiter.buckets.peek(&me(*number).rate_key).is_none();
        assert_eq!((1..MAX_BUCKETS).filter(is_dropped).count(), 1);
    }
}
