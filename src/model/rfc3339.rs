//! Times as people and JSON read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that RFC 3339 can write.
const LATEST_S: u64 = 253_402_300_799;

/// `2026-09-21T14:13:20.123Z`, from milliseconds since 1970. Times out of RFC 3339's range are clamped.
pub(crate) fn from_millis(ms: i64) -> String {
    humantime::format_rfc3339_millis(time(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))).to_string()
}

/// `2026-09-21T14:13:20Z`, from seconds since 1970.
pub(crate) fn from_seconds(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(time(Duration::from_secs(seconds))).to_string()
}

/// Seconds since 1970, from a time as [`from_seconds`] writes it.
#[cfg(not(loom))]
pub(crate) fn to_seconds(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn time(since_epoch: Duration) -> SystemTime {
    UNIX_EPOCH + since_epoch.min(Duration::from_secs(LATEST_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_out_of_range_are_clamped() {
        assert_eq!(from_millis(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
        for ms in [i64::MIN, -1, 0] {
            assert_eq!(from_millis(ms), "1970-01-01T00:00:00.000Z");
        }
        assert_eq!(from_millis(i64::MAX), "9999-12-31T23:59:59.000Z");
        assert_eq!(from_seconds(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
