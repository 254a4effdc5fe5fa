//! A clock that is off by more than ten minutes is mentioned in the hint of a failure, and never causes one.

use b2_sandbox::{DateFault, Fault};

use crate::support::fixture::{Fixture, ID};
use crate::support::log_lines::LogLines;

#[test]
fn clock_skew_does_not_fail_a_call() {
    for seconds in [-86_400, -700, 700, 86_400] {
        let fixture = Fixture::new();
        let log = LogLines::capture(&fixture.options);
        fixture.sandbox.script(ID, [Fault::default().date(DateFault::OffsetS(seconds))]);
        let token = fixture.authorize().expect("granted").token();
        assert!(log.take().iter().any(|line| line.contains("clock is off by about")), "the log says so");
        assert_eq!(fixture.authorize().expect("cached").token(), token, "{seconds}");
        assert_eq!(fixture.requests(), 1);
    }
}

#[test]
fn the_hint_of_a_failure_says_by_how_much_the_clock_is_off() {
    for (status, seconds, expected) in [
        (401, 3_000, "off by about 50 minutes (behind that of 127.0.0.1)"),
        (401, -3_000, "off by about 50 minutes (ahead of that of 127.0.0.1)"),
        (403, 86_400 * 3, "off by about 3 days (behind that of 127.0.0.1)"),
        (404, -86_400 / 2, "off by about 12 hours (ahead of that of 127.0.0.1)"),
        (503, 3_000, "off by about 50 minutes (behind that of 127.0.0.1)"),
    ] {
        let fixture = Fixture::with_options(&[("max_attempts", "1")]);
        let fault = |seconds| Fault::status(status).date(DateFault::OffsetS(seconds));
        fixture.sandbox.script(ID, [fault(540), fault(seconds)]);
        let plain = fixture.reauthorize(None).expect_err("refused").hint.unwrap_or_default();
        let skewed = fixture.reauthorize(None).expect_err("refused");
        let hint = skewed.hint.expect("a hint");
        assert!(hint.contains(expected), "{status}: {hint}");
        assert!(!plain.contains("clock"), "nine minutes are not mentioned: {plain}");
        assert!(hint.starts_with(&plain), "the usual hint comes first: {hint}");
        assert!(!skewed.message.contains("clock"), "{}", skewed.message);
    }
}

#[test]
fn skew_is_measured_against_the_librarys_wall_clock() {
    let fixture = Fixture::new();
    fixture.api.shift_clocks(-2 * 3_600_000, 0);
    fixture.sandbox.script(ID, [Fault::status(401)]);
    let hint = fixture.authorize().expect_err("refused").hint.expect("a hint");
    assert!(hint.contains("off by about 2 hours (behind"), "{hint}");
    fixture.reauthorize(None).expect("granted");
}
