//! A token that B2 rejected is never returned again, and many calls that report it make one request.

use b2_sandbox::{Fault, Key};

use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

#[test]
fn a_thousand_threads_with_a_rejected_token_make_one_request() {
    let fixture = Fixture::new();
    let rejected = fixture.authorize().expect("granted");
    let mut tokens = fixture.in_parallel(1_000, |_| fixture.reauthorize(Some(&rejected)).expect("granted").token());
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0], rejected.token());
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_thousand_threads_with_a_revoked_key_make_one_request() {
    let fixture = Fixture::new();
    let rejected = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::status(401).held_at("latch")]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            fixture.wait_for_counter("coalesced", 999);
            fixture.sandbox.release("latch");
        });
        fixture.in_parallel(1_000, |_| fixture.reauthorize(Some(&rejected)).expect_err("revoked"))
    });
    assert!(failures.iter().all(|failure| failure.name == "B2_BAD_CREDENTIALS"));
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_second_rejection_of_the_same_token_makes_no_request() {
    let fixture = Fixture::new();
    let rejected = fixture.authorize().expect("granted");
    let newer = fixture.reauthorize(Some(&rejected)).expect("granted").token();
    assert_eq!(fixture.reauthorize(Some(&rejected)).expect("granted").token(), newer);
    assert_eq!(fixture.authorize().expect("granted").token(), newer);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_token_older_than_the_rejected_one_is_not_served() {
    let fixture = Fixture::new();
    let older = fixture.authorize().expect("granted").token();
    let rejected = fixture.authorize_with(&fixture.options.with(&[("cache", "bypass")])).expect("granted");
    let newer = fixture.reauthorize(Some(&rejected)).expect("granted").token();
    assert!(newer != older && newer != rejected.token());
    assert_eq!(fixture.authorize().expect("granted").token(), newer);
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn each_token_in_turn_can_be_rejected() {
    let fixture = Fixture::new();
    let first = fixture.authorize().expect("granted");
    let second = fixture.reauthorize(Some(&first)).expect("granted");
    let third = fixture.reauthorize(Some(&second)).expect("granted").token();
    assert_eq!(fixture.reauthorize(Some(&first)).expect("granted").token(), third);
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn a_rejected_token_is_not_served_even_during_an_outage() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let rejected = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    assert_eq!(fixture.reauthorize(Some(&rejected)).expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(fixture.authorize().expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn a_rejected_token_is_not_served_as_a_stale_one() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let rejected = fixture.stale_session();
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    assert_eq!(fixture.reauthorize(Some(&rejected)).expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(fixture.authorize().expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(fixture.api.counter("stale_served"), 0);
}

#[test]
fn a_failed_refresh_does_not_serve_a_token_that_was_invalidated_meanwhile() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let old = fixture.stale_session();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::status(503).forever()]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        old.invalidate();
        fixture.sandbox.release("latch");
        let failure = refresh.join().expect("no panic").expect_err("an outage, and no token is left");
        assert_eq!(failure.name, "B2_SERVICE_UNAVAILABLE");
        assert_eq!(failure.attempts, 2, "both were made by this call");
    });
    assert_eq!(fixture.requests(), 3, "the refresh, and then the caller's own request");
    assert_eq!(fixture.api.counter("stale_served"), 0);
}

#[test]
fn a_token_rejected_while_its_refresh_fails_is_replaced_for_both_callers_by_one_request() {
    let fixture = Fixture::new();
    let old = fixture.stale_session();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch")]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| fixture.authorize().expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let back = scope.spawn(|| fixture.reauthorize(Some(&old)).expect("granted").token());
        fixture.wait_for_counter("coalesced", 1);
        fixture.sandbox.release("latch");
        let tokens = (refresh.join().expect("no panic"), back.join().expect("no panic"));
        assert_eq!(tokens.0, tokens.1);
        assert_ne!(tokens.0, old.token());
    });
    assert_eq!(fixture.requests(), 3, "the first, the failed refresh, and one for both");
}

#[test]
fn a_rejected_session_of_another_key_is_ignored() {
    let fixture = Fixture::new();
    let (other_id, other_key) = ("0014aa9865d6f0000000000b9", "K001another/of+a+test/012345678");
    fixture.sandbox.add_key(Key::master(other_id, other_key));
    let mine = fixture.authorize().expect("granted").token();
    let other = fixture.authorize_key(other_id, other_key, &fixture.options).expect("granted");
    assert_eq!(fixture.reauthorize(Some(&other)).expect("granted").token(), mine);
    let again = fixture.authorize_key(other_id, other_key, &fixture.options).expect("granted");
    assert_eq!(again.token(), other.token(), "it was not rejected for its own key either");
    assert_eq!((fixture.requests(), fixture.sandbox.authorize_count(other_id)), (1, 1));
}

#[test]
fn reauthorize_without_a_session_always_makes_a_request() {
    let fixture = Fixture::new();
    let mut tokens: Vec<_> = (0..3).map(|_| fixture.reauthorize(None).expect("granted").token()).collect();
    assert_eq!(fixture.requests(), 3);
    assert_eq!(fixture.authorize().expect("granted").token(), tokens[2], "the last is cached");
    assert_eq!(fixture.requests(), 3);
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn reauthorize_ignores_a_cached_rejection() {
    let fixture = Fixture::new();
    fixture.sandbox.remove_key(ID);
    fixture.authorize().expect_err("no such key");
    fixture.sandbox.add_key(Key::master(ID, KEY));
    assert_eq!(fixture.authorize().expect_err("still cached").name, "B2_BAD_CREDENTIALS");
    assert_eq!(fixture.requests(), 1);
    let session = fixture.reauthorize(None).expect("granted");
    assert_eq!(fixture.authorize().expect("the cached rejection is gone").token(), session.token());
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn reauthorize_with_a_rejected_token_ignores_a_cached_rejection_of_the_key() {
    let fixture = Fixture::new();
    let rejected = fixture.authorize().expect("granted");
    fixture.sandbox.remove_key(ID);
    fixture.reauthorize(Some(&rejected)).expect_err("no such key");
    fixture.authorize().expect_err("still cached");
    fixture.sandbox.add_key(Key::master(ID, KEY));
    fixture.reauthorize(Some(&rejected)).expect("granted");
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn after_invalidate_the_next_call_makes_one_request() {
    let fixture = Fixture::new();
    let session = fixture.authorize().expect("granted");
    session.invalidate();
    session.invalidate();
    let newer = fixture.authorize().expect("granted").token();
    assert_ne!(newer, session.token());
    assert_eq!(fixture.authorize().expect("granted").token(), newer);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn invalidating_a_token_that_was_already_replaced_does_nothing() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted");
    let newer = fixture.reauthorize(None).expect("granted").token();
    old.invalidate();
    assert_eq!(fixture.authorize().expect("granted").token(), newer);
    assert_eq!(fixture.requests(), 2);
}
