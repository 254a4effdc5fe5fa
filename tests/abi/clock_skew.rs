//! A clock that is off by more than ten minutes is a word beside a failure, and never a failure.

use b2_sandbox::{DateFault, Fault};

use crate::support::fixture::{ID, Scene};

#[test]
fn a_grant_is_a_grant_by_whatever_clock() {
    for seconds in [-86_400, -700, 700, 86_400] {
        let scene = Scene::new();
        scene.sandbox.script(ID, [Fault::default().date(DateFault::OffsetS(seconds))]);
        let token = scene.authorize().expect("granted").token();
        assert_eq!(scene.authorize().expect("cached").token(), token, "{seconds}");
        assert_eq!(scene.requests(), 1);
    }
}

#[test]
fn a_failure_says_by_how_much_the_clock_is_off() {
    for (status, seconds, said) in [
        (401, 3_000, "off by about 50 minutes (behind that of 127.0.0.1)"),
        (401, -3_000, "off by about 50 minutes (ahead of that of 127.0.0.1)"),
        (403, 86_400 * 3, "off by about 3 days (behind that of 127.0.0.1)"),
        (404, -86_400 / 2, "off by about 12 hours (ahead of that of 127.0.0.1)"),
        (503, 3_000, "off by about 50 minutes (behind that of 127.0.0.1)"),
    ] {
        let scene = Scene::with(&[("max_attempts", "1")]);
        let fault = |seconds| Fault::status(status).date(DateFault::OffsetS(seconds));
        scene.sandbox.script(ID, [fault(540), fault(seconds)]);
        let plain = scene.reauthorize(None).expect_err("refused").hint.unwrap_or_default();
        let skewed = scene.reauthorize(None).expect_err("refused");
        let hint = skewed.hint.expect("the clock is one");
        assert!(hint.contains(said), "{status}: {hint}");
        assert!(!plain.contains("clock"), "nine minutes are nothing: {plain}");
        assert!(hint.starts_with(&plain), "what else there is to do stays: {hint}");
        assert!(!skewed.message.contains("clock"), "{}", skewed.message);
    }
}

#[test]
fn the_machines_own_clock_is_the_one_that_counts() {
    let scene = Scene::new();
    scene.api.turn(-2 * 3_600_000, 0);
    scene.sandbox.script(ID, [Fault::status(401)]);
    let hint = scene.authorize().expect_err("refused").hint.expect("the clock is one");
    assert!(hint.contains("off by about 2 hours (behind"), "{hint}");
    scene.reauthorize(None).expect("granted all the same");
}
