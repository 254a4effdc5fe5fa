//! B2 fails for a while, or permanently: the number of attempts, and the backoff between them.

use std::time::Duration;

use b2_sandbox::{Fault, How};

use crate::support::concurrent::{during_call, timed, wait_until};
use crate::support::fixture::{Fixture, ID};

#[test]
fn an_outage_takes_max_attempts_requests() {
    for most in 1..=5_u32 {
        let fixture = Fixture::with_options(&[("max_attempts", &most.to_string())]);
        fixture.sandbox.script(ID, [Fault::status(503).forever()]);
        let failure = fixture.authorize().expect_err("an outage");
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 503));
        assert!(failure.retryable);
        assert_eq!((failure.attempts, failure.retry_after_ms), (most, -1));
        assert_eq!(fixture.requests(), most as usize);
        let counted = ["requests", "retries"].map(|name| fixture.api.counter(name));
        assert_eq!(counted, [u64::from(most), u64::from(most) - 1]);
    }
}

#[test]
fn the_default_is_five_attempts() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(fixture.authorize().expect_err("an outage").attempts, 5);
    assert_eq!(fixture.requests(), 5);
}

#[test]
fn a_call_survives_a_short_outage() {
    for failures in 1..=4 {
        let fixture = Fixture::new();
        fixture.sandbox.script(ID, [Fault::status(503).times(failures)]);
        fixture.authorize().unwrap_or_else(|failure| panic!("after {failures} failures: {failure}"));
        assert_eq!(fixture.requests(), failures as usize + 1);
        assert_eq!(fixture.api.counter("retries"), u64::from(failures));
        fixture.authorize().expect("cached");
        assert_eq!(fixture.requests(), failures as usize + 1);
    }
}

#[test]
fn an_outage_is_not_cached() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    fixture.sandbox.script(ID, [Fault::status(503)]);
    fixture.authorize().expect_err("an outage");
    fixture.authorize().expect("a new request");
}

#[test]
fn backoff_is_drawn_from_zero_to_a_bound_that_doubles_up_to_a_maximum() {
    let fixture = Fixture::with_options(&[("initial_backoff_ms", "6"), ("max_backoff_ms", "16")]);
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    let all: Vec<_> = (0..24).map(|_| fixture.authorize().expect_err("an outage").waits_ms()).collect();
    for (nth, bound) in [0, 6, 12, 16, 16].into_iter().enumerate() {
        let drawn: Vec<_> = all.iter().map(|waits| waits[nth]).collect();
        assert!(drawn.iter().all(|wait| *wait <= bound), "wait {nth} is over {bound} ms: {drawn:?}");
        if bound > 0 {
            // The chance that a fair draw misses one of the halves is 1 in eight million.
            assert!(drawn.iter().any(|wait| *wait >= bound / 2), "wait {nth} is never long: {drawn:?}");
            assert!(drawn.iter().any(|wait| *wait <= bound / 2), "wait {nth} is never short: {drawn:?}");
            assert!(drawn.iter().any(|wait| *wait != drawn[0]), "wait {nth} is always the same: {drawn:?}");
        }
    }
}

#[test]
fn the_waits_in_the_run_log_were_really_waited() {
    let fixture = Fixture::with_options(&[("initial_backoff_ms", "200"), ("max_attempts", "4")]);
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    let (failure, took) = timed(|| fixture.authorize().expect_err("an outage"));
    let waited = Duration::from_millis(failure.waits_ms().iter().sum());
    // The library's clock has a granularity of 10 ms at most.
    assert!(took + Duration::from_millis(30) >= waited, "{took:?} for waits of {waited:?}");
}

#[test]
fn a_wait_that_cannot_end_before_the_deadline_is_not_begun() {
    // The first wait is drawn from 0 to 60 s, so that one in twelve would end before the deadline.
    let total = 5_000;
    let settings = [("initial_backoff_ms", "60000"), ("max_backoff_ms", "60000"), ("total_timeout_ms", "5000")];
    let at_once = (0..5).any(|_| {
        let fixture = Fixture::with_options(&settings);
        fixture.sandbox.script(ID, [Fault::status(503).forever()]);
        let (failure, took) = timed(|| fixture.authorize().expect_err("an outage"));
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 503));
        assert!(took < Duration::from_secs(30), "{took:?}");
        let rest = u64::try_from(failure.retry_after_ms).expect("the wait that was not begun is reported");
        let took = u64::try_from(took.as_millis()).expect("a short time");
        assert!(took + rest + 20 >= total, "{took} ms passed, and {rest} ms to wait");
        fixture.requests() == 1 && took < 4_000
    });
    assert!(at_once, "five calls in a row waited");
}

#[test]
fn a_deadline_during_a_wait_returns_the_last_attempts_failure() {
    // The clock may be shifted before the library has read the response, and then the attempt has timed out.
    let in_time = (0..10).any(|_| {
        let fixture = Fixture::with_options(&[("total_timeout_ms", "3600000")]);
        fixture.sandbox.script(ID, [Fault::status(500).retry_after("600").forever()]);
        let failure = during_call(
            &fixture.options,
            || fixture.authorize().expect_err("an outage"),
            || {
                wait_until("the first response", || fixture.responses() == 1);
                std::thread::sleep(Duration::from_millis(40));
                fixture.api.advance(Duration::from_secs(3_601));
            },
        );
        assert_eq!((failure.attempts, fixture.requests()), (1, 1));
        (failure.name.as_str(), failure.http_status) == ("B2_SERVICE_UNAVAILABLE", 500)
    });
    assert!(in_time, "ten calls in a row lost the failure that they waited after");
}

#[test]
fn the_run_log_has_every_attempt() {
    let fixture = Fixture::with_options(&[("max_attempts", "4")]);
    let slow = Duration::from_millis(60);
    fixture.sandbox.script(
        ID,
        [
            Fault::status(503).code("service_unavailable").header("X-Bz-Request-Id", "first"),
            Fault::default().cut(How::Reset, 0),
            Fault::status(500).code("internal_error").header("X-Bz-Request-Id", "third").delayed(slow),
            Fault::status(429).code("too_many_requests").header("X-Bz-Request-Id", "fourth"),
        ],
    );
    let failure = fixture.authorize().expect_err("four failures");
    assert_eq!((failure.name.as_str(), failure.code.as_deref()), ("B2_RATE_LIMITED", Some("too_many_requests")));
    assert_eq!(failure.request_id.as_deref(), Some("fourth"), "the error is that of the last attempt");
    let error = &failure.json["error"];
    assert_eq!((&error["status"], &error["httpStatus"]), (&"B2_RATE_LIMITED".into(), &429.into()));
    assert_eq!((&error["retryable"], &error["requestId"]), (&true.into(), &"fourth".into()));
    let log = error["attempts"].as_array().expect("a list");
    let attempts: Vec<_> =
        log.iter().map(|one| (one["httpStatus"].as_u64(), one["code"].as_str(), one["requestId"].as_str())).collect();
    assert_eq!(
        attempts,
        [
            (Some(503), Some("service_unavailable"), Some("first")),
            (None, None, None),
            (Some(500), Some("internal_error"), Some("third")),
            (Some(429), Some("too_many_requests"), Some("fourth")),
        ]
    );
    let started: Vec<_> = log
        .iter()
        .map(|one| humantime::parse_rfc3339(one["startedAt"].as_str().expect("a time")).expect("RFC 3339"))
        .collect();
    assert!(started.is_sorted(), "{started:?}");
    assert!(started[0].elapsed().expect("in the past") < Duration::from_secs(60), "{started:?}");
    let third_ms = log[2]["durationMs"].as_u64().expect("a number");
    assert!(third_ms >= 50, "the third response was delayed by 60 ms: {third_ms}");
    assert_eq!(log[0]["waitMs"], 0);
}
