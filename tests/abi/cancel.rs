//! A cancel ends a call at every point where it can wait.

use std::time::{Duration, Instant};

use b2_sandbox::Fault;

use crate::support::api::{Cancel, Options};
use crate::support::concurrent::{eventually, wait_until};
use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};
use crate::support::wait_points::{self, WaitPoint};

/// What the header promises.
const PROMISED: Duration = Duration::from_millis(250);
/// What a busy machine may make of it.
const BUSY: Duration = Duration::from_secs(10);

/// Cancels a call at that wait point, and checks that it ends in time.
fn assert_cancel_ends(point: fn() -> WaitPoint) {
    assert_ends_in_time(|| cancel_once(&point()));
}

/// Checks that a call ends in time three times. A busy machine may delay some more.
fn assert_ends_in_time(one_try: impl Fn() -> Duration) {
    let (mut good, mut late) = (0, Vec::new());
    while good < 3 {
        let took = one_try();
        assert!(took < BUSY, "{took:?}");
        if took <= PROMISED {
            good += 1;
        } else {
            late.push(took);
        }
        assert!(late.len() < 20, "not within {PROMISED:?}: {late:?}");
    }
}

fn cancel_once(point: &WaitPoint) -> Duration {
    let fixture = &point.fixture;
    let cancel = point.options.attach_cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| (fixture.authorize_with(&point.options), Instant::now()));
        let reached = eventually(|| (point.reached)(point), TEST_TIMEOUT);
        // From there to the wait itself it takes microseconds.
        std::thread::sleep(Duration::from_millis(40));
        let triggered = Instant::now();
        cancel.trigger();
        let (answer, ended) = call.join().expect("no panic");
        assert!(reached, "the call did not reach the wait point: {answer:?}");
        let failure = answer.expect_err("cancelled");
        assert!(ended > triggered, "it did not wait: {failure}");
        assert_eq!((failure.name.as_str(), failure.retryable), ("B2_CANCELLED", false), "{failure}");
        assert!((point.requests..=point.requests + 1).contains(&fixture.requests()));
        ended - triggered
    })
}

#[test]
fn a_cancel_ends_the_wait_for_the_response_head() {
    assert_cancel_ends(wait_points::response_head);
}

#[test]
fn a_cancel_ends_the_wait_for_the_response_body() {
    assert_cancel_ends(wait_points::response_body);
}

#[test]
fn a_cancel_ends_a_slow_response_body() {
    assert_cancel_ends(wait_points::slow_response_body);
}

#[test]
fn a_cancel_ends_a_tls_handshake() {
    assert_cancel_ends(wait_points::tls_handshake);
}

#[test]
fn a_cancel_ends_a_connect() {
    assert_cancel_ends(wait_points::connect);
}

#[test]
fn a_cancel_ends_a_backoff() {
    assert_cancel_ends(wait_points::backoff);
}

#[test]
fn a_cancel_ends_a_retry_after_wait() {
    assert_cancel_ends(wait_points::retry_after);
}

#[test]
fn a_cancel_ends_the_wait_for_another_calls_retry_after() {
    assert_cancel_ends(wait_points::retry_after_block);
}

#[test]
fn a_cancel_ends_the_wait_for_the_rate_limit() {
    assert_cancel_ends(wait_points::rate_limit);
}

#[test]
fn a_cancelled_follower_leaves_the_leader_running() {
    assert_ends_in_time(|| {
        let fixture = Fixture::new();
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        let impatient = fixture.options.with(&[]);
        let cancel = impatient.attach_cancel();
        let took = std::thread::scope(|scope| {
            let leader = scope.spawn(|| fixture.authorize());
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            let follower = scope.spawn(|| (fixture.authorize_with(&impatient), Instant::now()));
            wait_until("the follower waits", || fixture.api.counter("coalesced") == 1);
            std::thread::sleep(Duration::from_millis(40));
            let triggered = Instant::now();
            cancel.trigger();
            let (answer, ended) = follower.join().expect("no panic");
            let failure = answer.expect_err("cancelled");
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0));
            fixture.sandbox.release("latch");
            leader.join().expect("no panic").expect("this one was not cancelled");
            ended - triggered
        });
        assert_eq!(fixture.requests(), 1);
        took
    });
}

#[test]
fn a_follower_takes_over_from_a_cancelled_leader() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let led = fixture.options.with(&[]);
    let cancel = led.attach_cancel();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize_with(&led));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let follower = scope.spawn(|| fixture.authorize());
        wait_until("the follower waits", || fixture.api.counter("coalesced") == 1);
        cancel.trigger();
        assert_eq!(leader.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
        follower.join().expect("no panic").expect("it takes over");
    });
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_cancel_shared_by_many_waiters_ends_them_without_another_request() {
    const CALLS: usize = 200;
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS).map(|_| scope.spawn(|| fixture.authorize_with(&options))).collect();
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        wait_until("all others wait", || fixture.api.counter("coalesced") == CALLS as u64 - 1);
        cancel.trigger();
        for call in calls {
            assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
        }
    });
    assert_eq!(fixture.requests(), 1, "none of the cancelled took over");
}

#[test]
fn a_cancel_triggered_before_the_call_makes_no_request() {
    let fixture = Fixture::new();
    let options = fixture.options.with(&[]);
    options.attach_cancel().trigger();
    for cache in ["use", "refresh", "bypass"] {
        let failure = fixture.authorize_with(&options.with(&[("cache", cache)])).expect_err("cancelled");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0), "{cache}");
    }
    assert_eq!((fixture.requests(), fixture.sandbox.connection_count("http")), (0, 0));
    fixture.authorize().expect("granted");
    let failure = fixture.authorize_with(&options).expect_err("a triggered cancel fails a call with a cached token");
    assert_eq!(failure.name, "B2_CANCELLED");
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_cancelled_call_does_not_affect_the_next_one() {
    let point = wait_points::response_head();
    cancel_once(&point);
    point.fixture.authorize().expect("granted");
    assert_eq!(point.fixture.requests(), 2);
}

#[test]
fn a_cancel_just_before_the_response_wins_for_every_follower() {
    const FOLLOWERS: usize = 36;
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let cancellable: Vec<_> = (0..FOLLOWERS).map(|_| fixture.options.with(&[])).collect();
    let cancels: Vec<_> = cancellable.iter().map(Options::attach_cancel).collect();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let call = |options| fixture.authorize_with(options);
        let followers: Vec<_> =
            cancellable.iter().map(|options| scope.spawn(move || call(options).map(drop))).collect();
        fixture.wait_for_counter("coalesced", FOLLOWERS as u64);
        cancels.iter().for_each(Cancel::trigger);
        fixture.sandbox.release("latch");
        for follower in followers {
            let failure = follower.join().expect("no panic").expect_err("its cancel was triggered before");
            assert_eq!(failure.name, "B2_CANCELLED", "{failure}");
        }
        leader.join().expect("no panic").expect("this one was not cancelled");
    });
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_cancel_after_the_response_wins_and_keeps_what_was_granted() {
    let fixture = Fixture::new();
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    options.set_log(Some(Box::new(move |_, message| {
        if message.contains("granted a session") {
            cancel.trigger();
        }
    })));
    let failure = fixture.authorize_with(&options).expect_err("cancelled");
    assert_eq!(failure.name, "B2_CANCELLED", "{failure}");
    fixture.authorize().expect("cached");
    assert_eq!(fixture.requests(), 1);
}
