//! What becomes of a request in the air when the cache is emptied under it, and of what is not believed.

use b2_sandbox::Fault;

use crate::support::fixture::{ID, PATIENCE, Scene};

#[test]
fn what_is_in_the_air_when_the_cache_is_cleared_is_handed_out_and_not_kept() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let handed_out = std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize().expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let waiter = scope.spawn(|| scene.authorize().expect("granted").token());
        scene.await_counter("coalesced", 1);
        scene.api.clear();
        scene.sandbox.release("gate");
        let token = leader.join().expect("no panic");
        assert_eq!(waiter.join().expect("no panic"), token);
        token
    });
    assert_eq!(scene.requests(), 1);
    let kept = scene.authorize().expect("granted").token();
    assert_ne!(kept, handed_out);
    assert_eq!(scene.authorize().expect("granted").token(), kept);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_refusal_in_the_air_when_the_cache_is_cleared_is_not_remembered() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(401).held_at("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        scene.api.clear();
        scene.sandbox.release("gate");
        assert_eq!(call.join().expect("no panic").expect_err("refused").name, "B2_BAD_CREDENTIALS");
    });
    scene.authorize().expect("granted");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn what_is_in_the_air_when_the_token_is_invalidated_is_handed_out_and_not_kept() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let handed_out = std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.reauthorize(None).expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        old.invalidate();
        scene.sandbox.release("gate");
        call.join().expect("no panic")
    });
    assert_ne!(handed_out, old.token());
    assert_eq!(scene.requests(), 2);
    assert_ne!(scene.authorize().expect("granted").token(), handed_out);
    assert_eq!(scene.requests(), 3);
}

#[test]
fn invalidating_a_token_that_was_left_behind_spoils_nothing_in_the_air() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted");
    scene.reauthorize(None).expect("granted");
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.reauthorize(None).expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        old.invalidate();
        scene.sandbox.release("gate");
        let token = call.join().expect("no panic");
        assert_eq!(scene.authorize().expect("granted").token(), token, "it was kept");
    });
    assert_eq!(scene.requests(), 3);
}

#[test]
fn clearing_the_cache_costs_the_next_call_one_request() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    scene.api.clear();
    assert_ne!(scene.authorize().expect("granted").token(), old);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_handle_outlives_the_cache_and_the_handle_it_was_retained_from() {
    let scene = Scene::new();
    let session = scene.authorize().expect("granted");
    let (token, json) = (session.token(), session.json());
    let retained = session.retain();
    scene.api.clear();
    assert_eq!(session.token(), token, "old handles stay readable");
    drop(session);
    scene.reauthorize(None).expect("granted");
    assert_eq!(retained.token(), token);
    assert_eq!(retained.json(), json);
    assert!(retained.seconds_left() > 23 * 60 * 60);
}

#[test]
fn a_refresh_that_answers_for_another_account_is_not_believed_and_the_old_token_stays() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    scene.sandbox.script(ID, [Fault::account("ffffffffffff")]);
    let failure = scene.authorize_with(&scene.options.with(&[("cache", "refresh")])).expect_err("another account");
    assert_eq!(failure.name, "B2_PROTOCOL_ERROR");
    assert!(failure.message.contains("another account"), "{}", failure.message);
    assert_eq!(scene.authorize().expect("granted").token(), old);
    assert_eq!(scene.requests(), 2, "and it was not asked again");
}

#[test]
fn another_account_in_place_of_a_rejected_one_is_not_believed() {
    let scene = Scene::new();
    let rejected = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::account("ffffffffffff")]);
    assert_eq!(scene.reauthorize(Some(&rejected)).expect_err("another account").name, "B2_PROTOCOL_ERROR");
    assert_ne!(scene.authorize().expect("granted").token(), rejected.token());
    assert_eq!(scene.requests(), 3);
}

#[test]
fn a_call_past_the_cache_neither_reads_nor_joins_nor_writes() {
    let scene = Scene::new();
    let bypass = scene.options.with(&[("cache", "bypass")]);
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize().expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let own = scene.authorize_with(&bypass).expect("granted without waiting").token();
        assert_eq!(scene.sandbox.held("gate"), 1);
        scene.sandbox.release("gate");
        let shared = call.join().expect("no panic");
        assert_ne!(scene.authorize_with(&bypass).expect("granted").token(), shared);
        assert_eq!(scene.authorize().expect("granted").token(), shared);
        assert_ne!(own, shared);
    });
    assert_eq!(scene.requests(), 3);
}

#[test]
fn refresh_joins_what_is_in_the_air() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    let refresh = scene.options.with(&[("cache", "refresh")]);
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let mut tokens = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene.await_counter("coalesced", 9);
            scene.sandbox.release("gate");
        });
        scene.crowd(10, |_| scene.authorize_with(&refresh).expect("granted").token())
    });
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0], old);
    assert_eq!(scene.requests(), 2);
}
