//! The `Retry-After` header: seconds, or a date to be relative to the response's own `Date`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::timestamp::Timestamp;

/// The wait that a server asks for. Zero, negative and unreadable values count as absent.
pub(crate) fn parse(value: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim_ascii();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for 64 bits is still a request to wait.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let from = date.and_then(date_of).or_else(|| wall(now))?;
        until.duration_since(from).ok()?
    };
    (!wait.is_zero()).then_some(wait)
}

/// The wall clock of the server that sent this `Date`, in milliseconds.
pub(crate) fn server_wall_ms(date: Option<&str>) -> Option<i64> {
    let since = date.and_then(date_of)?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

fn date_of(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value.trim_ascii()).ok()
}

fn wall(now: Timestamp) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(now.wall_ms).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 0 };
    const DATE: &str = "Mon, 21 Sep 2026 14:13:20 GMT";

    #[test]
    fn seconds_and_dates_are_waits() {
        assert_eq!(parse("2", None, NOW), Some(Duration::from_secs(2)));
        assert_eq!(parse(" 2 ", None, NOW), Some(Duration::from_secs(2)));
        assert_eq!(parse("Mon, 21 Sep 2026 14:13:23 GMT", None, NOW), Some(Duration::from_secs(3)));
        assert_eq!(parse("99999999999999999999999", None, NOW), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn a_date_is_relative_to_the_responses_own() {
        let wrong_clock = Timestamp { wall_ms: 0, ..NOW };
        assert_eq!(parse("Mon, 21 Sep 2026 14:13:23 GMT", Some(DATE), wrong_clock), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_value_that_asks_for_no_wait_is_absent() {
        for value in ["", "0", "-1", "1.5", "soon", "2 s", DATE, "Mon, 21 Sep 2026 14:13:19 GMT", "٣"] {
            assert_eq!(parse(value, Some(DATE), NOW), None, "{value}");
        }
    }
}
