//! A refresh that fails does not hurt the caller who has a good token in hand.

use std::time::{Duration, Instant};

use b2_sandbox::{Config, Fault, Key, Sandbox};

use crate::support::api::Options;
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

/// Fails the refresh of a token for ever, and shows that it is served all the same until it dies, at the price of one
/// request a minute.
fn serves_the_old_token(fault: Fault, settings: &[(&str, &str)]) {
    let (scene, options) = fails_every_refresh(fault, settings);
    scene.api.pass(Duration::from_secs(60 * 60));
    scene.authorize_with(&options).expect_err("it is dead, and the failure comes to light");
    assert!(scene.sandbox.wait_until_asked(ID, 5, PATIENCE));
    assert_eq!(scene.requests(), 5);
}

/// The part of it before the token dies.
fn fails_every_refresh(fault: Fault, settings: &[(&str, &str)]) -> (Scene, Options) {
    let scene = Scene::with(&[("max_attempts", "1"), ("negative_ttl_s", "0")]);
    let options = scene.options.with(settings);
    let old = scene.stale().token();
    scene.sandbox.script(ID, [fault.forever()]);
    for round in 1..=3 {
        assert_eq!(scene.authorize_with(&options).expect("the old token").token(), old);
        assert!(scene.sandbox.wait_until_asked(ID, 1 + round, PATIENCE));
        assert_eq!(scene.requests(), 1 + round, "one request");
        assert_eq!(scene.api.counter("stale_served"), round as u64);
        scene.api.pass(Duration::from_secs(55));
        assert_eq!(scene.authorize_with(&options).expect("the old token").token(), old);
        assert_eq!(scene.requests(), 1 + round, "and not again within a minute");
        scene.api.pass(Duration::from_secs(6));
    }
    (scene, options)
}

#[test]
fn an_outage_serves_the_old_token() {
    serves_the_old_token(Fault::status(503), &[]);
}

#[test]
fn a_limit_of_requests_serves_the_old_token() {
    serves_the_old_token(Fault::status(429), &[]);
}

#[test]
fn a_cap_serves_the_old_token() {
    serves_the_old_token(Fault::status(403).code("transaction_cap_exceeded"), &[]);
}

#[test]
fn a_redirect_serves_the_old_token() {
    serves_the_old_token(Fault::redirect(302, "http://127.0.0.1:1/"), &[]);
}

#[test]
fn an_answer_for_another_account_serves_the_old_token() {
    fails_every_refresh(Fault::account("ffffffffffff"), &[]);
}

#[test]
fn an_answer_that_is_none_serves_the_old_token() {
    serves_the_old_token(Fault::with_body(b2_sandbox::Body::Html), &[]);
}

#[test]
fn a_lost_connection_serves_the_old_token() {
    serves_the_old_token(Fault::reset_after(0), &[]);
}

#[test]
fn silence_serves_the_old_token() {
    serves_the_old_token(Fault::silent(), &[("attempt_timeout_ms", "1000")]);
}

#[test]
fn silence_keeps_a_caller_with_a_good_token_for_five_seconds_at_most() {
    let scene = Scene::with(&[("attempt_timeout_ms", "600000"), ("total_timeout_ms", "0")]);
    let old = scene.stale().token();
    scene.sandbox.script(ID, [Fault::hold("never").forever()]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize().expect("the old token").token());
        assert!(scene.sandbox.wait_until_held("never", 1, PATIENCE));
        let turned = Instant::now();
        scene.api.pass(Duration::from_secs(6));
        assert_eq!(call.join().expect("no panic"), old);
        assert!(turned.elapsed() < PATIENCE, "{:?}", turned.elapsed());
    });
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_certificate_that_is_not_trusted_serves_the_old_token() {
    let keys = || vec![Key::master(ID, KEY)];
    let good = Sandbox::start(Config { keys: keys(), ..Config::default() }).expect("the sandbox starts");
    let port = good.https().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let folder = std::env::temp_dir().join(format!("b2auth-refreshes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be had");
    let ca_file = folder.join("ca.pem");
    std::fs::copy(good.ca_file(), &ca_file).expect("the certificate can be copied");
    let scene = Scene::new();
    let settings = [("realm", good.https()), ("ca_file", ca_file.to_str().expect("a plain path"))];
    let options = scene.options.with(&settings);
    let old = scene.authorize_with(&options).expect("granted").token();
    drop(good);
    // Another sandbox in its place has another authority.
    let impostor =
        Sandbox::start(Config { keys: keys(), https_port: port, ..Config::default() }).expect("the port is free again");
    scene.api.pass(Duration::from_secs(23 * 60 * 60));
    assert_eq!(scene.authorize_with(&options).expect("the old token").token(), old);
    assert_eq!(scene.authorize_with(&options).expect("the old token").token(), old);
    assert_eq!((impostor.connection_count("https"), impostor.authorize_count("*")), (1, 0));
    assert_eq!(scene.api.counter("stale_served"), 1);
    let failure = scene.authorize_with(&options.with(&[("cache", "refresh")])).expect_err("not trusted");
    assert_eq!(failure.name, "B2_TLS_ERROR");
    std::fs::remove_dir_all(&folder).expect("the folder is this test's own");
}

#[test]
fn a_refresh_is_put_off_for_as_long_as_b2_asks() {
    for status in [500, 503] {
        let scene = Scene::new();
        let old = scene.stale().token();
        scene.sandbox.script(ID, [Fault::status(status).retry_after("120")]);
        assert_eq!(scene.authorize().expect("the old token").token(), old);
        scene.api.pass(Duration::from_secs(110));
        assert_eq!(scene.authorize().expect("the old token").token(), old);
        assert_eq!(scene.requests(), 2);
        scene.api.pass(Duration::from_secs(11));
        assert_ne!(scene.authorize().expect("granted").token(), old);
        assert_eq!(scene.requests(), 3);
    }
}

#[test]
fn a_refresh_is_put_off_for_a_minute_even_if_b2_asks_for_less() {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.sandbox.script(ID, [Fault::status(503).retry_after("2")]);
    assert_eq!(scene.authorize().expect("the old token").token(), old);
    scene.api.pass(Duration::from_secs(50));
    assert_eq!(scene.authorize().expect("the old token").token(), old);
    assert_eq!(scene.requests(), 2);
}

/// A verdict on the key itself ends the token that was granted to it.
fn drops_the_token(fault: Fault, name: &str) {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.sandbox.script(ID, [fault]);
    assert_eq!(scene.authorize().expect_err("a verdict").name, name);
    assert_eq!(scene.authorize().expect_err("remembered").name, name);
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.api.counter("stale_served"), 0);
    scene.api.pass(Duration::from_secs(11));
    assert_ne!(scene.authorize().expect("granted again").token(), old);
}

#[test]
fn a_key_refused_on_refresh_takes_its_token_along() {
    drops_the_token(Fault::status(401), "B2_BAD_CREDENTIALS");
}

#[test]
fn a_key_no_longer_supported_takes_its_token_along() {
    drops_the_token(Fault::status(401).code("unsupported"), "B2_KEY_NOT_SUPPORTED");
}

#[test]
fn access_denied_on_refresh_takes_the_token_along() {
    drops_the_token(Fault::status(403).code("access_denied"), "B2_ACCESS_DENIED");
}

#[test]
fn a_triggered_cancel_wins_over_a_cached_token() {
    let scene = Scene::new();
    scene.authorize().expect("granted");
    let options = scene.options.with(&[]);
    let cancel = options.cancel();
    scene.authorize_with(&options).expect("not cancelled yet");
    cancel.trigger();
    assert_eq!(scene.authorize_with(&options).expect_err("cancelled").name, "B2_CANCELLED");
    scene.api.pass(Duration::from_secs(23 * 60 * 60));
    assert_eq!(scene.authorize_with(&options).expect_err("cancelled").name, "B2_CANCELLED");
    assert_eq!(scene.requests(), 1);
}

#[test]
fn a_cancel_during_the_refresh_wins_over_the_old_token() {
    let scene = Scene::new();
    scene.stale();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let options = scene.options.with(&[]);
    let cancel = options.cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize_with(&options));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        cancel.trigger();
        assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
    });
}

#[test]
fn a_refresh_that_was_cancelled_is_the_next_callers_to_try() {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let options = scene.options.with(&[]);
    let cancel = options.cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize_with(&options));
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        cancel.trigger();
        call.join().expect("no panic").expect_err("cancelled");
    });
    assert_ne!(scene.authorize().expect("nothing has failed, so nothing is put off").token(), old);
}

#[test]
fn a_token_that_dies_while_its_refresh_fails_is_not_served() {
    let scene = Scene::with(&[("min_remaining_s", "0")]);
    let old = scene.authorize().expect("granted").token();
    scene.api.pass(Duration::from_secs(24 * 60 * 60 - 62));
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize().expect("granted anew").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        scene.api.pass(Duration::from_secs(3));
        scene.sandbox.release("gate");
        assert_ne!(call.join().expect("no panic"), old);
    });
    assert_eq!((scene.requests(), scene.api.counter("stale_served")), (3, 0));
}

#[test]
fn a_deadline_during_the_refresh_serves_the_old_token() {
    let scene = Scene::with(&[("total_timeout_ms", "200")]);
    let long = scene.options.with(&[("total_timeout_ms", "60000")]);
    let old = scene.authorize_with(&long).expect("granted").token();
    scene.api.pass(Duration::from_secs(23 * 60 * 60));
    scene.sandbox.script(ID, [Fault::hold("never")]);
    assert_eq!(scene.authorize().expect("the old token").token(), old);
    assert_eq!(scene.api.counter("stale_served"), 1);
}

#[test]
fn a_refresh_does_not_wait_for_the_budget() {
    let scene = Scene::new();
    let old = scene.stale().token();
    let bypass = scene.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        scene.authorize_with(&bypass).expect("granted");
    }
    // The next request would be allowed in 30 s, and the call would have 60 to wait for it.
    let limited = scene.options.with(&[("rate_limit_per_minute", "2")]);
    assert_eq!(scene.authorize_with(&limited).expect("the old token").token(), old);
    assert_eq!(scene.requests(), 6);
    assert_eq!(scene.api.counter("stale_served"), 1);
    assert_eq!(scene.api.counter("rate_waits"), 0);
}

#[test]
fn a_refresh_does_not_wait_for_the_gate() {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.sandbox.script(ID, [Fault::status(503).retry_after("20")]);
    scene
        .authorize_with(&scene.options.with(&[("cache", "bypass"), ("max_attempts", "1")]))
        .expect_err("an outage closes the gate");
    assert_eq!(scene.authorize().expect("the old token").token(), old);
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.api.counter("stale_served"), 1);
    assert_eq!(scene.api.counter("rate_waits"), 0);
}

#[test]
fn a_refresh_that_was_asked_for_fails_its_caller_and_costs_nobody_the_token() {
    let scene = Scene::with(&[("max_attempts", "2")]);
    let token = scene.authorize().expect("granted").token();
    scene.sandbox.script(ID, [Fault::status(503).times(2)]);
    let failure = scene.authorize_with(&scene.options.with(&[("cache", "refresh")])).expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 2));
    assert_eq!(scene.authorize().expect("it is fresh").token(), token);
    assert_eq!(scene.requests(), 3);
    assert_eq!(scene.api.counter("stale_served"), 0);
}
