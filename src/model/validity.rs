//! How long a token may be used, by both clocks.

use std::time::Duration;

use super::timestamp::{Timestamp, millis};

/// The longest that B2 lets a token live.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// A token counts as expired this long before its end, so that a call begun with it can still complete.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);
/// Of a lifetime shorter than this, a tenth is the margin.
const SHORT_LIFETIME: Duration = Duration::from_secs(600);

/// A token's lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    ends: Timestamp,
    pub(crate) span: Duration,
}

impl Validity {
    /// From when the request was *sent* to 24 hours later, or to the key's own expiry if that is sooner.
    ///
    /// The key's expiry is a time of B2's clock: measured against the response's own `Date` it is right even where this
    /// machine's clock is wrong.
    pub(crate) fn new(sent: Timestamp, server_wall_ms: Option<i64>, key_expires_ms: Option<i64>) -> Self {
        let span = match key_expires_ms {
            None => MAX_LIFETIME,
            Some(end) => {
                let left = end.saturating_sub(server_wall_ms.unwrap_or(sent.wall_ms)).max(0).unsigned_abs();
                MAX_LIFETIME.min(Duration::from_millis(left))
            }
        };
        Self { ends: sent.after(span), span }
    }

    /// A token that another process got: of a life of `span`, so much is left.
    pub(crate) fn restored(now: Timestamp, span: Duration, left: Duration) -> Self {
        let span = span.min(MAX_LIFETIME);
        Self { ends: now.after(left.min(span)), span }
    }

    /// That long before the token's end.
    pub(crate) fn before_end(&self, left: Duration) -> Timestamp {
        self.ends.before(left)
    }

    /// The token's end if the key had no expiry, by the wall clock.
    pub(crate) fn max_end_ms(&self) -> i64 {
        self.ends.after(MAX_LIFETIME - self.span).wall_ms
    }

    /// Milliseconds until its end, by whichever clock says less.
    pub(crate) fn remaining_ms(&self, now: Timestamp) -> u64 {
        now.ms_until(self.ends)
    }

    /// True a little before its end.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now.is_past(self.before_end(margin(self.span)))
    }

    /// True if at least `wanted` of the lifetime is left. No token can have more left than its whole lifetime, so where
    /// that is shorter than `wanted`, a tenth of it is enough.
    pub(crate) fn has_remaining(&self, wanted: Duration, now: Timestamp) -> bool {
        let wanted = if self.span < wanted { self.span / 10 } else { wanted };
        !self.is_expired(now) && self.remaining_ms(now) >= millis(wanted)
    }
}

/// How long before its end a token with that life counts as expired.
fn margin(span: Duration) -> Duration {
    if span < SHORT_LIFETIME { span / 10 } else { EXPIRY_MARGIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 5_000 };

    fn later(seconds: u64) -> Timestamp {
        SENT.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_lifetime_is_a_day_or_ends_with_the_key() {
        assert_eq!(Validity::new(SENT, None, None).span, MAX_LIFETIME);
        assert_eq!(Validity::new(SENT, None, Some(SENT.wall_ms + 90_000)).span, Duration::from_secs(90));
        assert_eq!(Validity::new(SENT, None, Some(i64::MAX)).span, MAX_LIFETIME);
        assert_eq!(Validity::new(SENT, None, Some(i64::MIN)).span, Duration::ZERO);
    }

    #[test]
    fn a_wrong_local_clock_does_not_change_the_keys_expiry() {
        let server = SENT.wall_ms + 86_400_000;
        let validity = Validity::new(SENT, Some(server), Some(server + 90_000));
        assert_eq!(validity.span, Duration::from_secs(90));
    }

    #[test]
    fn a_token_counts_as_expired_a_minute_or_a_tenth_early() {
        let day = Validity::new(SENT, None, None);
        assert!(!day.is_expired(later(86_339)));
        assert!(day.is_expired(later(86_340)));
        let short = Validity::new(SENT, None, Some(SENT.wall_ms + 100_000));
        assert!(!short.is_expired(later(89)));
        assert!(short.is_expired(later(90)));
    }

    #[test]
    fn a_restored_token_ends_when_it_would_have_ended() {
        let day = Validity::new(SENT, None, None);
        let same = Validity::restored(later(50_000), MAX_LIFETIME, Duration::from_secs(86_400 - 50_000));
        assert!(!same.is_expired(later(86_339)) && same.is_expired(later(86_340)));
        assert_eq!(same.max_end_ms(), day.max_end_ms());
        assert_eq!(
            same.before_end(MAX_LIFETIME.mul_f64(0.2)).wall_ms,
            day.before_end(MAX_LIFETIME.mul_f64(0.2)).wall_ms
        );
        // The machine was started a moment ago.
        let young = Timestamp { boot_ms: 1_000, ..SENT };
        let restored = Validity::restored(young, MAX_LIFETIME, Duration::from_secs(600));
        assert!(!restored.is_expired(young.after(Duration::from_secs(539))));
        assert!(restored.is_expired(young.after(Duration::from_secs(540))));
        assert!(young.is_past(restored.before_end(MAX_LIFETIME.mul_f64(0.3))), "it is not fresh");
        assert!(Validity::restored(SENT, MAX_LIFETIME, Duration::ZERO).is_expired(SENT));
        assert_eq!(Validity::restored(SENT, Duration::MAX, Duration::MAX).span, MAX_LIFETIME);
    }

    #[test]
    fn the_sooner_clock_wins() {
        let day = Validity::new(SENT, None, None);
        let set_back = Timestamp { wall_ms: SENT.wall_ms - 86_400_000, ..later(86_340) };
        let set_forward = Timestamp { wall_ms: SENT.wall_ms + 86_400_000, ..SENT };
        assert!(day.is_expired(set_back));
        assert!(day.is_expired(set_forward));
    }

    #[test]
    fn a_short_token_need_not_have_more_left_than_its_lifetime() {
        let day = Validity::new(SENT, None, None);
        assert!(day.has_remaining(Duration::from_secs(300), later(86_400 - 300)), "just enough");
        assert!(!day.has_remaining(Duration::from_secs(300), later(86_400 - 299)));
        let short = Validity::new(SENT, None, Some(SENT.wall_ms + 100_000));
        assert!(short.has_remaining(Duration::from_secs(300), later(89)));
        assert!(!short.has_remaining(Duration::from_secs(50), later(60)));
        assert!(!short.has_remaining(Duration::ZERO, later(90)));
    }
}
