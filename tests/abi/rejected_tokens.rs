//! A token that B2 refused is never handed out again, and costs one request however many come back with it.

use b2_sandbox::{Fault, Key};

use crate::support::api::Ask;
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

#[test]
fn a_thousand_threads_with_a_rejected_token_are_one_more_request() {
    let scene = Scene::new();
    let rejected = scene.authorize().expect("granted");
    let mut tokens = scene.crowd(1_000, |_| scene.reauthorize(Some(&rejected)).expect("granted").token());
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0], rejected.token());
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_thousand_threads_whose_key_was_revoked_hear_one_refusal() {
    let scene = Scene::new();
    let rejected = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::status(401).held_at("gate")]);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.await_counter("coalesced", 999);
            scene.sandbox.release("gate");
        });
        scene.crowd(1_000, |_| scene.reauthorize(Some(&rejected)).expect_err("revoked"))
    });
    assert!(failures.iter().all(|failure| failure.name == "B2_BAD_CREDENTIALS"));
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_late_rejection_of_the_old_token_is_no_request() {
    let scene = Scene::new();
    let rejected = scene.authorize().expect("granted");
    let newer = scene.reauthorize(Some(&rejected)).expect("granted").token();
    assert_eq!(scene.reauthorize(Some(&rejected)).expect("granted").token(), newer);
    assert_eq!(scene.authorize().expect("granted").token(), newer);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_token_older_than_the_rejected_one_will_not_do() {
    let scene = Scene::new();
    let older = scene.authorize().expect("granted").token();
    let rejected = scene.authorize_with(&scene.options.with(&[("cache", "bypass")])).expect("granted");
    let newer = scene.reauthorize(Some(&rejected)).expect("granted").token();
    assert!(newer != older && newer != rejected.token());
    assert_eq!(scene.authorize().expect("granted").token(), newer);
    assert_eq!(scene.requests(), 3);
}

#[test]
fn each_token_in_turn_can_be_rejected() {
    let scene = Scene::new();
    let first = scene.authorize().expect("granted");
    let second = scene.reauthorize(Some(&first)).expect("granted");
    let third = scene.reauthorize(Some(&second)).expect("granted").token();
    assert_eq!(scene.reauthorize(Some(&first)).expect("granted").token(), third);
    assert_eq!(scene.requests(), 3);
}

#[test]
fn a_rejected_token_is_not_handed_out_even_if_there_is_no_other() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let rejected = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    assert_eq!(scene.reauthorize(Some(&rejected)).expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(scene.authorize().expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(scene.requests(), 3);
}

#[test]
fn a_rejected_token_is_not_handed_out_as_a_stale_one() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let rejected = scene.stale();
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    assert_eq!(scene.reauthorize(Some(&rejected)).expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(scene.authorize().expect_err("an outage").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(scene.api.counter("stale_served"), 0);
}

#[test]
fn an_invalidated_token_is_not_handed_out_by_the_refresh_that_fails_meanwhile() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let old = scene.stale();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::status(503).forever()]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        old.invalidate();
        scene.sandbox.release("gate");
        let failure = refresh.join().expect("no panic").expect_err("an outage, and no token left");
        assert_eq!(failure.name, "B2_SERVICE_UNAVAILABLE");
        assert_eq!(failure.attempts, 2, "both were this call's");
    });
    assert_eq!(scene.requests(), 3, "the refresh, and then the caller's own");
    assert_eq!(scene.api.counter("stale_served"), 0);
}

#[test]
fn a_token_rejected_while_its_refresh_fails_is_replaced_for_both_callers_by_one_request() {
    let scene = Scene::new();
    let old = scene.stale();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate")]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| scene.authorize().expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let back = scope.spawn(|| scene.reauthorize(Some(&old)).expect("granted").token());
        scene.await_counter("coalesced", 1);
        scene.sandbox.release("gate");
        let tokens = (refresh.join().expect("no panic"), back.join().expect("no panic"));
        assert_eq!(tokens.0, tokens.1);
        assert_ne!(tokens.0, old.token());
    });
    assert_eq!(scene.requests(), 3, "the first, the failed refresh, and one for both");
}

#[test]
fn a_rejected_session_of_another_key_counts_as_none() {
    let scene = Scene::new();
    let (other_id, other_key) = ("0014aa9865d6f0000000000b9", "K001another/of+a+test/012345678");
    scene.sandbox.add_key(Key::master(other_id, other_key));
    let mine = scene.authorize().expect("granted").token();
    let other = scene.api.call(Some(other_id), Some(other_key), Ask::Authorize, Some(&scene.options)).expect("granted");
    assert_eq!(scene.reauthorize(Some(&other)).expect("granted").token(), mine);
    let again = scene.api.call(Some(other_id), Some(other_key), Ask::Authorize, Some(&scene.options)).expect("granted");
    assert_eq!(again.token(), other.token(), "it was not rejected for its own key either");
    assert_eq!((scene.requests(), scene.sandbox.authorize_count(other_id)), (1, 1));
}

#[test]
fn reauthorize_without_a_session_always_asks() {
    let scene = Scene::new();
    let mut tokens: Vec<_> = (0..3).map(|_| scene.reauthorize(None).expect("granted").token()).collect();
    assert_eq!(scene.requests(), 3);
    assert_eq!(scene.authorize().expect("granted").token(), tokens[2], "the last is kept");
    assert_eq!(scene.requests(), 3);
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[test]
fn reauthorize_goes_past_a_remembered_refusal() {
    let scene = Scene::new();
    scene.sandbox.remove_key(ID);
    scene.authorize().expect_err("no such key");
    scene.sandbox.add_key(Key::master(ID, KEY));
    assert_eq!(scene.authorize().expect_err("remembered").name, "B2_BAD_CREDENTIALS");
    assert_eq!(scene.requests(), 1);
    let session = scene.reauthorize(None).expect("granted");
    assert_eq!(scene.authorize().expect("the refusal is forgotten").token(), session.token());
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_rejected_token_goes_past_a_remembered_refusal_too() {
    let scene = Scene::new();
    let rejected = scene.authorize().expect("granted");
    scene.sandbox.remove_key(ID);
    scene.reauthorize(Some(&rejected)).expect_err("no such key");
    scene.authorize().expect_err("remembered");
    scene.sandbox.add_key(Key::master(ID, KEY));
    scene.reauthorize(Some(&rejected)).expect("granted");
    assert_eq!(scene.requests(), 3);
}

#[test]
fn an_invalidated_token_costs_the_next_call_one_request() {
    let scene = Scene::new();
    let session = scene.authorize().expect("granted");
    session.invalidate();
    session.invalidate();
    let newer = scene.authorize().expect("granted").token();
    assert_ne!(newer, session.token());
    assert_eq!(scene.authorize().expect("granted").token(), newer);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn invalidating_a_token_that_the_cache_has_left_behind_does_nothing() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted");
    let newer = scene.reauthorize(None).expect("granted").token();
    old.invalidate();
    assert_eq!(scene.authorize().expect("granted").token(), newer);
    assert_eq!(scene.requests(), 2);
}
