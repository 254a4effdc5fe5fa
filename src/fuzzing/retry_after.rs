//! The headers that tell when to come again.

use std::time::Duration;

use crate::authorize::retry_after::{parse, server_wall_ms};
use crate::model::timestamp::{self, Timestamp};

/// The last day that such a date can name: the end of the year 9999.
const LAST_MS: i64 = 253_402_300_800_000;

/// A `Retry-After`, on a line of its own a `Date`, and on the next our own clock.
pub fn retry_after(lines: &[u8]) {
    let Ok(lines) = std::str::from_utf8(lines) else { return };
    let mut lines = lines.splitn(3, '\n');
    let (asked, date) = (lines.next().unwrap_or_default(), lines.next());
    let wall_ms = lines.next().and_then(|wall| wall.parse().ok()).unwrap_or(1_790_000_000_000);
    let now = Timestamp { wall_ms, boot_ms: 0 };

    let wait = parse(asked, date, now);
    let digits = asked.trim_ascii();
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let least =
            digits.bytes().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add((digit - b'0').into()));
        assert_eq!(wait.unwrap_or_default(), Duration::from_secs(least));
    } else if let Some(wait) = wait {
        assert!(wait.as_millis() <= LAST_MS.unsigned_abs().into(), "{wait:?}");
        assert!(server_wall_ms(Some(asked)).is_some(), "a wait for what is no date");
    }
    assert!(wait.is_none_or(|wait| !wait.is_zero()));
    // What is done with it next.
    let end = now.after(wait.unwrap_or_default());
    assert!(end.wall_ms >= wall_ms && end.boot_ms == wait.map_or(0, timestamp::millis));

    for text in [Some(asked), date] {
        assert!(server_wall_ms(text).is_none_or(|ms| (0..=LAST_MS).contains(&ms)));
    }
    // A date is no wait against itself.
    if server_wall_ms(Some(asked)).is_some() {
        assert_eq!(parse(asked, Some(asked), now), None);
    }
}
