//! The time for the whole call ends it wherever it waits.

use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::concurrent::timed;
use crate::support::fixture::{ID, PATIENCE, Scene};
use crate::support::wait_points::{self, Stage};

const TOTAL: Duration = Duration::from_millis(300);
const GRACE: Duration = Duration::from_secs(2);

/// Makes the call that waits there, with that much time, and gives its status and the time it is told to wait.
fn runs_out(place: fn() -> Stage) -> (String, i64) {
    let stage = place();
    let options = stage.options.with(&[("total_timeout_ms", "300")]);
    let (answer, took) = timed(|| stage.scene.authorize_with(&options));
    let failure = answer.expect_err("out of time");
    assert!(took < TOTAL + GRACE, "{took:?}: {failure}");
    assert!(failure.retryable, "{failure}");
    if failure.name == "B2_TIMEOUT" {
        assert!(took + Duration::from_millis(20) >= TOTAL, "{took:?}: {failure}");
        assert!(failure.message.contains("127.0.0.1") || failure.message.contains("localhost"), "{failure}");
    }
    (failure.name, failure.retry_after_ms)
}

#[test]
fn time_that_runs_out_during_an_attempt_is_a_timeout() {
    for place in [wait_points::head, wait_points::body, wait_points::drip, wait_points::handshake, wait_points::connect]
    {
        assert_eq!(runs_out(place), ("B2_TIMEOUT".to_owned(), -1));
    }
}

#[test]
fn a_wait_for_the_gate_or_the_budget_that_time_forbids_is_not_begun() {
    for (place, longest) in [(wait_points::gate as fn() -> Stage, 600_000), (wait_points::budget, 60_000)] {
        let (name, wait) = runs_out(place);
        assert_eq!(name, "B2_RATE_LIMITED");
        assert!((longest - 10_000..=longest + 10).contains(&wait), "{wait}");
    }
}

#[test]
fn a_wait_that_b2_asked_for_and_time_forbids_is_not_begun() {
    assert_eq!(runs_out(wait_points::asked_to_wait), ("B2_SERVICE_UNAVAILABLE".to_owned(), 600_000));
}

#[test]
fn the_time_to_connect_is_bounded_by_itself() {
    let stage = wait_points::connect();
    let options = stage.options.with(&[("connect_timeout_ms", "300"), ("max_attempts", "2")]);
    let (failure, took) = timed(|| stage.scene.authorize_with(&options).expect_err("nobody answers"));
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 2), "{failure}");
    assert!(took < 2 * TOTAL + GRACE, "{took:?}");
}

#[test]
fn whoever_waits_for_anothers_request_leaves_at_its_own_deadline() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let impatient = scene.options.with(&[("total_timeout_ms", "300")]);
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let (failure, took) = timed(|| scene.authorize_with(&impatient).expect_err("out of time"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 0));
        assert!(took < TOTAL + GRACE, "{took:?}");
        scene.sandbox.release("gate");
        leader.join().expect("no panic").expect("it has more time");
    });
    assert_eq!(scene.requests(), 1);
}

#[test]
fn nought_is_no_bound() {
    let scene = Scene::with(&[("total_timeout_ms", "0"), ("attempt_timeout_ms", "600000")]);
    scene.sandbox.script(ID, [Fault::status(503).retry_after("3600")]);
    let session = crate::support::concurrent::aside(
        &scene.options,
        || scene.authorize(),
        || {
            crate::support::concurrent::until("the first answer", || scene.answered() == 1);
            let hour = Duration::from_secs(3_601);
            crate::support::concurrent::turn_until(scene.api, hour, "the second request", || scene.requests() >= 2);
        },
    );
    assert!(session.is_ok(), "{session:?}");
}
