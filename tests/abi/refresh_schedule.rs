//! When a token is served from the cache, refreshed, and replaced because it has expired.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[test]
fn a_fresh_token_is_served_without_a_request() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    for _ in 0..16 {
        assert_eq!(fixture.authorize().expect("granted").token(), token);
        fixture.api.advance(HOUR);
    }
    assert_eq!(fixture.requests(), 1);
    assert_eq!(fixture.api.counter("cache_hits"), 16);
}

#[test]
fn a_refresh_is_due_after_70_to_80_percent_of_the_lifetime() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    fixture.api.advance(DAY.mul_f64(0.69));
    assert_eq!(fixture.authorize().expect("granted").token(), token);
    assert_eq!(fixture.requests(), 1);
    fixture.api.advance(DAY.mul_f64(0.12));
    assert_ne!(fixture.authorize().expect("granted").token(), token);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn refreshes_of_tokens_granted_together_are_spread_out() {
    let fixture = Fixture::new();
    // The chance that all of them draw the same half of the jitter is 1 in 10^18.
    let ids: Vec<_> = (0..60).map(|number| format!("0014aa9865d6f00000000{number:04}")).collect();
    let authorize = |id: &String| {
        let key = format!("K001{id}/spread");
        fixture.authorize_key(id, &key, &fixture.options).expect("granted");
    };
    for id in &ids {
        fixture.sandbox.add_key(Key::master(id, &format!("K001{id}/spread")));
        authorize(id);
    }
    fixture.api.advance(DAY.mul_f64(0.75));
    ids.iter().for_each(authorize);
    let refreshed = fixture.sandbox.authorize_count("*") - ids.len();
    assert!(0 < refreshed && refreshed < ids.len(), "{refreshed} of {}", ids.len());
}

#[test]
fn during_a_refresh_other_calls_get_the_stale_token() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| fixture.authorize().expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let meanwhile = fixture.in_parallel(100, |_| fixture.authorize().expect("granted").token());
        assert!(meanwhile.iter().all(|token| *token == old));
        fixture.sandbox.release("latch");
        let new = refresh.join().expect("no panic");
        assert_ne!(new, old);
        assert_eq!(fixture.authorize().expect("granted").token(), new);
    });
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.api.counter("stale_served"), 0, "nothing failed");
    assert_eq!(fixture.api.counter("coalesced"), 0, "no call waited");
}

#[test]
fn a_thousand_calls_that_find_a_refresh_due_make_one_request() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    let tokens = fixture.in_parallel(1_000, |_| fixture.authorize().expect("granted").token());
    assert_eq!(fixture.requests(), 2);
    let new = fixture.authorize().expect("granted").token();
    assert!(tokens.iter().all(|token| *token == old || *token == new));
    assert_ne!(new, old);
}

#[test]
fn a_token_counts_as_expired_a_minute_before_its_end() {
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("min_remaining_s", "0")]);
    let session = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    fixture.api.advance(DAY - Duration::from_secs(90));
    assert!((30..=90).contains(&session.seconds_left()), "{}", session.seconds_left());
    assert_eq!(fixture.authorize().expect("it is still valid").token(), session.token());
    assert_eq!(fixture.requests(), 2, "one for the refresh");
    fixture.api.advance(Duration::from_secs(31));
    assert_eq!(session.seconds_left(), 0);
    assert_eq!(fixture.authorize().expect_err("it has expired").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(fixture.requests(), 4, "both attempts of a full request, and the failed refresh does not defer it");
}

#[test]
fn a_token_expires_by_whichever_clock_is_ahead() {
    let last_minute = DAY_MS - 30_000;
    for (wall_ms, boot_ms) in [(last_minute, 0), (0, last_minute)] {
        let fixture = Fixture::with_options(&[("max_attempts", "1"), ("min_remaining_s", "0")]);
        let session = fixture.authorize().expect("granted");
        fixture.sandbox.script(ID, [Fault::status(503).forever()]);
        fixture.api.shift_clocks(wall_ms, boot_ms);
        assert_eq!(session.seconds_left(), 0);
        fixture.authorize().expect_err("it has expired, and there is no other");
    }
}

#[test]
fn an_expired_token_is_replaced() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    fixture.api.advance(DAY);
    let new = fixture.authorize().expect("granted").token();
    assert_ne!(new, old);
    assert_eq!(fixture.authorize().expect("granted").token(), new);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn setting_the_wall_clock_back_does_not_revive_an_expired_token() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let session = fixture.authorize().expect("granted");
    fixture.api.shift_clocks(-DAY_MS, 0);
    assert_eq!(fixture.authorize().expect("granted").token(), session.token(), "it is valid");
    assert_eq!(fixture.requests(), 1);
    assert!(session.seconds_left() <= 24 * 60 * 60, "{}", session.seconds_left());
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    fixture.api.advance(DAY);
    assert_eq!(session.seconds_left(), 0);
    fixture.authorize().expect_err("it has expired, though the wall clock says that it is new");
}

#[test]
fn setting_the_wall_clock_forward_costs_at_most_one_request() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    fixture.api.shift_clocks(DAY_MS, 0);
    let new = fixture.authorize().expect("granted").token();
    assert_ne!(new, old, "a day may have passed");
    assert_eq!(fixture.authorize().expect("granted").token(), new);
    assert_eq!(fixture.requests(), 2);
    fixture.api.shift_clocks(-DAY_MS, 0);
    assert_eq!(fixture.authorize().expect("granted").token(), new, "and correcting the clock needs none");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_wrong_wall_clock_does_not_shorten_a_lifetime() {
    let fixture = Fixture::new();
    fixture.api.shift_clocks(-400 * DAY_MS, 0);
    let token = fixture.authorize().expect("granted").token();
    fixture.api.advance(16 * HOUR);
    assert_eq!(fixture.authorize().expect("granted").token(), token);
    assert_eq!(fixture.requests(), 1);
}
