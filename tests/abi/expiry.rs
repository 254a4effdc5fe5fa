//! Tokens whose keys end soon, and callers who want more life than there is.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A scene whose key ends so soon.
fn ending_in(seconds: u64, settings: &[(&str, &str)]) -> Scene {
    let scene = Scene::with(settings);
    scene.sandbox.add_key(Key::master(ID, KEY).expires_in(Duration::from_secs(seconds)));
    scene
}

#[test]
fn a_token_lives_no_longer_than_its_key() {
    let scene = ending_in(3_600, &[]);
    let session = scene.authorize().expect("granted");
    assert!((3_500..=3_601).contains(&session.seconds_left()), "{}", session.seconds_left());
    assert_eq!(session.number(|f| f.b2_session_expires_at), session.number(|f| f.b2_session_key_expires_at));
    scene.api.pass(HOUR);
    scene.authorize().expect("granted");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_wrong_wall_clock_does_not_move_the_end_of_a_token_that_ends_with_its_key() {
    let day_ms = 24 * 60 * 60 * 1_000;
    for wrong_ms in [-400 * day_ms, 400 * day_ms] {
        let scene = ending_in(3_600, &[]);
        scene.api.turn(wrong_ms, 0);
        let session = scene.authorize().expect("granted");
        assert!((3_500..=3_601).contains(&session.seconds_left()), "{}", session.seconds_left());
    }
}

#[test]
fn a_short_lived_token_is_dead_a_tenth_before_its_end() {
    let scene = ending_in(500, &[("max_attempts", "1"), ("min_remaining_s", "0")]);
    let session = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    scene.api.pass(Duration::from_secs(430));
    assert_eq!(scene.authorize().expect("it lives still").token(), session.token());
    scene.api.pass(Duration::from_secs(22));
    assert_eq!(session.seconds_left(), 0);
    assert_eq!(scene.authorize().expect_err("it is dead").name, "B2_SERVICE_UNAVAILABLE");
}

#[test]
fn a_short_lived_token_is_cached_though_it_never_had_the_life_that_is_asked() {
    let scene = ending_in(200, &[]);
    let token = scene.authorize().expect("granted").token();
    scene.api.pass(Duration::from_secs(100));
    assert_eq!(scene.authorize().expect("granted").token(), token, "less than the default 300 s, but a tenth will do");
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_caller_who_wants_more_life_than_is_left_asks_anew() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    scene.api.pass(2 * HOUR);
    assert_eq!(scene.authorize().expect("granted").token(), token);
    assert_eq!(scene.requests(), 1);
    let long = scene.options.with(&[("min_remaining_s", "82800")]);
    let longer = scene.authorize_with(&long).expect("granted").token();
    assert_ne!(longer, token);
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.authorize().expect("granted").token(), longer, "everybody has it now");
    assert_eq!(scene.authorize_with(&long).expect("granted").token(), longer);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn the_last_five_minutes_are_not_handed_out_unless_a_caller_says_so() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    scene.sandbox.script(ID, [Fault::status(503)]);
    scene.api.pass(24 * HOUR - Duration::from_secs(200));
    let content = scene.options.with(&[("min_remaining_s", "10")]);
    assert_eq!(scene.authorize_with(&content).expect("its refresh failed").token(), old);
    assert_eq!(scene.requests(), 2);
    assert_ne!(scene.authorize().expect("granted").token(), old);
    assert_eq!(scene.requests(), 3);
}

#[test]
fn the_calls_that_fetched_a_token_get_it_however_short_its_life() {
    let scene = Scene::with(&[("min_remaining_s", "82800")]);
    let ended = Fault::hold("gate").merge(serde_json::json!({ "applicationKeyExpirationTimestamp": 1_000 }));
    scene.sandbox.script(ID, [ended]);
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| scene.authorize().expect("granted"));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let waiter = scope.spawn(|| scene.authorize().expect("granted"));
        scene.await_counter("coalesced", 1);
        scene.sandbox.release("gate");
        let (leader, waiter) = (leader.join().expect("no panic"), waiter.join().expect("no panic"));
        assert_eq!(leader.token(), waiter.token());
        assert_eq!(leader.seconds_left(), 0);
    });
    assert_eq!(scene.requests(), 1);
    scene.authorize().expect("granted");
    assert_eq!(scene.requests(), 2, "a dead token is not kept");
}
