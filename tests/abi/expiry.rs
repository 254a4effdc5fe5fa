//! Tokens whose keys expire soon, and calls that ask for more remaining lifetime than there is.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::retry_after::LONG_TIMEOUTS;
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A fixture whose key expires that soon.
fn key_expires_in(seconds: u64, settings: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::with_options(settings);
    fixture.sandbox.add_key(Key::master(ID, KEY).expires_in(Duration::from_secs(seconds)));
    fixture
}

#[test]
fn a_token_expires_with_its_key() {
    let fixture = key_expires_in(3_600, &[]);
    let session = fixture.authorize().expect("granted");
    assert!((3_500..=3_601).contains(&session.seconds_left()), "{}", session.seconds_left());
    assert_eq!(session.number(|f| f.b2_session_expires_at), session.number(|f| f.b2_session_key_expires_at));
    fixture.api.advance(HOUR);
    fixture.authorize().expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_wrong_wall_clock_does_not_change_when_a_token_expires_with_its_key() {
    let day_ms = 24 * 60 * 60 * 1_000;
    for wrong_ms in [-400 * day_ms, 400 * day_ms] {
        let fixture = key_expires_in(3_600, &[]);
        fixture.api.shift_clocks(wrong_ms, 0);
        let session = fixture.authorize().expect("granted");
        assert!((3_500..=3_601).contains(&session.seconds_left()), "{}", session.seconds_left());
    }
}

#[test]
fn a_short_lived_token_counts_as_expired_a_tenth_before_its_end() {
    let fixture = key_expires_in(500, &[("max_attempts", "1"), ("min_remaining_s", "0")]);
    let session = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    fixture.api.advance(Duration::from_secs(430));
    assert_eq!(fixture.authorize().expect("it is still valid").token(), session.token());
    fixture.api.advance(Duration::from_secs(22));
    assert_eq!(session.seconds_left(), 0);
    assert_eq!(fixture.authorize().expect_err("it has expired").name, "B2_SERVICE_UNAVAILABLE");
}

#[test]
fn a_short_lived_token_is_cached_though_it_is_shorter_than_min_remaining() {
    let fixture = key_expires_in(200, &[]);
    let token = fixture.authorize().expect("granted").token();
    fixture.api.advance(Duration::from_secs(100));
    assert_eq!(
        fixture.authorize().expect("granted").token(),
        token,
        "less than the default 300 s, but more than a tenth of its lifetime"
    );
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_call_that_wants_more_remaining_lifetime_makes_a_request() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    fixture.api.advance(2 * HOUR);
    assert_eq!(fixture.authorize().expect("granted").token(), token);
    assert_eq!(fixture.requests(), 1);
    let long = fixture.options.with(&[("min_remaining_s", "82800")]);
    let longer = fixture.authorize_with(&long).expect("granted").token();
    assert_ne!(longer, token);
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.authorize().expect("granted").token(), longer, "it replaced the cached one");
    assert_eq!(fixture.authorize_with(&long).expect("granted").token(), longer);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_token_in_its_last_five_minutes_is_served_only_on_request() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    fixture.sandbox.script(ID, [Fault::status(503)]);
    fixture.api.advance(24 * HOUR - Duration::from_secs(200));
    let modest = fixture.options.with(&[("min_remaining_s", "10")]);
    assert_eq!(fixture.authorize_with(&modest).expect("its refresh failed").token(), old);
    assert_eq!(fixture.requests(), 2);
    assert_ne!(fixture.authorize().expect("granted").token(), old);
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn the_calls_that_waited_for_a_token_get_it_even_if_it_has_expired() {
    let fixture = Fixture::with_options(&[("min_remaining_s", "82800")]);
    let ended = Fault::hold("latch").merge(serde_json::json!({ "applicationKeyExpirationTimestamp": 1_000 }));
    fixture.sandbox.script(ID, [ended]);
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize().expect("granted"));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let waiter = scope.spawn(|| fixture.authorize().expect("granted"));
        fixture.wait_for_counter("coalesced", 1);
        fixture.sandbox.release("latch");
        let (leader, waiter) = (leader.join().expect("no panic"), waiter.join().expect("no panic"));
        assert_eq!(leader.token(), waiter.token());
        assert_eq!(leader.seconds_left(), 0);
    });
    assert_eq!(fixture.requests(), 1);
    fixture.authorize().expect("granted");
    assert_eq!(fixture.requests(), 2, "an expired token is not cached");
}

#[test]
fn a_lifetime_is_counted_from_when_the_request_was_sent() {
    const HELD: Duration = Duration::from_secs(300);
    let fixture = Fixture::with_options(&LONG_TIMEOUTS);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let session = std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        fixture.api.advance(HELD);
        fixture.sandbox.release("latch");
        call.join().expect("no panic").expect("granted")
    });
    let most = 24 * 60 * 60 - i64::try_from(HELD.as_secs()).expect("a few minutes");
    let left = session.seconds_left();
    assert!((most - 60..=most).contains(&left), "{left} s are left of a day that began {HELD:?} ago");
}
