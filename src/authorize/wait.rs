//! What a request waits for: the backoff between attempts, `Retry-After`, and the local rate limit.

use std::time::Duration;

use super::retry::{AttemptLog, RetryLoop};
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::model::timestamp::millis;
use crate::ports::limits::Stop;
use crate::state::rate_limit::PermitRequest;

/// The cheap clock that waits are measured with may lag by one kernel tick, 10 ms at most. Added to what B2 asks for, so
/// that no request is early by B2's own clock.
pub(super) const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// Whether a request may be sent now.
pub(super) enum Permit {
    Acquired,
    /// Not yet when it was asked; that long was waited.
    Waited(Duration),
    Refused(Error),
}

/// Why there is no next attempt.
pub(super) enum NoRetry {
    /// The wait before it cannot end in time.
    WaitTooLong(Duration),
    Limit(Stop),
}

impl RetryLoop<'_> {
    pub(super) fn block(&self, wait: Duration) {
        let now = self.call.runtime.env.clock.now();
        self.call.runtime.shared.lock().rate_limiter.block(self.call.rate_key(), wait, now);
        let ms = millis(wait);
        self.call.log(Level::Warn, format_args!("B2 asks every caller for this key to wait {ms} ms"));
    }

    /// The wait before the next attempt: as long as the last response asked, else a random time.
    pub(super) fn next_wait(&self, log: &AttemptLog, made: u32) -> Duration {
        log.retry_after().map_or_else(|| self.jitter(made), |wait| wait.saturating_add(CLOCK_GRANULARITY))
    }

    /// Waits before the next attempt. A wait that cannot end before the deadline is not begun.
    pub(super) fn wait_before_retry(&self, log: &AttemptLog, made: u32, wait: Duration) -> Result<Duration, NoRetry> {
        if self.call.limits.remaining().is_some_and(|left| left <= wait) {
            return Err(NoRetry::WaitTooLong(wait));
        }
        let (ms, next, max) = (millis(wait), made + 1, self.call.options.max_attempts);
        let why = if log.retry_after().is_some() { "as Retry-After asks" } else { "with jitter" };
        self.call.log(Level::Warn, format_args!("waiting {ms} ms, {why}, before attempt {next} of {max}"));
        self.call.limits.sleep(wait).map_err(NoRetry::Limit)?;
        Ok(wait)
    }

    /// Takes a permit, or waits for B2's `Retry-After` and for the local rate limit. Who has to wait holds no slot meanwhile,
    /// and looks into the store again.
    pub(super) fn acquire_permit(&mut self, log: &AttemptLog) -> Permit {
        let call = self.call;
        let request = PermitRequest {
            rate_key: call.rate_key(),
            cache_key: call.cache_key(),
            per_minute: call.options.rate_limit_per_minute,
        };
        let now = call.runtime.env.clock.now();
        let (wait, is_blocked) = {
            let mut guard = call.runtime.shared.lock();
            let state = &mut *guard;
            let is_live = |short| state.cache.is_live(short, now);
            let Err(wait) = state.rate_limiter.try_acquire(&request, is_live, now) else { return Permit::Acquired };
            (wait, state.rate_limiter.is_blocked(request.rate_key, now))
        };
        if let Some(store) = self.store.as_mut().filter(|store| store.holds_slot()) {
            store.do_not_ask();
        }
        if !self.is_refresh_only() && !std::mem::replace(&mut self.has_waited, true) {
            call.runtime.shared.lock().counters.rate_waits += 1;
        }
        if self.is_refresh_only() || call.limits.remaining().is_some_and(|left| left <= wait) {
            let error = log.error().unwrap_or_else(|| self.rate_limited(wait, is_blocked));
            return Permit::Refused(error.with_retry_after(wait));
        }
        let ms = millis(wait);
        let why = if is_blocked { "B2 asked every caller for this key to wait" } else { "rate limit reached" };
        call.log(Level::Warn, format_args!("waiting {ms} ms before the request: {why}"));
        match call.limits.sleep(wait) {
            Ok(()) => Permit::Waited(wait),
            Err(stop) => Permit::Refused(self.stop_error(stop, log)),
        }
    }

    pub(super) fn rate_limited(&self, wait: Duration, is_blocked: bool) -> Error {
        let (host, ms) = (self.call.identity.realm().host(), millis(wait));
        let limit = self.call.options.rate_limit_per_minute;
        let (why, cure) = if is_blocked {
            ("it asked every caller for this key to wait".to_owned(), "")
        } else {
            let why = format!("the local limit of {limit} authorize requests a minute for this key is reached");
            (why, ", or keep one session instead of asking for many")
        };
        let message = format!("no request was sent to {host}: {why}, and the next may be sent in {ms} ms");
        Error::new(Status::RateLimited, message)
            .with_hint(format!("wait that long, or allow more time (total_timeout_ms){cure}"))
    }

    fn jitter(&self, failed: u32) -> Duration {
        let options = self.call.options;
        full_jitter(options.initial_backoff, options.max_backoff, failed, self.call.runtime.env.rng.uniform())
    }
}

/// The wait after that many failed attempts: `share` (0 to 1) of a bound that doubles.
fn full_jitter(initial: Duration, max: Duration, failed: u32, share: f64) -> Duration {
    initial.saturating_mul(1 << (failed - 1).min(16)).min(max).mul_f64(share)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_a_wait_doubles_up_to_the_maximum() {
        let ms = Duration::from_millis;
        for (failed, bound) in [(1, 100), (2, 200), (3, 400), (4, 500), (99, 500)] {
            assert_eq!(full_jitter(ms(100), ms(500), failed, 1.0), ms(bound));
            assert_eq!(full_jitter(ms(100), ms(500), failed, 0.25), ms(bound / 4));
            assert_eq!(full_jitter(ms(100), ms(500), failed, 0.0), ms(0));
        }
    }
}
