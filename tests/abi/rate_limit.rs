//! The local rate limit of authorize requests, which B2 counts and bills.

use std::time::{Duration, Instant};

use b2_sandbox::{Fault, Key};

use crate::support::api::{Failure, Session};
use crate::support::concurrent::{advance_until, assert_stays_false, during_call, timed, wait_until};
use crate::support::fixture::{Fixture, ID, KEY};

const OTHER_ID: &str = "0014aa9865d6f0000000000b1";

/// A limit under which no permit is refilled while a test runs.
const STRICT: [(&str, &str); 3] =
    [("rate_limit_per_minute", "1"), ("total_timeout_ms", "10000"), ("negative_ttl_s", "0")];

/// Makes that many requests.
fn make_requests(fixture: &Fixture, times: usize) {
    let bypass = fixture.options.with(&[("cache", "bypass")]);
    for number in 0..times {
        fixture.authorize_with(&bypass).unwrap_or_else(|failure| panic!("request {number}: {failure}"));
    }
}

fn assert_over_limit(answer: Result<Session, Failure>) -> Failure {
    let failure = answer.expect_err("over the limit");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_RATE_LIMITED", 0));
    assert_eq!((failure.attempts, failure.retryable), (0, true));
    assert!(failure.message.contains("is reached"), "{failure}");
    failure
}

#[test]
fn the_sixth_request_fails_if_the_deadline_is_too_short() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "2")]);
    let before = fixture.sandbox.log().len();
    let ((), took) = timed(|| make_requests(&fixture, 5));
    let failure = assert_over_limit(
        fixture.authorize_with(&fixture.options.with(&[("total_timeout_ms", "100"), ("cache", "bypass")])),
    );
    let took = i64::try_from(took.as_millis()).expect("a short time");
    let wait = failure.retry_after_ms;
    assert!(wait <= 30_000 && wait >= 29_000 - took, "half a minute a permit: {wait} after {took}");
    assert!(failure.hint.expect("a hint").contains("total_timeout_ms"));
    assert_eq!(fixture.requests() - before, 5, "no request was made");
    assert_eq!(fixture.api.counter("requests"), 5);
}

#[test]
fn the_sixth_request_waits_if_there_is_time() {
    let fixture =
        Fixture::with_options(&[("rate_limit_per_minute", "1"), ("total_timeout_ms", "600000"), ("cache", "bypass")]);
    make_requests(&fixture, 5);
    let session = during_call(
        &fixture.options,
        || fixture.authorize(),
        || {
            wait_until("the call waits", || fixture.api.counter("rate_waits") == 1);
            assert_stays_false("a request at once", || fixture.requests() > 5);
            fixture.api.advance(Duration::from_secs(40));
            assert_stays_false("a request too early", || fixture.requests() > 5);
            advance_until(fixture.api, Duration::from_secs(21), "the request", || fixture.requests() == 6);
        },
    );
    assert!(session.is_ok(), "{session:?}");
    assert_eq!(fixture.api.counter("rate_waits"), 1);
}

#[test]
fn by_default_a_permit_is_refilled_every_three_seconds() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "")]);
    make_requests(&fixture, 5);
    for count in 6..10 {
        fixture.api.advance(Duration::from_secs(3));
        make_requests(&fixture, 1);
        assert_eq!(fixture.requests(), count);
    }
    assert!(over_limit_after_burst(&fixture) > 0, "at most five are saved up");
}

/// Makes five requests after a long pause, and returns the retry-after time of the sixth by the default limit: three
/// seconds after the first request.
pub fn over_limit_after_burst(fixture: &Fixture) -> i64 {
    let options = fixture.options.with(&[("cache", "bypass")]);
    let short = options.with(&[("total_timeout_ms", "1")]);
    for _ in 0..20 {
        fixture.api.advance(Duration::from_secs(60 * 60));
        let start = Instant::now();
        fixture.in_parallel(5, |_| fixture.authorize_with(&options).expect("granted"));
        let burst = start.elapsed();
        let sixth = fixture.authorize_with(&short);
        // A busy machine may take so long that the next permit is there.
        if burst < Duration::from_secs(2) && sixth.is_err() {
            let failure = assert_over_limit(sixth);
            let since = i64::try_from(start.elapsed().as_millis()).expect("a short time");
            assert!(failure.retry_after_ms <= 3_000 && failure.retry_after_ms + since >= 2_900, "{failure:?}");
            return failure.retry_after_ms;
        }
    }
    panic!("a burst of five requests never took less than two seconds");
}

#[test]
fn a_cache_hit_uses_no_permit() {
    let fixture = Fixture::with_options(&STRICT);
    for _ in 0..200 {
        fixture.authorize().expect("granted once, then cached");
    }
    make_requests(&fixture, 4);
    assert_over_limit(fixture.reauthorize(None));
    fixture.authorize().expect("cached, which no limit applies to");
    assert_eq!(fixture.requests(), 5);
}

#[test]
fn every_attempt_uses_a_permit() {
    let fixture = Fixture::with_options(&STRICT);
    fixture.sandbox.script(ID, [Fault::status(503).times(3)]);
    fixture.authorize().expect("the fourth attempt");
    make_requests(&fixture, 1);
    assert_over_limit(fixture.reauthorize(None));
}

#[test]
fn a_call_that_the_limit_ends_returns_its_last_failure() {
    let fixture = Fixture::with_options(&STRICT);
    make_requests(&fixture, 3);
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    let failure = fixture.reauthorize(None).expect_err("no third attempt");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 500));
    assert_eq!((failure.attempts, fixture.requests()), (2, 5));
    assert!((1..=60_000).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
}

#[test]
fn one_permit_is_reserved_for_the_key_with_a_valid_session() {
    let fixture = Fixture::with_options(&STRICT);
    let wrong = |number: usize| {
        let key = format!("K001wrong{number:05}/0123456789abcdef");
        fixture.authorize_key(ID, &key, &fixture.options)
    };
    let session = fixture.authorize().expect("granted");
    for number in 0..3 {
        assert_eq!(wrong(number).expect_err("refused").name, "B2_BAD_CREDENTIALS");
    }
    assert_over_limit(wrong(3));
    assert_over_limit(wrong(4));
    let newer = fixture.reauthorize(Some(&session)).expect("the last permit is reserved for this key");
    assert_ne!(newer.token(), session.token());
    assert_over_limit(fixture.reauthorize(None));
    assert_eq!(fixture.requests(), 5);
}

#[test]
fn without_a_valid_session_no_permit_is_reserved() {
    let fixture = Fixture::with_options(&STRICT);
    let session = fixture.authorize().expect("granted");
    session.invalidate();
    for number in 0..4 {
        let key = format!("K001wrong{number:05}/0123456789abcdef");
        let answer = fixture.authorize_key(ID, &key, &fixture.options);
        assert_eq!(answer.expect_err("refused").name, "B2_BAD_CREDENTIALS");
    }
    assert_over_limit(fixture.authorize());
}

#[test]
fn zero_is_no_limit() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "0")]);
    make_requests(&fixture, 40);
    assert_eq!(fixture.requests(), 40);
    assert_eq!(fixture.api.counter("rate_waits"), 0);
}

#[test]
fn calls_with_different_limits_share_one_count() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "0")]);
    make_requests(&fixture, 5);
    assert_over_limit(fixture.authorize_with(&fixture.options.with(&STRICT)));
    make_requests(&fixture, 1);
}

#[test]
fn each_key_id_and_realm_has_its_own_limit() {
    let fixture = Fixture::with_options(&STRICT);
    make_requests(&fixture, 5);
    fixture.sandbox.add_key(Key::master(OTHER_ID, KEY));
    fixture.authorize_key(OTHER_ID, KEY, &fixture.options).expect("another key ID");
    let other = Fixture::new();
    fixture.authorize_with(&fixture.options.with(&[("realm", other.sandbox.http())])).expect("another realm");
    assert_over_limit(fixture.authorize());
}

#[test]
fn clearing_the_cache_refills_no_permits() {
    let fixture = Fixture::with_options(&STRICT);
    for _ in 0..5 {
        fixture.authorize().expect("granted");
        fixture.api.clear_cache();
    }
    assert_over_limit(fixture.authorize());
    assert_eq!(fixture.requests(), 5);
}

#[test]
fn a_failure_by_the_limit_is_not_cached() {
    let fixture = Fixture::with_options(&STRICT);
    make_requests(&fixture, 5);
    assert_over_limit(fixture.authorize());
    fixture.api.advance(Duration::from_secs(60));
    fixture.authorize().expect("a permit was refilled");
}
