//! A cancel ends a call wherever it waits.

use std::time::{Duration, Instant};

use b2_sandbox::Fault;

use crate::support::concurrent::{comes, until};
use crate::support::fixture::{ID, PATIENCE, Scene};
use crate::support::wait_points::{self, Stage};

/// What the rules promise.
const PROMISED: Duration = Duration::from_millis(250);
/// What a machine that is busy with other things may make of it.
const BUSY: Duration = Duration::from_secs(2);

/// Cancels a call in the place where it waits, and sees that it ends in time.
fn cancels(place: fn() -> Stage) {
    ends_in_time(|| cancel_once(&place()));
}

/// Sees that what is told to end does so in time: most of the times, since a busy machine may spoil a try or two.
fn ends_in_time(one_try: impl Fn() -> Duration) {
    let (mut good, mut spoilt) = (0, Vec::new());
    while good < 3 {
        let took = one_try();
        assert!(took < BUSY, "{took:?}");
        if took <= PROMISED {
            good += 1;
        } else {
            spoilt.push(took);
        }
        assert!(spoilt.len() < 3, "not within {PROMISED:?}: {spoilt:?}");
    }
}

fn cancel_once(stage: &Stage) -> Duration {
    let scene = &stage.scene;
    let cancel = stage.options.cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| (scene.authorize_with(&stage.options), Instant::now()));
        let reached = comes(|| (stage.reached)(stage), PATIENCE);
        // From there to the wait itself it takes microseconds.
        std::thread::sleep(Duration::from_millis(40));
        let triggered = Instant::now();
        cancel.trigger();
        let (answer, ended) = call.join().expect("no panic");
        assert!(reached, "the call never came to wait: {answer:?}");
        let failure = answer.expect_err("cancelled");
        assert!(ended > triggered, "it did not wait: {failure}");
        assert_eq!((failure.name.as_str(), failure.retryable), ("B2_CANCELLED", false), "{failure}");
        assert!((stage.requests..=stage.requests + 1).contains(&scene.requests()));
        ended - triggered
    })
}

#[test]
fn a_cancel_ends_the_wait_for_the_head() {
    cancels(wait_points::head);
}

#[test]
fn a_cancel_ends_the_wait_for_the_body() {
    cancels(wait_points::body);
}

#[test]
fn a_cancel_ends_a_body_that_drips() {
    cancels(wait_points::drip);
}

#[test]
fn a_cancel_ends_a_handshake() {
    cancels(wait_points::handshake);
}

#[test]
fn a_cancel_ends_a_connect() {
    cancels(wait_points::connect);
}

#[test]
fn a_cancel_ends_a_backoff() {
    cancels(wait_points::backoff);
}

#[test]
fn a_cancel_ends_the_wait_that_b2_asked_for() {
    cancels(wait_points::asked_to_wait);
}

#[test]
fn a_cancel_ends_the_wait_at_the_gate() {
    cancels(wait_points::gate);
}

#[test]
fn a_cancel_ends_the_wait_for_the_budget() {
    cancels(wait_points::budget);
}

#[test]
fn whoever_waits_for_anothers_request_leaves_alone() {
    ends_in_time(|| {
        let scene = Scene::new();
        scene.sandbox.script(ID, [Fault::hold("gate")]);
        let impatient = scene.options.with(&[]);
        let cancel = impatient.cancel();
        let took = std::thread::scope(|scope| {
            let leader = scope.spawn(|| scene.authorize());
            assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
            let seat = scope.spawn(|| (scene.authorize_with(&impatient), Instant::now()));
            until("the seat", || scene.api.counter("coalesced") == 1);
            std::thread::sleep(Duration::from_millis(40));
            let triggered = Instant::now();
            cancel.trigger();
            let (answer, ended) = seat.join().expect("no panic");
            let failure = answer.expect_err("cancelled");
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0));
            scene.sandbox.release("gate");
            leader.join().expect("no panic").expect("nobody cancelled this one");
            ended - triggered
        });
        assert_eq!(scene.requests(), 1);
        took
    });
}

#[test]
fn a_leader_that_is_cancelled_leaves_the_others_their_session() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let led = scene.options.with(&[]);
    let cancel = led.cancel();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize_with(&led));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let seat = scope.spawn(|| scene.authorize());
        until("the seat", || scene.api.counter("coalesced") == 1);
        cancel.trigger();
        assert_eq!(leader.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
        seat.join().expect("no panic").expect("it goes on in the leader's place");
    });
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_cancel_that_came_before_the_call_costs_no_request() {
    let scene = Scene::new();
    let options = scene.options.with(&[]);
    options.cancel().trigger();
    for cache in ["use", "refresh", "bypass"] {
        let failure = scene.authorize_with(&options.with(&[("cache", cache)])).expect_err("cancelled");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0), "{cache}");
    }
    assert_eq!((scene.requests(), scene.sandbox.connection_count("http")), (0, 0));
    scene.authorize().expect("granted");
    let failure = scene.authorize_with(&options).expect_err("a triggered cancel goes before the cache");
    assert_eq!(failure.name, "B2_CANCELLED");
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_cancelled_call_costs_the_next_one_nothing() {
    let stage = wait_points::head();
    cancel_once(&stage);
    stage.scene.authorize().expect("granted");
    assert_eq!(stage.scene.requests(), 2);
}
