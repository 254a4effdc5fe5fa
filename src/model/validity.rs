//! How long a token may be used, by both clocks.

use std::time::Duration;

use super::timestamp::{Moment, millis};

/// B2 promises a token at most this long a life.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A token counts as dead this long before its end, so that a call begun with it can still be answered.
const LAST_CALL: Duration = Duration::from_secs(60);
/// Of a shorter life than this, a tenth stands for [`LAST_CALL`].
const SHORT_LIFE: Duration = Duration::from_secs(600);

/// The span of a token's life. Its ends are worked out at birth: a hit reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) begins: Moment,
    pub(crate) span: Duration,
    /// When the token counts as dead, a little before its end.
    pub(crate) dead_at: Moment,
    ends: Moment,
}

impl Life {
    /// Counted from when the request was *sent*, to 24 hours later or the key's own end, the sooner.
    ///
    /// The key's end is a time of B2's clock. Against the answer's own date it is right even where this machine's
    /// clock is not.
    pub(crate) fn new(sent: Moment, server_wall_ms: Option<i64>, key_expires_ms: Option<i64>) -> Self {
        let span = match key_expires_ms {
            None => LONGEST,
            Some(end) => {
                let left = end.saturating_sub(server_wall_ms.unwrap_or(sent.wall_ms)).max(0).unsigned_abs();
                LONGEST.min(Duration::from_millis(left))
            }
        };
        let margin = if span < SHORT_LIFE { span / 10 } else { LAST_CALL };
        Self { begins: sent, span, dead_at: sent.after(span - margin), ends: sent.after(span) }
    }

    /// The end that B2 would have given it, but for the key's own.
    pub(crate) fn longest_end(&self) -> Moment {
        self.begins.after(LONGEST)
    }

    /// Milliseconds until its end, by the clock that says less.
    pub(crate) fn left_ms(&self, now: Moment) -> u64 {
        now.until_ms(self.ends)
    }

    pub(crate) fn is_dead(&self, now: Moment) -> bool {
        now.reached(self.dead_at)
    }

    /// True if a caller who wants `wanted` of life left can use this token. No token can satisfy a caller who wants
    /// more than its whole life, so of a life that short a tenth will do.
    pub(crate) fn has_left(&self, wanted: Duration, now: Moment) -> bool {
        let wanted = if self.span < wanted { self.span / 10 } else { wanted };
        !self.is_dead(now) && self.left_ms(now) >= millis(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Moment = Moment { wall_ms: 1_790_000_000_000, boot_ms: 5_000 };

    fn later(seconds: u64) -> Moment {
        SENT.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_life_is_a_day_or_the_keys_own_end() {
        assert_eq!(Life::new(SENT, None, None).span, LONGEST);
        assert_eq!(Life::new(SENT, None, Some(SENT.wall_ms + 90_000)).span, Duration::from_secs(90));
        assert_eq!(Life::new(SENT, None, Some(i64::MAX)).span, LONGEST);
        assert_eq!(Life::new(SENT, None, Some(i64::MIN)).span, Duration::ZERO);
    }

    #[test]
    fn a_wrong_clock_here_does_not_move_the_keys_end() {
        let server = SENT.wall_ms + 86_400_000;
        let life = Life::new(SENT, Some(server), Some(server + 90_000));
        assert_eq!(life.span, Duration::from_secs(90));
    }

    #[test]
    fn dead_comes_a_minute_or_a_tenth_before_the_end() {
        let day = Life::new(SENT, None, None);
        assert!(!day.is_dead(later(86_339)));
        assert!(day.is_dead(later(86_340)));
        let short = Life::new(SENT, None, Some(SENT.wall_ms + 100_000));
        assert!(!short.is_dead(later(89)));
        assert!(short.is_dead(later(90)));
    }

    #[test]
    fn the_sooner_clock_wins() {
        let day = Life::new(SENT, None, None);
        let set_back = Moment { wall_ms: SENT.wall_ms - 86_400_000, ..later(86_340) };
        let set_forward = Moment { wall_ms: SENT.wall_ms + 86_400_000, ..SENT };
        assert!(day.is_dead(set_back));
        assert!(day.is_dead(set_forward));
    }

    #[test]
    fn more_life_than_it_ever_had_is_not_asked_of_a_token() {
        let short = Life::new(SENT, None, Some(SENT.wall_ms + 100_000));
        assert!(short.has_left(Duration::from_secs(300), later(89)));
        assert!(!short.has_left(Duration::from_secs(50), later(60)));
        assert!(!short.has_left(Duration::ZERO, later(90)));
    }
}
