//! The local limit of authorize requests, which B2 counts and bills.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::support::api::{Ask, Failure, Session};
use crate::support::concurrent::{aside, never, timed, turn_until, until};
use crate::support::fixture::{ID, KEY, Scene};

const OTHER_ID: &str = "0014aa9865d6f0000000000b1";

/// A limit under which no token comes back while a test runs.
const STRICT: [(&str, &str); 3] =
    [("rate_limit_per_minute", "1"), ("total_timeout_ms", "10000"), ("negative_ttl_s", "0")];

/// Asks past the cache that often.
fn ask(scene: &Scene, times: usize) {
    let bypass = scene.options.with(&[("cache", "bypass")]);
    for number in 0..times {
        scene.authorize_with(&bypass).unwrap_or_else(|failure| panic!("request {number}: {failure}"));
    }
}

fn is_over(answer: Result<Session, Failure>) -> Failure {
    let failure = answer.expect_err("over the limit");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_RATE_LIMITED", 0));
    assert_eq!((failure.attempts, failure.retryable), (0, true));
    assert!(failure.message.contains("had its share"), "{failure}");
    failure
}

#[test]
fn the_sixth_request_at_once_is_refused_where_the_time_is_short() {
    let scene = Scene::with(&[("rate_limit_per_minute", "20")]);
    let before = scene.sandbox.log().len();
    let ((), took) = timed(|| ask(&scene, 5));
    let failure = is_over(scene.authorize_with(&scene.options.with(&[("total_timeout_ms", "1"), ("cache", "bypass")])));
    let took = i64::try_from(took.as_millis()).expect("a short time");
    let wait = failure.retry_after_ms;
    assert!(wait <= 3_000 && wait >= 2_900 - took, "three seconds a token: {wait} after {took}");
    assert!(failure.hint.expect("a hint").contains("total_timeout_ms"));
    assert_eq!(scene.requests() - before, 5, "no request was made");
    assert_eq!(scene.api.counter("requests"), 5);
}

#[test]
fn the_sixth_request_waits_where_there_is_time() {
    let scene = Scene::with(&[("rate_limit_per_minute", "1"), ("total_timeout_ms", "600000"), ("cache", "bypass")]);
    ask(&scene, 5);
    let session = aside(
        &scene.options,
        || scene.authorize(),
        || {
            until("the wait", || scene.api.counter("rate_waits") == 1);
            never("sent at once", || scene.requests() > 5);
            scene.api.pass(Duration::from_secs(40));
            never("sent too early", || scene.requests() > 5);
            turn_until(scene.api, Duration::from_secs(21), "sent", || scene.requests() == 6);
        },
    );
    assert!(session.is_ok(), "{session:?}");
    assert_eq!(scene.api.counter("rate_waits"), 1);
}

#[test]
fn by_default_a_token_comes_back_every_three_seconds() {
    let scene = Scene::with(&[("rate_limit_per_minute", "")]);
    ask(&scene, 5);
    for count in 6..10 {
        scene.api.pass(Duration::from_secs(3));
        ask(&scene, 1);
        assert_eq!(scene.requests(), count);
    }
    scene.api.pass(Duration::from_secs(60 * 60));
    ask(&scene, 5);
    let hurried = scene.options.with(&[("total_timeout_ms", "1"), ("cache", "bypass")]);
    assert!(is_over(scene.authorize_with(&hurried)).retry_after_ms > 0, "no more than five are saved up");
}

#[test]
fn a_cached_session_costs_nothing() {
    let scene = Scene::with(&STRICT);
    for _ in 0..200 {
        scene.authorize().expect("granted once, then cached");
    }
    ask(&scene, 4);
    is_over(scene.reauthorize(None));
    scene.authorize().expect("cached, and that is beyond any limit");
    assert_eq!(scene.requests(), 5);
}

#[test]
fn every_attempt_of_a_call_counts() {
    let scene = Scene::with(&STRICT);
    scene.sandbox.script(ID, [Fault::status(503).times(3)]);
    scene.authorize().expect("the fourth attempt");
    ask(&scene, 1);
    is_over(scene.reauthorize(None));
}

#[test]
fn a_call_that_the_limit_ends_tells_what_it_had_met() {
    let scene = Scene::with(&STRICT);
    ask(&scene, 3);
    scene.sandbox.script(ID, [Fault::status(500).forever()]);
    let failure = scene.reauthorize(None).expect_err("no third attempt");
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_SERVICE_UNAVAILABLE", 500));
    assert_eq!((failure.attempts, scene.requests()), (2, 5));
    assert!((50_000..=60_000).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
}

#[test]
fn a_strangers_wrong_keys_leave_one_token_for_the_key_that_works() {
    let scene = Scene::with(&STRICT);
    let wrong = |number: usize| {
        let key = format!("K001wrong{number:05}/0123456789abcdef");
        scene.api.call(Some(ID), Some(&key), Ask::Authorize, Some(&scene.options))
    };
    let session = scene.authorize().expect("granted");
    for number in 0..3 {
        assert_eq!(wrong(number).expect_err("refused").name, "B2_BAD_CREDENTIALS");
    }
    is_over(wrong(3));
    is_over(wrong(4));
    let newer = scene.reauthorize(Some(&session)).expect("the last token is for this key");
    assert_ne!(newer.token(), session.token());
    is_over(scene.reauthorize(None));
    assert_eq!(scene.requests(), 5);
}

#[test]
fn without_a_live_session_nothing_is_kept_back() {
    let scene = Scene::with(&STRICT);
    let session = scene.authorize().expect("granted");
    session.invalidate();
    for number in 0..4 {
        let key = format!("K001wrong{number:05}/0123456789abcdef");
        let answer = scene.api.call(Some(ID), Some(&key), Ask::Authorize, Some(&scene.options));
        assert_eq!(answer.expect_err("refused").name, "B2_BAD_CREDENTIALS");
    }
    is_over(scene.authorize());
}

#[test]
fn nought_is_no_limit() {
    let scene = Scene::with(&[("rate_limit_per_minute", "0")]);
    ask(&scene, 40);
    assert_eq!(scene.requests(), 40);
    assert_eq!(scene.api.counter("rate_waits"), 0);
}

#[test]
fn each_caller_holds_the_one_count_against_its_own_limit() {
    let scene = Scene::with(&[("rate_limit_per_minute", "0")]);
    ask(&scene, 5);
    is_over(scene.authorize_with(&scene.options.with(&STRICT)));
    ask(&scene, 1);
}

#[test]
fn another_key_id_and_another_realm_have_limits_of_their_own() {
    let scene = Scene::with(&STRICT);
    ask(&scene, 5);
    scene.sandbox.add_key(Key::master(OTHER_ID, KEY));
    scene.api.call(Some(OTHER_ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect("another key ID");
    let other = Scene::new();
    scene.authorize_with(&scene.options.with(&[("realm", other.sandbox.http())])).expect("another realm");
    is_over(scene.authorize());
}

#[test]
fn clearing_the_cache_fills_no_budget() {
    let scene = Scene::with(&STRICT);
    for _ in 0..5 {
        scene.authorize().expect("granted");
        scene.api.clear();
    }
    is_over(scene.authorize());
    assert_eq!(scene.requests(), 5);
}

#[test]
fn a_refusal_by_the_limit_is_not_remembered() {
    let scene = Scene::with(&STRICT);
    ask(&scene, 5);
    is_over(scene.authorize());
    scene.api.pass(Duration::from_secs(60));
    scene.authorize().expect("a token has come back");
}
