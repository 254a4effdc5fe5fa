//! A wrong clock on this machine, noticed by a response's own `Date`. It adds a hint to a failure, and never is one.

use super::retry_after;
use crate::model::timestamp::Timestamp;

/// Less than this may be due to a slow network or a clock that is only a little off.
const TOLERANCE_MS: u64 = 10 * 60 * 1_000;
const MINUTE_MS: u64 = 60 * 1_000;

/// A hint, if the `date` that `host` sent is far from `now`.
pub(crate) fn hint(host: &str, date: Option<&str>, now: Timestamp) -> Option<String> {
    let there = retry_after::server_wall_ms(date)?;
    let off = now.wall_ms.abs_diff(there);
    if off <= TOLERANCE_MS {
        return None;
    }
    let side = if now.wall_ms < there { "behind" } else { "ahead of" };
    Some(format!("this machine's clock is off by about {} ({side} that of {host}): correct it", span(off)))
}

fn span(ms: u64) -> String {
    let (unit_ms, unit) = match (ms + MINUTE_MS / 2) / MINUTE_MS {
        0..120 => (MINUTE_MS, "minutes"),
        120..2_880 => (60 * MINUTE_MS, "hours"),
        _ => (24 * 60 * MINUTE_MS, "days"),
    };
    format!("{} {unit}", (ms + unit_ms / 2) / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Mon, 21 Sep 2026 14:13:20 GMT";
    const THERE_MS: i64 = 1_790_000_000_000;

    fn at(off_ms: i64) -> Option<String> {
        hint("b2.example", Some(DATE), Timestamp { wall_ms: THERE_MS + off_ms, boot_ms: 0 })
    }

    #[test]
    fn ten_minutes_are_tolerated() {
        for off_ms in [0, 999, -1, 600_000, -600_000] {
            assert_eq!(at(off_ms), None, "{off_ms}");
        }
    }

    #[test]
    fn more_is_reported_with_size_and_direction() {
        for (off_ms, said) in [
            (600_001, "10 minutes (ahead of that of b2.example)"),
            (-700_000, "12 minutes (behind that of b2.example)"),
            (-7_140_000, "119 minutes (behind"),
            (7_200_000, "2 hours (ahead of"),
            (-172_799_000, "2 days (behind"),
            (-THERE_MS, "20718 days (behind"),
        ] {
            let hint = at(off_ms).expect("off by so much");
            assert!(hint.starts_with(&format!("this machine's clock is off by about {said}")), "{hint}");
        }
    }

    #[test]
    fn without_a_date_there_is_no_hint() {
        let now = Timestamp { wall_ms: 0, boot_ms: 0 };
        for date in [None, Some(""), Some("yesterday"), Some("Mon, 99 Sep 2026 14:13:20 GMT")] {
            assert_eq!(hint("b2.example", date, now), None);
        }
    }
}
