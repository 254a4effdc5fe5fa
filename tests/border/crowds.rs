//! Many threads, one request.

use b2_sandbox::Fault;

use crate::api::Ask;
use crate::scene::{ID, PATIENCE, Scene};

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
