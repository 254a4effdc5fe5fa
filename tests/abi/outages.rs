//! A B2 that fails for a while, or for good: how often it is asked, and how long between.

use std::time::Duration;

use b2_sandbox::{Fault, How};

use crate::support::concurrent::{aside, timed, until};
use crate::support::fixture::{ID, Scene};

#[test]
fn an_outage_costs_as_many_requests_as_the_caller_allows() {
    for most in 1..=5_u32 {
        let scene = Scene::with(&[("max_attempts", &most.to_string())]);
        scene.sandbox.script(ID, [Fault::status(503).forever()]);
        let failure = scene.authorize().expect_err("an outage");
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 503));
        assert!(failure.retryable);
        assert_eq!((failure.attempts, failure.retry_after_ms), (most, -1));
        assert_eq!(scene.requests(), most as usize);
        let counted = ["requests", "retries"].map(|name| scene.api.counter(name));
        assert_eq!(counted, [u64::from(most), u64::from(most) - 1]);
    }
}

#[test]
fn by_default_there_are_five() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(scene.authorize().expect_err("an outage").attempts, 5);
    assert_eq!(scene.requests(), 5);
}

#[test]
fn a_call_outlives_a_short_outage() {
    for failures in 1..=4 {
        let scene = Scene::new();
        scene.sandbox.script(ID, [Fault::status(503).times(failures)]);
        scene.authorize().unwrap_or_else(|failure| panic!("after {failures} failures: {failure}"));
        assert_eq!(scene.requests(), failures as usize + 1);
        assert_eq!(scene.api.counter("retries"), u64::from(failures));
        scene.authorize().expect("cached");
        assert_eq!(scene.requests(), failures as usize + 1);
    }
}

#[test]
fn an_outage_is_not_remembered() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    scene.sandbox.script(ID, [Fault::status(503)]);
    scene.authorize().expect_err("an outage");
    scene.authorize().expect("B2 is asked again");
}

#[test]
fn waits_are_drawn_from_nothing_to_a_bound_that_doubles_up_to_a_most() {
    let scene = Scene::with(&[("initial_backoff_ms", "6"), ("max_backoff_ms", "16")]);
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    let all: Vec<_> = (0..24).map(|_| scene.authorize().expect_err("an outage").waits()).collect();
    for (nth, bound) in [0, 6, 12, 16, 16].into_iter().enumerate() {
        let drawn: Vec<_> = all.iter().map(|waits| waits[nth]).collect();
        assert!(drawn.iter().all(|wait| *wait <= bound), "wait {nth} is over {bound} ms: {drawn:?}");
        if bound > 0 {
            // A fair draw misses one of the halves once in eight million runs.
            assert!(drawn.iter().any(|wait| *wait >= bound / 2), "wait {nth} is never long: {drawn:?}");
            assert!(drawn.iter().any(|wait| *wait <= bound / 2), "wait {nth} is never short: {drawn:?}");
        }
    }
}

#[test]
fn the_waits_in_the_log_were_waited() {
    let scene = Scene::with(&[("initial_backoff_ms", "200"), ("max_attempts", "4")]);
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    let (failure, took) = timed(|| scene.authorize().expect_err("an outage"));
    let waited = Duration::from_millis(failure.waits().iter().sum());
    // The library's clock goes by ticks of 10 ms at most.
    assert!(took + Duration::from_millis(30) >= waited, "{took:?} for waits of {waited:?}");
}

#[test]
fn a_wait_that_cannot_end_before_the_deadline_is_not_begun() {
    // The first wait is drawn from 0 to 60 s, so that one in forty would end in time.
    let total = 1_500;
    let settings = [("initial_backoff_ms", "60000"), ("max_backoff_ms", "60000"), ("total_timeout_ms", "1500")];
    let at_once = (0..5).any(|_| {
        let scene = Scene::with(&settings);
        scene.sandbox.script(ID, [Fault::status(503).forever()]);
        let (failure, took) = timed(|| scene.authorize().expect_err("an outage"));
        assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 503));
        assert!(took < Duration::from_millis(total + 1_500), "{took:?}");
        let rest = u64::try_from(failure.retry_after_ms).expect("the wait that was not begun is told");
        let took = u64::try_from(took.as_millis()).expect("a short time");
        assert!(took + rest + 20 >= total, "{took} ms gone, and {rest} ms to wait");
        scene.requests() == 1 && took < 1_000
    });
    assert!(at_once, "five calls in a row waited in vain");
}

#[test]
fn a_deadline_while_waiting_gives_the_last_attempts_status() {
    // The clock may be turned before the library has read the answer, and then the attempt has timed out.
    let in_time = (0..10).any(|_| {
        let scene = Scene::with(&[("total_timeout_ms", "3600000")]);
        scene.sandbox.script(ID, [Fault::status(500).retry_after("600").forever()]);
        let failure = aside(
            &scene.options,
            || scene.authorize().expect_err("an outage"),
            || {
                until("the first answer", || scene.answered() == 1);
                std::thread::sleep(Duration::from_millis(40));
                scene.api.pass(Duration::from_secs(3_601));
            },
        );
        assert_eq!((failure.attempts, scene.requests()), (1, 1));
        (failure.name.as_str(), failure.http_status) == ("B2_SERVICE_UNAVAILABLE", 500)
    });
    assert!(in_time, "ten calls in a row forgot why they waited");
}

#[test]
fn the_run_log_tells_of_every_attempt() {
    let scene = Scene::with(&[("max_attempts", "4")]);
    let slow = Duration::from_millis(60);
    scene.sandbox.script(
        ID,
        [
            Fault::status(503).code("service_unavailable").header("X-Bz-Request-Id", "first"),
            Fault::default().cut(How::Reset, 0),
            Fault::status(500).code("internal_error").header("X-Bz-Request-Id", "third").delayed(slow),
            Fault::status(429).code("too_many_requests").header("X-Bz-Request-Id", "fourth"),
        ],
    );
    let failure = scene.authorize().expect_err("four failures");
    assert_eq!((failure.name.as_str(), failure.code.as_deref()), ("B2_RATE_LIMITED", Some("too_many_requests")));
    assert_eq!(failure.request_id.as_deref(), Some("fourth"), "the error is the last attempt's");
    let error = &failure.json["error"];
    assert_eq!((&error["status"], &error["httpStatus"]), (&"B2_RATE_LIMITED".into(), &429.into()));
    assert_eq!((&error["retryable"], &error["requestId"]), (&true.into(), &"fourth".into()));
    let log = error["attempts"].as_array().expect("a list");
    let told: Vec<_> =
        log.iter().map(|one| (one["httpStatus"].as_u64(), one["code"].as_str(), one["requestId"].as_str())).collect();
    assert_eq!(
        told,
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
    let lasted = log[2]["durationMs"].as_u64().expect("a number");
    assert!(lasted >= 50, "the third was held up for 60 ms: {lasted}");
    assert_eq!(log[0]["waitMs"], 0);
}
