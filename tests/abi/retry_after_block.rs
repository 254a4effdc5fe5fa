//! The gate that a `Retry-After` closes for everybody who asks for the same key ID in the same realm.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::retry_after::PATIENT;
use crate::support::api::{Ask, Failure, Options, Session};
use crate::support::concurrent::{aside, never, timed, turn_until, until};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

const OTHER_ID: &str = "0014aa9865d6f0000000000b1";

/// A scene whose gate one call has closed.
fn closed_by(fault: Fault) -> Scene {
    let scene = Scene::new();
    scene.sandbox.script(ID, [fault]);
    scene.authorize_with(&scene.options.with(&[("max_attempts", "1")])).expect_err("that one is refused");
    scene
}

fn is_held(what: &str, answer: Result<Session, Failure>) {
    let failure = answer.expect_err(what);
    assert_eq!(failure.name, "B2_RATE_LIMITED", "{what}");
    // A tick of the clock goes on top.
    assert!((590_000..=600_010).contains(&failure.retry_after_ms), "{what}: {}", failure.retry_after_ms);
    assert_eq!((failure.attempts, failure.http_status, failure.retryable), (0, 0, true), "{what}");
    assert!(failure.message.contains("it asked every caller for this key to wait"), "{what}: {failure}");
}

#[test]
fn every_way_to_ask_for_the_same_key_id_is_held() {
    for status in [429, 503] {
        let scene = closed_by(Fault::status(status).retry_after("600"));
        let with = |settings: &[(&str, &str)]| scene.options.with(settings);
        let ask = |key, ask, options: &Options| scene.api.call(Some(ID), Some(key), ask, Some(options));
        let wrong = "K001wrong/0123456789abcdefghijkl";
        let ca = with(&[("ca_file", "/nonexistent")]);
        let (answers, took) = timed(|| {
            [
                ("the same call", scene.authorize()),
                ("past the cache", scene.authorize_with(&with(&[("cache", "bypass")]))),
                ("a refresh", scene.authorize_with(&with(&[("cache", "refresh")]))),
                ("anew", scene.reauthorize(None)),
                ("another key of that ID", ask(wrong, Ask::Authorize, &scene.options)),
                ("without a local limit", scene.authorize_with(&with(&[("rate_limit_per_minute", "0")]))),
                ("with more trust", ask(KEY, Ask::Authorize, &ca)),
            ]
        });
        for (what, answer) in answers {
            is_held(what, answer);
        }
        assert_eq!(scene.requests(), 1, "nobody asked B2");
        assert!(took < Duration::from_secs(10), "nobody waited: {took:?}");
    }
}

#[test]
fn another_key_id_and_another_realm_are_not_held() {
    let scene = closed_by(Fault::status(429).retry_after("600"));
    scene.sandbox.add_key(Key::master(OTHER_ID, KEY));
    scene.api.call(Some(OTHER_ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect("another key ID");
    let other = Scene::new();
    scene.authorize_with(&scene.options.with(&[("realm", other.sandbox.http())])).expect("another realm");
    is_held("the first", scene.authorize());
}

#[test]
fn whoever_has_the_time_waits_until_the_gate_opens() {
    let scene = closed_by(Fault::status(503).retry_after("600"));
    let options = scene.options.with(&PATIENT);
    let session = aside(
        &options,
        || scene.authorize_with(&options),
        || {
            until("the wait", || scene.api.counter("rate_waits") == 1);
            scene.api.pass(Duration::from_secs(500));
            never("let through too early", || scene.requests() > 1);
            turn_until(scene.api, Duration::from_secs(101), "let through", || scene.requests() == 2);
        },
    );
    assert!(session.is_ok(), "{session:?}");
}

#[test]
fn the_gate_outlives_the_cache() {
    let scene = closed_by(Fault::status(429).retry_after("600"));
    scene.api.clear();
    is_held("after b2_cache_clear", scene.authorize());
    scene.api.pass(Duration::from_secs(601));
    scene.authorize().expect("the gate has opened");
}

#[test]
fn a_shorter_wish_opens_nothing() {
    let scene = Scene::with(&PATIENT);
    scene.sandbox.script(
        ID,
        [Fault::status(503).retry_after("600").held_at("long"), Fault::status(503).retry_after("1").held_at("short")],
    );
    let bypass = scene.options.with(&[("cache", "bypass"), ("max_attempts", "1")]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| scene.authorize_with(&bypass).expect_err("put off"));
        let came = scene.sandbox.wait_until_held("long", 1, PATIENCE);
        let second = scope.spawn(|| scene.authorize_with(&bypass).expect_err("put off"));
        let both = came && scene.sandbox.wait_until_held("short", 1, PATIENCE);
        scene.sandbox.release("long");
        first.join().expect("no panic");
        scene.sandbox.release("short");
        second.join().expect("no panic");
        assert!(both, "both were in the air");
    });
    is_held("after the shorter wish", scene.authorize_with(&scene.options.with(&[("total_timeout_ms", "9000")])));
}

#[test]
fn the_gate_is_closed_for_an_hour_at_most() {
    for (asked, told) in [("86400", 86_400_000), ("99999999999999999999999999", i64::MAX)] {
        let scene = closed_by(Fault::status(503).retry_after(asked));
        let held = scene.authorize().expect_err("held");
        assert!((3_590_000..=3_600_000).contains(&held.retry_after_ms), "{asked}: {}", held.retry_after_ms);
        scene.api.pass(Duration::from_secs(3_601));
        scene.sandbox.script(ID, [Fault::status(503).retry_after(asked)]);
        let failure = scene.authorize().expect_err("no caller waits that long");
        assert_eq!((failure.retry_after_ms, failure.attempts), (told, 1), "{asked}");
        assert_eq!(scene.requests(), 2);
    }
}

#[test]
fn only_429_and_503_close_it() {
    for status in [408, 500, 502, 504, 599] {
        let scene = closed_by(Fault::status(status).retry_after("600"));
        scene.authorize().unwrap_or_else(|failure| panic!("{status}: {failure}"));
        assert_eq!(scene.requests(), 2);
    }
}

#[test]
fn a_cached_session_needs_no_gate() {
    let scene = Scene::new();
    let session = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::status(503).retry_after("600")]);
    let bypass = scene.options.with(&[("cache", "bypass"), ("max_attempts", "1")]);
    scene.authorize_with(&bypass).expect_err("put off");
    is_held("past the cache", scene.authorize_with(&bypass));
    assert_eq!(scene.authorize().expect("cached").token(), session.token());
}
