//! Many threads, one request.

use b2_sandbox::{Fault, Key};

use crate::support::api::Ask;
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

#[test]
fn a_thousand_first_calls_are_one_request() {
    let scene = Scene::new();
    let sessions = scene.crowd(1_000, |_| scene.authorize().expect("granted"));
    assert_eq!(scene.requests(), 1);
    let token = sessions[0].token();
    assert!(sessions.iter().all(|session| session.token() == token));
    assert_eq!(scene.api.counter("requests"), 1);
    assert_eq!(scene.api.counter("cache_hits") + scene.api.counter("cache_misses"), 1_000);
}

#[test]
fn a_thousand_calls_with_a_refused_key_are_one_request() {
    let scene = Scene::new();
    let failures = scene.crowd(1_000, |_| {
        scene.api.call(Some(ID), Some("K001wrong/0123456789abcdefghijkl"), Ask::Authorize, Some(&scene.options))
    });
    assert_eq!(scene.requests(), 1);
    let mut made = 0;
    for failure in failures {
        let failure = failure.expect_err("refused");
        assert_eq!(failure.name, "B2_BAD_CREDENTIALS");
        assert!(!failure.retryable);
        made += failure.attempts;
    }
    assert_eq!(made, 1, "one call made the request that all of them heard of");
}

#[test]
fn calls_that_come_while_a_request_is_in_the_air_wait_for_it() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(|| scene.authorize().expect("granted").token())).collect();
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        scene.sandbox.release("gate");
        let mut tokens: Vec<_> = calls.into_iter().map(|call| call.join().expect("no panic")).collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
    });
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_thousand_calls_wait_together_and_all_but_one_are_counted_as_coalesced() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let mut tokens = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.await_counter("coalesced", 999);
            assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
            scene.sandbox.release("gate");
        });
        scene.crowd(1_000, |_| scene.authorize().expect("granted").token())
    });
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(scene.requests(), 1);
    assert_eq!(scene.api.counter("coalesced"), 999);
    assert_eq!(scene.api.counter("cache_misses"), 1_000);
    assert_eq!(scene.api.counter("cache_hits"), 0);
}

#[test]
fn a_thousand_calls_for_a_token_at_hand_are_no_request() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    let tokens = scene.crowd(1_000, |_| scene.authorize().expect("granted").token());
    assert!(tokens.iter().all(|other| *other == token));
    assert_eq!(scene.requests(), 1);
    assert_eq!(scene.api.counter("cache_hits"), 1_000);
}

#[test]
fn crowds_for_different_keys_do_not_share_a_token() {
    let scene = Scene::new();
    let (other_id, other_key) = ("0014aa9865d6f0000000000b9", "K001another/of+a+test/012345678");
    scene.sandbox.add_key(Key::master(other_id, other_key));
    let tokens = scene.crowd(200, |number| {
        let (id, key) = if number % 2 == 0 { (ID, KEY) } else { (other_id, other_key) };
        let session = scene.api.call(Some(id), Some(key), Ask::Authorize, Some(&scene.options)).expect("granted");
        assert_eq!(session.text(|f| f.b2_session_key_id).as_deref(), Some(id));
        session.token()
    });
    assert_eq!((scene.requests(), scene.sandbox.authorize_count(other_id)), (1, 1));
    assert_ne!(tokens[0], tokens[1]);
    assert!(tokens.iter().enumerate().all(|(number, token)| *token == tokens[number % 2]));
}
