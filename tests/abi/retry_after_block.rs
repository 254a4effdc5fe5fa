//! A `Retry-After` holds back every call for the same key ID in the same realm.

use std::time::Duration;

use b2_sandbox::{Body, Fault, Key};

use crate::retry_after::LONG_TIMEOUTS;
use crate::support::api::{Failure, Session};
use crate::support::concurrent::{advance_until, assert_stays_false, during_call, timed, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

const OTHER_ID: &str = "0014aa9865d6f0000000000b1";

/// A fixture in which one call has received this response.
fn blocked_by(fault: Fault) -> Fixture {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [fault]);
    fixture.authorize_with(&fixture.options.with(&[("max_attempts", "1")])).expect_err("503 or 429");
    fixture
}

fn assert_blocked(what: &str, answer: Result<Session, Failure>) {
    let failure = answer.expect_err(what);
    assert_eq!(failure.name, "B2_RATE_LIMITED", "{what}");
    // Plus the granularity of the clock.
    assert!((540_000..=600_010).contains(&failure.retry_after_ms), "{what}: {}", failure.retry_after_ms);
    assert_eq!((failure.attempts, failure.http_status, failure.retryable), (0, 0, true), "{what}");
    assert!(failure.message.contains("it asked every caller for this key to wait"), "{what}: {failure}");
}

#[test]
fn every_call_for_the_key_id_is_blocked() {
    for status in [429, 503] {
        let fixture = blocked_by(Fault::status(status).retry_after("600"));
        let with = |settings: &[(&str, &str)]| fixture.options.with(settings);
        let wrong = "K001wrong/0123456789abcdefghijkl";
        let ca = with(&[("ca_file", "/nonexistent")]);
        let (answers, took) = timed(|| {
            [
                ("the same call", fixture.authorize()),
                ("with cache=bypass", fixture.authorize_with(&with(&[("cache", "bypass")]))),
                ("with cache=refresh", fixture.authorize_with(&with(&[("cache", "refresh")]))),
                ("reauthorize", fixture.reauthorize(None)),
                ("another key of that ID", fixture.authorize_key(ID, wrong, &fixture.options)),
                ("without a local limit", fixture.authorize_with(&with(&[("rate_limit_per_minute", "0")]))),
                ("with another ca_file", fixture.authorize_with(&ca)),
            ]
        });
        for (what, answer) in answers {
            assert_blocked(what, answer);
        }
        assert_eq!(fixture.requests(), 1, "B2 received no other request");
        assert!(took < TEST_TIMEOUT, "no call waited: {took:?}");
    }
}

#[test]
fn another_key_id_or_realm_is_not_blocked() {
    let fixture = blocked_by(Fault::status(429).retry_after("600"));
    fixture.sandbox.add_key(Key::master(OTHER_ID, KEY));
    fixture.authorize_key(OTHER_ID, KEY, &fixture.options).expect("another key ID");
    let other = Fixture::new();
    fixture.authorize_with(&fixture.options.with(&[("realm", other.sandbox.http())])).expect("another realm");
    assert_blocked("the first", fixture.authorize());
}

#[test]
fn a_call_with_enough_time_waits_until_the_block_ends() {
    let fixture = blocked_by(Fault::status(503).retry_after("600"));
    let options = fixture.options.with(&LONG_TIMEOUTS);
    let session = during_call(
        &options,
        || fixture.authorize_with(&options),
        || {
            wait_until("the call waits", || fixture.api.counter("rate_waits") == 1);
            fixture.api.advance(Duration::from_secs(500));
            assert_stays_false("a request before the time is over", || fixture.requests() > 1);
            advance_until(fixture.api, Duration::from_secs(101), "the request", || fixture.requests() == 2);
        },
    );
    assert!(session.is_ok(), "{session:?}");
}

#[test]
fn clearing_the_cache_does_not_lift_the_block() {
    let fixture = blocked_by(Fault::status(429).retry_after("600"));
    fixture.api.clear_cache();
    assert_blocked("after b2_cache_clear", fixture.authorize());
    fixture.api.advance(Duration::from_secs(601));
    fixture.authorize().expect("the time is over");
}

#[test]
fn a_shorter_retry_after_does_not_shorten_the_block() {
    let fixture = Fixture::with_options(&LONG_TIMEOUTS);
    fixture.sandbox.script(
        ID,
        [Fault::status(503).retry_after("600").held_at("long"), Fault::status(503).retry_after("1").held_at("short")],
    );
    let bypass = fixture.options.with(&[("cache", "bypass"), ("max_attempts", "1")]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| fixture.authorize_with(&bypass).expect_err("503"));
        let came = fixture.sandbox.wait_until_held("long", 1, TEST_TIMEOUT);
        let second = scope.spawn(|| fixture.authorize_with(&bypass).expect_err("503"));
        let both = came && fixture.sandbox.wait_until_held("short", 1, TEST_TIMEOUT);
        fixture.sandbox.release("long");
        first.join().expect("no panic");
        fixture.sandbox.release("short");
        second.join().expect("no panic");
        assert!(both, "both were in flight");
    });
    assert_blocked(
        "after the shorter time",
        fixture.authorize_with(&fixture.options.with(&[("total_timeout_ms", "30000")])),
    );
}

#[test]
fn the_block_lasts_at_most_an_hour() {
    for (asked, reported) in [("86400", 86_400_000), ("99999999999999999999999999", i64::MAX)] {
        let fixture = blocked_by(Fault::status(503).retry_after(asked));
        let blocked = fixture.authorize().expect_err("blocked");
        assert!((3_540_000..=3_600_000).contains(&blocked.retry_after_ms), "{asked}: {}", blocked.retry_after_ms);
        fixture.api.advance(Duration::from_secs(3_601));
        fixture.sandbox.script(ID, [Fault::status(503).retry_after(asked)]);
        let failure = fixture.authorize().expect_err("no call waits that long");
        assert_eq!((failure.retry_after_ms, failure.attempts), (reported, 1), "{asked}");
        assert_eq!(fixture.requests(), 2);
    }
}

#[test]
fn only_429_and_503_block_other_calls() {
    for status in [408, 500, 502, 504, 599] {
        let fixture = blocked_by(Fault::status(status).retry_after("600"));
        fixture.authorize().unwrap_or_else(|failure| panic!("{status}: {failure}"));
        assert_eq!(fixture.requests(), 2);
    }
}

#[test]
fn a_cached_session_is_served_while_requests_are_blocked() {
    let fixture = Fixture::new();
    let session = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::status(503).retry_after("600")]);
    let bypass = fixture.options.with(&[("cache", "bypass"), ("max_attempts", "1")]);
    fixture.authorize_with(&bypass).expect_err("503");
    assert_blocked("with cache=bypass", fixture.authorize_with(&bypass));
    assert_eq!(fixture.authorize().expect("cached").token(), session.token());
}

#[test]
fn a_response_whose_body_cannot_be_read_blocks_all_the_same() {
    for fault in [
        Fault::status(429).retry_after("600").header("Content-Length", "9999"),
        Fault::status(503).retry_after("600").header("Content-Encoding", "br"),
        Fault::status(503).retry_after("600").body(Body::Huge),
    ] {
        let fixture = Fixture::with_options(&[("total_timeout_ms", "30000")]);
        fixture.sandbox.script(ID, [fault]);
        let failure = fixture.authorize().expect_err("the wait is too long");
        assert_eq!((failure.attempts, fixture.requests()), (1, 1), "{failure}");
        assert!(failure.retry_after_ms > 590_000, "{failure}");
        let failure = fixture.authorize().expect_err("blocked");
        assert_eq!(
            (failure.name.as_str(), failure.attempts, fixture.requests()),
            ("B2_RATE_LIMITED", 0, 1),
            "{failure}"
        );
    }
}
