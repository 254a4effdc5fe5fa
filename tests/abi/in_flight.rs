//! The result of a request in flight when the cache is cleared or the token invalidated meanwhile; and replies that are
//! not believed.

use b2_sandbox::Fault;

use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};

#[test]
fn a_token_in_flight_when_the_cache_is_cleared_is_returned_but_not_cached() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let returned = std::thread::scope(|scope| {
        let leader = scope.spawn(|| fixture.authorize().expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let waiter = scope.spawn(|| fixture.authorize().expect("granted").token());
        fixture.wait_for_counter("coalesced", 1);
        fixture.api.clear_cache();
        fixture.sandbox.release("latch");
        let token = leader.join().expect("no panic");
        assert_eq!(waiter.join().expect("no panic"), token);
        token
    });
    assert_eq!(fixture.requests(), 1);
    let kept = fixture.authorize().expect("granted").token();
    assert_ne!(kept, returned);
    assert_eq!(fixture.authorize().expect("granted").token(), kept);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_rejection_in_flight_when_the_cache_is_cleared_is_not_cached() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(401).held_at("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        fixture.api.clear_cache();
        fixture.sandbox.release("latch");
        assert_eq!(call.join().expect("no panic").expect_err("refused").name, "B2_BAD_CREDENTIALS");
    });
    fixture.authorize().expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_token_in_flight_when_the_old_one_is_invalidated_is_returned_but_not_cached() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let returned = std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.reauthorize(None).expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        old.invalidate();
        fixture.sandbox.release("latch");
        call.join().expect("no panic")
    });
    assert_ne!(returned, old.token());
    assert_eq!(fixture.requests(), 2);
    assert_ne!(fixture.authorize().expect("granted").token(), returned);
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn invalidating_a_replaced_token_does_not_affect_a_request_in_flight() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted");
    fixture.reauthorize(None).expect("granted");
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.reauthorize(None).expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        old.invalidate();
        fixture.sandbox.release("latch");
        let token = call.join().expect("no panic");
        assert_eq!(fixture.authorize().expect("granted").token(), token, "it was cached");
    });
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn after_clearing_the_cache_the_next_call_makes_one_request() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    fixture.api.clear_cache();
    assert_ne!(fixture.authorize().expect("granted").token(), old);
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_session_outlives_the_cache_and_the_handle_it_was_retained_from() {
    let fixture = Fixture::new();
    let session = fixture.authorize().expect("granted");
    let (token, json) = (session.token(), session.json());
    let retained = session.retain();
    fixture.api.clear_cache();
    assert_eq!(session.token(), token, "old handles stay readable");
    drop(session);
    fixture.reauthorize(None).expect("granted");
    assert_eq!(retained.token(), token);
    assert_eq!(retained.json(), json);
    assert!(retained.seconds_left() > 23 * 60 * 60);
}

#[test]
fn a_refresh_for_another_account_is_rejected_and_the_cached_token_stays() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    fixture.sandbox.script(ID, [Fault::account("ffffffffffff")]);
    let failure = fixture.authorize_with(&fixture.options.with(&[("cache", "refresh")])).expect_err("another account");
    assert_eq!(failure.name, "B2_PROTOCOL_ERROR");
    assert!(failure.message.contains("another account"), "{}", failure.message);
    assert_eq!(fixture.authorize().expect("granted").token(), old);
    assert_eq!(fixture.requests(), 2, "and there was no further request");
}

#[test]
fn a_replacement_token_for_another_account_is_rejected() {
    let fixture = Fixture::new();
    let rejected = fixture.authorize().expect("granted");
    fixture.sandbox.script(ID, [Fault::account("ffffffffffff")]);
    assert_eq!(fixture.reauthorize(Some(&rejected)).expect_err("another account").name, "B2_PROTOCOL_ERROR");
    assert_ne!(fixture.authorize().expect("granted").token(), rejected.token());
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn bypass_neither_reads_nor_writes_the_cache_nor_joins_a_request() {
    let fixture = Fixture::new();
    let bypass = fixture.options.with(&[("cache", "bypass")]);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize().expect("granted").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let own = fixture.authorize_with(&bypass).expect("granted without waiting").token();
        assert_eq!(fixture.sandbox.held("latch"), 1);
        fixture.sandbox.release("latch");
        let shared = call.join().expect("no panic");
        assert_ne!(fixture.authorize_with(&bypass).expect("granted").token(), shared);
        assert_eq!(fixture.authorize().expect("granted").token(), shared);
        assert_ne!(own, shared);
    });
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn refresh_joins_the_request_in_flight() {
    let fixture = Fixture::new();
    let old = fixture.authorize().expect("granted").token();
    let refresh = fixture.options.with(&[("cache", "refresh")]);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let mut tokens = std::thread::scope(|scope| {
        scope.spawn(|| {
            fixture.wait_for_counter("coalesced", 9);
            fixture.sandbox.release("latch");
        });
        fixture.in_parallel(10, |_| fixture.authorize_with(&refresh).expect("granted").token())
    });
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0], old);
    assert_eq!(fixture.requests(), 2);
}
