//! Who leads a flight and leaves it: what is his own affair, and what is everybody's.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::api::{Cancel, Failure, Options, Session};
use crate::support::fixture::{ID, PATIENCE, Scene};

type Answer = Result<Session, Failure>;

/// Has a leader ask, whose request the script holds at `gate`, and a waiter join; does `then`; and gives the answers
/// of both.
fn together(scene: &Scene, leader: &Options, waiter: &Options, then: impl FnOnce()) -> (Answer, Answer) {
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize_with(leader));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let waiter = scope.spawn(|| scene.authorize_with(waiter));
        scene.await_counter("coalesced", 1);
        then();
        (leader.join().expect("no panic"), waiter.join().expect("no panic"))
    })
}

#[test]
fn a_waiter_takes_over_from_a_leader_who_is_cancelled() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let options = scene.options.with(&[]);
    let cancel = options.cancel();
    let (leader, waiter) = together(&scene, &options, &scene.options, || cancel.trigger());
    let failure = leader.expect_err("cancelled");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 1));
    let session = waiter.expect("it asked for itself");
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.authorize().expect("kept").token(), session.token());
}

#[test]
fn a_waiter_takes_over_from_a_leader_whose_time_is_up() {
    let scene = Scene::with(&[("attempt_timeout_ms", "60000")]);
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let short = scene.options.with(&[("total_timeout_ms", "60000")]);
    let long = scene.options.with(&[("total_timeout_ms", "600000")]);
    let (leader, waiter) = together(&scene, &short, &long, || scene.api.pass(Duration::from_secs(61)));
    assert_eq!(leader.expect_err("its time is up").name, "B2_TIMEOUT");
    waiter.expect("it asked for itself");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_deadline_of_the_leaders_own_holds_without_a_turned_clock() {
    let scene = Scene::with(&[("total_timeout_ms", "300")]);
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let failure = scene.authorize().expect_err("its time is up");
    assert_eq!(failure.name, "B2_TIMEOUT");
    assert!(failure.retryable);
}

#[test]
fn of_many_who_are_cancelled_together_each_leaves_and_the_last_takes_over() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate").times(3)]);
    let options = scene.options.with(&[]);
    let cancel = options.cancel();
    std::thread::scope(|scope| {
        let leavers: Vec<_> = (0..3).map(|_| scope.spawn(|| scene.authorize_with(&options))).collect();
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let last = scope.spawn(|| scene.authorize());
        scene.await_counter("coalesced", 3);
        cancel.trigger();
        for leaver in leavers {
            assert_eq!(leaver.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
        }
        scene.sandbox.release("gate");
        last.join().expect("no panic").expect("granted");
    });
}

#[test]
fn the_leaders_own_limit_of_requests_is_not_the_waiters() {
    let scene = Scene::new();
    let bypass = scene.options.with(&[("cache", "bypass")]);
    for _ in 0..4 {
        scene.authorize_with(&bypass).expect("granted");
    }
    scene.sandbox.script(ID, [Fault::status(500).held_at("gate")]);
    // The leader's first request is the last of the burst; its second would have to wait a minute, and it has half.
    let limited = scene.options.with(&[("rate_limit_per_minute", "1"), ("total_timeout_ms", "30000")]);
    let (leader, waiter) = together(&scene, &limited, &scene.options, || scene.sandbox.release("gate"));
    let failure = leader.expect_err("no leave for a second request");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 1));
    assert!((20_000..=60_000).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
    waiter.expect("it has no limit, and asked for itself");
    assert_eq!(scene.requests(), 6);
}

#[test]
fn a_leader_that_panics_fails_its_waiters_and_leaves_no_trap() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    scene.api.plant_panic();
    let (leader, waiter) = together(&scene, &scene.options, &scene.options, || scene.sandbox.release("gate"));
    assert_eq!(leader.expect_err("a bug").name, "B2_INTERNAL_ERROR");
    let failure = waiter.expect_err("a bug");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_INTERNAL_ERROR", 0));
    assert_eq!(scene.requests(), 1);
    scene.authorize().expect("the next call finds nothing in its way");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_panic_while_a_token_is_refreshed_leaves_the_token_to_others() {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.api.plant_panic();
    assert_eq!(scene.authorize().expect_err("a bug").name, "B2_INTERNAL_ERROR");
    assert_ne!(scene.authorize().expect("refreshed").token(), old);
    assert_eq!(scene.requests(), 3);
}

/// Has a waiter leave while the leader's request is in the air, and gives what the waiter heard.
fn a_waiter_leaves(settings: &[(&str, &str)], leave: impl FnOnce(&Scene, &Cancel)) -> Failure {
    let scene = Scene::with(&[("attempt_timeout_ms", "600000"), ("total_timeout_ms", "0")]);
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let options = scene.options.with(settings);
    let cancel = options.cancel();
    let failure = std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let leaver = scope.spawn(|| scene.authorize_with(&options));
        let other = scope.spawn(|| scene.authorize());
        scene.await_counter("coalesced", 2);
        leave(&scene, &cancel);
        let failure = leaver.join().expect("no panic").expect_err("it left");
        assert_eq!(scene.sandbox.held("gate"), 1, "the request is still in the air");
        scene.sandbox.release("gate");
        let token = leader.join().expect("no panic").expect("granted").token();
        assert_eq!(other.join().expect("no panic").expect("granted").token(), token);
        failure
    });
    assert_eq!(scene.requests(), 1);
    failure
}

#[test]
fn a_waiter_who_is_cancelled_disturbs_nobody() {
    let failure = a_waiter_leaves(&[], |_, cancel| cancel.trigger());
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0));
}

#[test]
fn a_waiter_whose_time_is_up_disturbs_nobody() {
    let settings = [("total_timeout_ms", "60000")];
    let failure = a_waiter_leaves(&settings, |scene, _| scene.api.pass(Duration::from_secs(61)));
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 0));
}

#[test]
fn an_outage_costs_a_thousand_callers_one_series() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::status(503).forever()]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.await_counter("coalesced", 999);
            scene.sandbox.release("gate");
        });
        scene.crowd(1_000, |_| scene.authorize().expect_err("an outage"))
    });
    assert_eq!(scene.requests(), 5);
    assert!(failures.iter().all(|failure| failure.name == "B2_SERVICE_UNAVAILABLE" && failure.retryable));
    assert_eq!(failures.iter().map(|failure| failure.attempts).sum::<u32>(), 5);
}

#[test]
fn a_waiter_with_more_attempts_goes_on_counting_from_the_leaders() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::status(503).forever()]);
    let few = scene.options.with(&[("max_attempts", "2")]);
    let (leader, waiter) = together(&scene, &few, &scene.options, || scene.sandbox.release("gate"));
    assert_eq!(leader.expect_err("an outage").attempts, 2);
    let failure = waiter.expect_err("an outage");
    assert_eq!((failure.attempts, failure.waits().len()), (3, 5), "its own, and those of the series");
    assert_eq!(scene.requests(), 5);
}

#[test]
fn a_waiter_with_no_more_attempts_hears_the_leaders_failure() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::status(503).forever()]);
    let few = scene.options.with(&[("max_attempts", "2")]);
    let (leader, waiter) = together(&scene, &few, &few, || scene.sandbox.release("gate"));
    assert_eq!(leader.expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    let failure = waiter.expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 0));
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_failure_that_no_retry_cures_is_the_waiters_too() {
    let scene = Scene::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let realm = format!("https://{}", server.local_addr().expect("an address"));
    let options = scene.options.with(&[("realm", &realm)]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut client, _) = server.accept().expect("a client");
            client.read_exact(&mut [0; 5]).expect("it begins to shake hands");
            scene.await_counter("coalesced", 2);
            client.write_all(b"this is no TLS").expect("it listens");
        });
        scene.crowd(3, |_| scene.authorize_with(&options).expect_err("no TLS"))
    });
    assert!(failures.iter().all(|failure| failure.name == "B2_TLS_ERROR"), "{failures:?}");
    assert_eq!(failures.iter().map(|failure| failure.attempts).sum::<u32>(), 1);
    assert_eq!(scene.api.counter("requests"), 1);
}

/// Has a waiter with these options besides hear of a leader's failure, and shows that it asks for itself all the same.
fn tries_for_itself(settings: &[(&str, &str)]) {
    let scene = Scene::with(&[("max_attempts", "1")]);
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::status(503).forever()]);
    let other = scene.options.with(settings);
    let (leader, waiter) = together(&scene, &scene.options, &other, || scene.sandbox.release("gate"));
    assert_eq!(leader.expect_err("an outage").attempts, 1);
    assert_eq!(waiter.expect_err("an outage").attempts, 1);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_waiter_with_more_time_for_each_attempt_tries_for_itself() {
    tries_for_itself(&[("attempt_timeout_ms", "50000")]);
}

#[test]
fn a_waiter_with_more_time_to_connect_tries_for_itself() {
    tries_for_itself(&[("connect_timeout_ms", "50000")]);
}

#[test]
fn a_waiter_who_goes_through_another_proxy_tries_for_itself() {
    // Neither counts on the way to loopback, but they are two ways by name.
    tries_for_itself(&[("proxy", "http://127.0.0.1:9")]);
}

#[test]
fn a_waiter_for_a_new_token_has_more_time_than_the_refresh_that_it_waited_for() {
    let scene = Scene::with(&[("max_attempts", "1"), ("attempt_timeout_ms", "60000")]);
    scene.stale();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let new = scene.options.with(&[("cache", "refresh")]);
    let (refresh, waiter) = together(&scene, &scene.options, &new, || scene.api.pass(Duration::from_secs(6)));
    refresh.expect("the old token");
    waiter.expect("five seconds were not all of its time");
    assert_eq!(scene.requests(), 3);
}

#[test]
fn an_attempt_cut_short_by_the_leaders_deadline_does_not_count_against_a_waiter() {
    let scene = Scene::with(&[("max_attempts", "2"), ("attempt_timeout_ms", "600000")]);
    scene.sandbox.script(ID, [Fault::status(503), Fault::hold("gate")]);
    let short = scene.options.with(&[("total_timeout_ms", "60000")]);
    let long = scene.options.with(&[("total_timeout_ms", "600000")]);
    let (leader, waiter) = together(&scene, &short, &long, || scene.api.pass(Duration::from_secs(61)));
    assert_eq!(leader.expect_err("its time is up").name, "B2_TIMEOUT");
    waiter.expect("it had more time for a second attempt");
    assert_eq!(scene.requests(), 3);
}

#[test]
fn a_waiter_who_takes_over_waits_as_long_as_b2_asked_the_leader_to() {
    let scene = Scene::with(&[("total_timeout_ms", "60000")]);
    // Not a 503, whose gate would hold the waiter back in any case.
    scene.sandbox.script(ID, [Fault::status(500).retry_after("600").held_at("gate")]);
    let few = scene.options.with(&[("max_attempts", "1")]);
    let (leader, waiter) = together(&scene, &few, &scene.options, || scene.sandbox.release("gate"));
    assert_eq!(leader.expect_err("an outage").attempts, 1);
    let failure = waiter.expect_err("the wait could not end before the deadline, so it was not begun");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 0));
    assert_eq!(failure.retry_after_ms, 600_000);
    assert_eq!(scene.requests(), 1);
}
