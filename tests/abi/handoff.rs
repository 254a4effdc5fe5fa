//! The leader of a shared request fails or leaves: which failures are its own, and which the followers get as well.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::api::{Cancel, Failure, Options, Session};
use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};

type CallResult = Result<Session, Failure>;

/// Starts a leader, whose request the script holds at the latch, and a follower; runs `then`; and returns both results.
fn lead_and_follow(
    fixture: &Fixture,
    leader: &Options,
    follower: &Options,
    then: impl FnOnce(),
) -> (CallResult, CallResult) {
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize_with(leader));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let follower = scope.spawn(|| fixture.authorize_with(follower));
        fixture.wait_for_counter("coalesced", 1);
        then();
        (leader.join().expect("no panic"), follower.join().expect("no panic"))
    })
}

#[test]
fn a_follower_takes_over_from_a_cancelled_leader() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    let (leader, follower) = lead_and_follow(&fixture, &options, &fixture.options, || cancel.trigger());
    let failure = leader.expect_err("cancelled");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 1));
    let session = follower.expect("it made its own request");
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.authorize().expect("cached").token(), session.token());
}

#[test]
fn a_follower_takes_over_from_a_leader_at_its_deadline() {
    let fixture = Fixture::with_options(&[("attempt_timeout_ms", "60000")]);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let short = fixture.options.with(&[("total_timeout_ms", "60000")]);
    let long = fixture.options.with(&[("total_timeout_ms", "600000")]);
    let (leader, follower) = lead_and_follow(&fixture, &short, &long, || fixture.api.advance(Duration::from_secs(61)));
    assert_eq!(leader.expect_err("its deadline").name, "B2_TIMEOUT");
    follower.expect("it made its own request");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn after_all_others_are_cancelled_the_last_follower_takes_over() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch").times(3)]);
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    std::thread::scope(|scope| {
        let cancelled: Vec<_> = (0..3).map(|_| scope.spawn(|| fixture.authorize_with(&options))).collect();
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let last = scope.spawn(|| fixture.authorize());
        fixture.wait_for_counter("coalesced", 3);
        cancel.trigger();
        for call in cancelled {
            assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
        }
        fixture.sandbox.release("latch");
        last.join().expect("no panic").expect("granted");
    });
}

#[test]
fn the_leaders_rate_limit_does_not_fail_a_follower_without_one() {
    let fixture = Fixture::new();
    let bypass = fixture.options.with(&[("cache", "bypass")]);
    for _ in 0..4 {
        fixture.authorize_with(&bypass).expect("granted");
    }
    fixture.sandbox.script(ID, [Fault::status(500).held_at("latch")]);
    // The leader's first request is the last of the burst; its second would have to wait a minute, and it has half a minute.
    let limited = fixture.options.with(&[("rate_limit_per_minute", "1"), ("total_timeout_ms", "30000")]);
    let (leader, follower) = lead_and_follow(&fixture, &limited, &fixture.options, || fixture.sandbox.release("latch"));
    let failure = leader.expect_err("no permit for a second request");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 1));
    assert!((20_000..=60_000).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
    follower.expect("it has no limit, and made its own request");
    assert_eq!(fixture.requests(), 6);
}

#[test]
fn a_panic_of_the_leader_fails_its_followers_and_not_the_next_call() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    fixture.api.plant_panic();
    let (leader, follower) =
        lead_and_follow(&fixture, &fixture.options, &fixture.options, || fixture.sandbox.release("latch"));
    assert_eq!(leader.expect_err("a panic").name, "B2_INTERNAL_ERROR");
    let failure = follower.expect_err("a panic");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_INTERNAL_ERROR", 0));
    assert_eq!(fixture.requests(), 1);
    fixture.authorize().expect("the next call is not affected");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_panic_during_a_refresh_does_not_affect_the_next_call() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.api.plant_panic();
    assert_eq!(fixture.authorize().expect_err("a panic").name, "B2_INTERNAL_ERROR");
    assert_ne!(fixture.authorize().expect("refreshed").token(), old);
    assert_eq!(fixture.requests(), 3);
}

/// Makes a follower leave while the leader's request is in flight, and returns the follower's failure.
fn follower_leaves(settings: &[(&str, &str)], leave: impl FnOnce(&Fixture, &Cancel)) -> Failure {
    let fixture = Fixture::with_options(&[("attempt_timeout_ms", "600000"), ("total_timeout_ms", "0")]);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let options = fixture.options.with(settings);
    let cancel = options.attach_cancel();
    let failure = std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let leaving = scope.spawn(|| fixture.authorize_with(&options));
        let other = scope.spawn(|| fixture.authorize());
        fixture.wait_for_counter("coalesced", 2);
        leave(&fixture, &cancel);
        let failure = leaving.join().expect("no panic").expect_err("it left");
        assert_eq!(fixture.sandbox.held("latch"), 1, "the request is still in flight");
        fixture.sandbox.release("latch");
        let token = leader.join().expect("no panic").expect("granted").token();
        assert_eq!(other.join().expect("no panic").expect("granted").token(), token);
        failure
    });
    assert_eq!(fixture.requests(), 1);
    failure
}

#[test]
fn a_cancelled_follower_does_not_affect_the_others() {
    let failure = follower_leaves(&[], |_, cancel| cancel.trigger());
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_CANCELLED", 0));
}

#[test]
fn a_follower_at_its_deadline_does_not_affect_the_others() {
    let settings = [("total_timeout_ms", "60000")];
    let failure = follower_leaves(&settings, |fixture, _| fixture.api.advance(Duration::from_secs(61)));
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 0));
}

#[test]
fn a_thousand_calls_during_an_outage_share_five_attempts() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::status(503).forever()]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            fixture.wait_for_counter("coalesced", 999);
            fixture.sandbox.release("latch");
        });
        fixture.in_parallel(1_000, |_| fixture.authorize().expect_err("an outage"))
    });
    assert_eq!(fixture.requests(), 5);
    assert!(failures.iter().all(|failure| failure.name == "B2_SERVICE_UNAVAILABLE" && failure.retryable));
    assert_eq!(failures.iter().map(|failure| failure.attempts).sum::<u32>(), 5);
}

#[test]
fn a_follower_with_more_attempts_continues_the_leaders_count() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::status(503).forever()]);
    let few = fixture.options.with(&[("max_attempts", "2")]);
    let (leader, follower) = lead_and_follow(&fixture, &few, &fixture.options, || fixture.sandbox.release("latch"));
    assert_eq!(leader.expect_err("an outage").attempts, 2);
    let failure = follower.expect_err("an outage");
    assert_eq!((failure.attempts, failure.waits_ms().len()), (3, 5), "its own, and all of them in the run log");
    assert_eq!(fixture.requests(), 5);
}

#[test]
fn a_follower_with_no_more_attempts_gets_the_leaders_failure() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::status(503).forever()]);
    let few = fixture.options.with(&[("max_attempts", "2")]);
    let (leader, follower) = lead_and_follow(&fixture, &few, &few, || fixture.sandbox.release("latch"));
    assert_eq!(leader.expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    let failure = follower.expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 0));
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_permanent_failure_is_shared_with_the_followers() {
    let fixture = Fixture::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let realm = format!("https://{}", server.local_addr().expect("an address"));
    let options = fixture.options.with(&[("realm", &realm)]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut client, _) = server.accept().expect("a client");
            client.read_exact(&mut [0; 5]).expect("it begins to shake hands");
            fixture.wait_for_counter("coalesced", 2);
            client.write_all(b"this is no TLS").expect("it listens");
        });
        fixture.in_parallel(3, |_| fixture.authorize_with(&options).expect_err("no TLS"))
    });
    assert!(failures.iter().all(|failure| failure.name == "B2_TLS_ERROR"), "{failures:?}");
    assert_eq!(failures.iter().map(|failure| failure.attempts).sum::<u32>(), 1);
    assert_eq!(fixture.api.counter("requests"), 1);
}

/// Checks that a follower with these options besides makes its own request after a leader's failure.
fn assert_follower_makes_its_own_request(settings: &[(&str, &str)]) {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::status(503).forever()]);
    let other = fixture.options.with(settings);
    let (leader, follower) = lead_and_follow(&fixture, &fixture.options, &other, || fixture.sandbox.release("latch"));
    assert_eq!(leader.expect_err("an outage").attempts, 1);
    assert_eq!(follower.expect_err("an outage").attempts, 1);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_follower_with_a_longer_attempt_timeout_makes_its_own_request() {
    assert_follower_makes_its_own_request(&[("attempt_timeout_ms", "50000")]);
}

#[test]
fn a_follower_with_a_longer_connect_timeout_makes_its_own_request() {
    assert_follower_makes_its_own_request(&[("connect_timeout_ms", "50000")]);
}

#[test]
fn a_follower_with_another_proxy_makes_its_own_request() {
    // Neither proxy is used for loopback, but they are different policies.
    assert_follower_makes_its_own_request(&[("proxy", "http://127.0.0.1:9")]);
}

#[test]
fn a_follower_that_needs_a_new_token_has_more_time_than_the_refresh_it_joined() {
    let fixture = Fixture::with_options(&[("max_attempts", "1"), ("attempt_timeout_ms", "60000")]);
    fixture.stale_session();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let new = fixture.options.with(&[("cache", "refresh")]);
    let (refresh, follower) =
        lead_and_follow(&fixture, &fixture.options, &new, || fixture.api.advance(Duration::from_secs(6)));
    refresh.expect("the old token");
    follower.expect("five seconds were not all of its time");
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn an_attempt_cut_short_by_the_leaders_deadline_does_not_count_for_a_follower() {
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("attempt_timeout_ms", "600000")]);
    fixture.sandbox.script(ID, [Fault::status(503), Fault::hold("latch")]);
    let short = fixture.options.with(&[("total_timeout_ms", "60000")]);
    let long = fixture.options.with(&[("total_timeout_ms", "600000")]);
    let (leader, follower) = lead_and_follow(&fixture, &short, &long, || fixture.api.advance(Duration::from_secs(61)));
    assert_eq!(leader.expect_err("its deadline").name, "B2_TIMEOUT");
    follower.expect("it had more time for a second attempt");
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn a_follower_that_takes_over_keeps_the_leaders_retry_after() {
    let fixture = Fixture::with_options(&[("total_timeout_ms", "60000")]);
    // Not a 503, which would block the follower in any case.
    fixture.sandbox.script(ID, [Fault::status(500).retry_after("600").held_at("latch")]);
    let few = fixture.options.with(&[("max_attempts", "1")]);
    let (leader, follower) = lead_and_follow(&fixture, &few, &fixture.options, || fixture.sandbox.release("latch"));
    assert_eq!(leader.expect_err("an outage").attempts, 1);
    let failure = follower.expect_err("the wait would outlast the deadline, so it was not begun");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 0));
    assert_eq!(failure.retry_after_ms, 600_000);
    assert_eq!(fixture.requests(), 1);
}
