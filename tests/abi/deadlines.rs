//! The total timeout ends a call at every point where it can wait.

use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::concurrent::{advance_until, during_call, timed, wait_until};
use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};
use crate::support::wait_points::{self, WaitPoint};

const TOTAL: Duration = Duration::from_millis(300);
/// Long enough for a request, and too short for the waits.
const LONG_TOTAL: Duration = Duration::from_secs(30);
/// What a busy machine may add.
const GRACE: Duration = Duration::from_secs(20);

/// Makes a call that would wait there for longer than its deadline, and returns its status and its retry-after time.
fn time_out(point: fn() -> WaitPoint, total: Duration) -> (String, i64) {
    let point = point();
    let options = point.options.with(&[("total_timeout_ms", &total.as_millis().to_string())]);
    let (result, took) = timed(|| point.fixture.authorize_with(&options));
    let failure = result.expect_err("out of time");
    assert!(took < TOTAL + GRACE, "{took:?}: {failure}");
    assert!(failure.retryable, "{failure}");
    if failure.name == "B2_TIMEOUT" {
        assert!(took + Duration::from_millis(20) >= total, "{took:?}: {failure}");
        assert!(failure.message.contains("127.0.0.1") || failure.message.contains("localhost"), "{failure}");
    }
    (failure.name, failure.retry_after_ms)
}

#[test]
fn a_deadline_during_an_attempt_is_a_timeout() {
    for point in [
        wait_points::response_head,
        wait_points::response_body,
        wait_points::slow_response_body,
        wait_points::tls_handshake,
        wait_points::connect,
    ] {
        assert_eq!(time_out(point, TOTAL), ("B2_TIMEOUT".to_owned(), -1));
    }
}

#[test]
fn a_wait_for_the_rate_limit_that_would_outlast_the_deadline_is_not_begun() {
    for (point, longest) in
        [(wait_points::retry_after_block as fn() -> WaitPoint, 600_000), (wait_points::rate_limit, 60_000)]
    {
        let (name, wait) = time_out(point, LONG_TOTAL);
        assert_eq!(name, "B2_RATE_LIMITED");
        assert!((longest - 25_000..=longest + 10).contains(&wait), "{wait}");
    }
}

#[test]
fn a_retry_after_wait_that_would_outlast_the_deadline_is_not_begun() {
    assert_eq!(time_out(wait_points::retry_after, LONG_TOTAL), ("B2_SERVICE_UNAVAILABLE".to_owned(), 600_000));
}

#[test]
fn connect_timeout_ms_ends_each_connect() {
    let point = wait_points::connect();
    let options = point.options.with(&[("connect_timeout_ms", "300"), ("max_attempts", "2")]);
    let (failure, took) = timed(|| point.fixture.authorize_with(&options).expect_err("no response"));
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 2), "{failure}");
    assert!(took < 2 * TOTAL + GRACE, "{took:?}");
}

#[test]
fn a_follower_leaves_at_its_own_deadline() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let short = fixture.options.with(&[("total_timeout_ms", "300")]);
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let (failure, took) = timed(|| fixture.authorize_with(&short).expect_err("out of time"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 0));
        assert!(took < TOTAL + GRACE, "{took:?}");
        fixture.sandbox.release("latch");
        leader.join().expect("no panic").expect("it has more time");
    });
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn zero_is_no_deadline() {
    let fixture = Fixture::with_options(&[("total_timeout_ms", "0"), ("attempt_timeout_ms", "600000")]);
    fixture.sandbox.script(ID, [Fault::status(503).retry_after("3600")]);
    let session = during_call(
        &fixture.options,
        || fixture.authorize(),
        || {
            wait_until("the first answer", || fixture.responses() == 1);
            let hour = Duration::from_secs(3_601);
            advance_until(fixture.api, hour, "the second request", || fixture.requests() >= 2);
        },
    );
    assert!(session.is_ok(), "{session:?}");
}
