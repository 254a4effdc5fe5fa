//! Calls for one key at the same time share one request.

use b2_sandbox::{Fault, Key};

use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

#[test]
fn a_thousand_first_calls_make_one_request() {
    let fixture = Fixture::new();
    let sessions = fixture.in_parallel(1_000, |_| fixture.authorize().expect("granted"));
    assert_eq!(fixture.requests(), 1);
    let token = sessions[0].token();
    assert!(sessions.iter().all(|session| session.token() == token));
    assert_eq!(fixture.api.counter("requests"), 1);
    assert_eq!(fixture.api.counter("cache_hits") + fixture.api.counter("cache_misses"), 1_000);
}

#[test]
fn a_thousand_calls_with_a_rejected_key_make_one_request() {
    let fixture = Fixture::new();
    let failures =
        fixture.in_parallel(1_000, |_| fixture.authorize_key(ID, "K001wrong/0123456789abcdefghijkl", &fixture.options));
    assert_eq!(fixture.requests(), 1);
    let mut made = 0;
    for failure in failures {
        let failure = failure.expect_err("refused");
        assert_eq!(failure.name, "B2_BAD_CREDENTIALS");
        assert!(!failure.retryable);
        made += failure.attempts;
    }
    assert_eq!(made, 1, "only one call made a request");
}

#[test]
fn calls_wait_for_the_request_in_flight() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(|| fixture.authorize().expect("granted").token())).collect();
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        fixture.sandbox.release("latch");
        let mut tokens: Vec<_> = calls.into_iter().map(|call| call.join().expect("no panic")).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
    });
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_thousand_concurrent_calls_count_999_as_coalesced() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let mut tokens = std::thread::scope(|scope| {
        scope.spawn(|| {
            fixture.wait_for_counter("coalesced", 999);
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            fixture.sandbox.release("latch");
        });
        fixture.in_parallel(1_000, |_| fixture.authorize().expect("granted").token())
    });
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(fixture.requests(), 1);
    assert_eq!(fixture.api.counter("coalesced"), 999);
    assert_eq!(fixture.api.counter("cache_misses"), 1_000);
    assert_eq!(fixture.api.counter("cache_hits"), 0);
}

#[test]
fn a_thousand_calls_for_a_cached_token_make_no_request() {
    let fixture = Fixture::new();
    let token = fixture.authorize().expect("granted").token();
    let tokens = fixture.in_parallel(1_000, |_| fixture.authorize().expect("granted").token());
    assert!(tokens.iter().all(|other| *other == token));
    assert_eq!(fixture.requests(), 1);
    assert_eq!(fixture.api.counter("cache_hits"), 1_000);
}

#[test]
fn concurrent_calls_for_different_keys_do_not_share_a_token() {
    let fixture = Fixture::new();
    let (other_id, other_key) = ("0014aa9865d6f0000000000b9", "K001another/of+a+test/012345678");
    fixture.sandbox.add_key(Key::master(other_id, other_key));
    let tokens = fixture.in_parallel(200, |number| {
        let (id, key) = if number % 2 == 0 { (ID, KEY) } else { (other_id, other_key) };
        let session = fixture.authorize_key(id, key, &fixture.options).expect("granted");
        assert_eq!(session.text(|f| f.b2_session_key_id).as_deref(), Some(id));
        session.token()
    });
    assert_eq!((fixture.requests(), fixture.sandbox.authorize_count(other_id)), (1, 1));
    assert_ne!(tokens[0], tokens[1]);
    assert!(tokens.iter().enumerate().all(|(number, token)| *token == tokens[number % 2]));
}
