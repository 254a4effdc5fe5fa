//! A failed refresh does not fail the call: the stale token is served for as long as it is valid.

use std::time::{Duration, Instant};

use b2_sandbox::{Config, Fault, Sandbox};

use crate::support::api::Options;
use crate::support::fixture::{Fixture, ID, STALE_AGE, TEST_TIMEOUT, sandbox_with_key};

/// Fails every refresh of a token, and checks that the token is served until it expires, with one request a minute.
fn assert_stale_token_served(fault: Fault, settings: &[(&str, &str)]) {
    let (fixture, options) = fails_every_refresh(fault, settings);
    fixture.api.advance(Duration::from_secs(60 * 60));
    fixture.authorize_with(&options).expect_err("it has expired, and the failure is returned");
    assert!(fixture.sandbox.wait_until_asked(ID, 5, TEST_TIMEOUT));
    assert_eq!(fixture.requests(), 5);
}

/// The part of it before the token expires.
fn fails_every_refresh(fault: Fault, settings: &[(&str, &str)]) -> (Fixture, Options) {
    let fixture = Fixture::with_options(&[("max_attempts", "1"), ("negative_ttl_s", "0")]);
    let options = fixture.options.with(settings);
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [fault.forever()]);
    for round in 1..=3 {
        assert_eq!(fixture.authorize_with(&options).expect("the stale token").token(), old);
        assert!(fixture.sandbox.wait_until_asked(ID, 1 + round, TEST_TIMEOUT));
        assert_eq!(fixture.requests(), 1 + round, "one request");
        assert_eq!(fixture.api.counter("stale_served"), round as u64);
        fixture.api.advance(Duration::from_secs(55));
        assert_eq!(fixture.authorize_with(&options).expect("the stale token").token(), old);
        assert_eq!(fixture.requests(), 1 + round, "and no other within a minute");
        fixture.api.advance(Duration::from_secs(6));
    }
    (fixture, options)
}

#[test]
fn an_outage_serves_the_stale_token() {
    assert_stale_token_served(Fault::status(503), &[]);
}

#[test]
fn a_429_serves_the_stale_token() {
    assert_stale_token_served(Fault::status(429), &[]);
}

#[test]
fn a_cap_serves_the_stale_token() {
    assert_stale_token_served(Fault::status(403).code("transaction_cap_exceeded"), &[]);
}

#[test]
fn a_redirect_serves_the_stale_token() {
    assert_stale_token_served(Fault::redirect(302, "http://127.0.0.1:1/"), &[]);
}

#[test]
fn a_reply_for_another_account_serves_the_stale_token() {
    fails_every_refresh(Fault::account("ffffffffffff"), &[]);
}

#[test]
fn a_page_of_html_serves_the_stale_token() {
    assert_stale_token_served(Fault::with_body(b2_sandbox::Body::Html), &[]);
}

#[test]
fn a_lost_connection_serves_the_stale_token() {
    assert_stale_token_served(Fault::reset_after(0), &[]);
}

#[test]
fn a_refresh_without_a_response_serves_the_stale_token() {
    assert_stale_token_served(Fault::silent(), &[("attempt_timeout_ms", "2500")]);
}

#[test]
fn a_refresh_without_a_response_delays_a_call_by_five_seconds_at_most() {
    let fixture = Fixture::with_options(&[("attempt_timeout_ms", "600000"), ("total_timeout_ms", "0")]);
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [Fault::hold("latch").forever()]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize().expect("the stale token").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        let advanced = Instant::now();
        fixture.api.advance(Duration::from_secs(6));
        assert_eq!(call.join().expect("no panic"), old);
        assert!(advanced.elapsed() < TEST_TIMEOUT, "{:?}", advanced.elapsed());
    });
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn an_untrusted_certificate_serves_the_stale_token() {
    let good = sandbox_with_key();
    let port = good.https().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let folder = std::env::temp_dir().join(format!("b2auth-refreshes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let ca_file = folder.join("ca.pem");
    std::fs::copy(good.ca_file(), &ca_file).expect("the certificate can be copied");
    let fixture = Fixture::new();
    let settings = [("realm", good.https()), ("ca_file", ca_file.to_str().expect("a plain path"))];
    let options = fixture.options.with(&settings);
    let old = fixture.authorize_with(&options).expect("granted").token();
    drop(good);
    // Another sandbox on the same port has another certificate authority.
    let impostor = Sandbox::start(Config { https_port: port, ..Config::default() }).expect("the port is free again");
    fixture.api.advance(STALE_AGE);
    assert_eq!(fixture.authorize_with(&options).expect("the stale token").token(), old);
    assert_eq!(fixture.authorize_with(&options).expect("the stale token").token(), old);
    assert_eq!((impostor.connection_count("https"), impostor.authorize_count("*")), (1, 0));
    assert_eq!(fixture.api.counter("stale_served"), 1);
    let failure = fixture.authorize_with(&options.with(&[("cache", "refresh")])).expect_err("not trusted");
    assert_eq!(failure.name, "B2_TLS_ERROR");
    std::fs::remove_dir_all(&folder).expect("the folder is this test's own");
}

#[test]
fn a_failed_refresh_is_deferred_for_as_long_as_b2_asks() {
    for status in [500, 503] {
        let fixture = Fixture::new();
        let old = fixture.stale_session().token();
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("120")]);
        assert_eq!(fixture.authorize().expect("the stale token").token(), old);
        fixture.api.advance(Duration::from_secs(110));
        assert_eq!(fixture.authorize().expect("the stale token").token(), old);
        assert_eq!(fixture.requests(), 2);
        fixture.api.advance(Duration::from_secs(11));
        assert_ne!(fixture.authorize().expect("granted").token(), old);
        assert_eq!(fixture.requests(), 3);
    }
}

#[test]
fn a_failed_refresh_is_deferred_for_at_least_a_minute() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [Fault::status(503).retry_after("2")]);
    assert_eq!(fixture.authorize().expect("the stale token").token(), old);
    fixture.api.advance(Duration::from_secs(50));
    assert_eq!(fixture.authorize().expect("the stale token").token(), old);
    assert_eq!(fixture.requests(), 2);
}

/// Checks that a rejection of the key removes the token that was granted to it.
fn assert_token_removed(fault: Fault, name: &str) {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [fault]);
    assert_eq!(fixture.authorize().expect_err("rejected").name, name);
    assert_eq!(fixture.authorize().expect_err("cached").name, name);
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.api.counter("stale_served"), 0);
    fixture.api.advance(Duration::from_secs(11));
    assert_ne!(fixture.authorize().expect("granted again").token(), old);
}

#[test]
fn a_key_rejected_on_refresh_removes_its_token() {
    assert_token_removed(Fault::status(401), "B2_BAD_CREDENTIALS");
}

#[test]
fn a_key_that_is_no_longer_supported_removes_its_token() {
    assert_token_removed(Fault::status(401).code("unsupported"), "B2_KEY_NOT_SUPPORTED");
}

#[test]
fn access_denied_on_refresh_removes_the_token() {
    assert_token_removed(Fault::status(403).code("access_denied"), "B2_ACCESS_DENIED");
}

#[test]
fn a_triggered_cancel_fails_a_call_with_a_cached_token() {
    let fixture = Fixture::new();
    fixture.authorize().expect("granted");
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    fixture.authorize_with(&options).expect("not cancelled yet");
    cancel.trigger();
    assert_eq!(fixture.authorize_with(&options).expect_err("cancelled").name, "B2_CANCELLED");
    fixture.api.advance(STALE_AGE);
    assert_eq!(fixture.authorize_with(&options).expect_err("cancelled").name, "B2_CANCELLED");
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_cancel_during_a_refresh_fails_the_call() {
    let fixture = Fixture::new();
    fixture.stale_session();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize_with(&options));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        cancel.trigger();
        assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
    });
}

#[test]
fn a_cancelled_refresh_is_not_deferred() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let options = fixture.options.with(&[]);
    let cancel = options.attach_cancel();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize_with(&options));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        cancel.trigger();
        call.join().expect("no panic").expect_err("cancelled");
    });
    assert_ne!(fixture.authorize().expect("nothing has failed, so the refresh is not deferred").token(), old);
}

#[test]
fn a_token_that_expires_while_its_refresh_fails_is_not_served() {
    let fixture = Fixture::with_options(&[("min_remaining_s", "0")]);
    let old = fixture.authorize().expect("granted").token();
    fixture.api.advance(Duration::from_secs(24 * 60 * 60 - 62));
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize().expect("granted anew").token());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        fixture.api.advance(Duration::from_secs(3));
        fixture.sandbox.release("latch");
        assert_ne!(call.join().expect("no panic"), old);
    });
    assert_eq!((fixture.requests(), fixture.api.counter("stale_served")), (3, 0));
}

#[test]
fn a_deadline_during_a_refresh_serves_the_stale_token() {
    let fixture = Fixture::with_options(&[("total_timeout_ms", "200")]);
    let long = fixture.options.with(&[("total_timeout_ms", "60000")]);
    let old = fixture.authorize_with(&long).expect("granted").token();
    fixture.api.advance(STALE_AGE);
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    assert_eq!(fixture.authorize().expect("the stale token").token(), old);
    assert_eq!(fixture.api.counter("stale_served"), 1);
}

#[test]
fn a_refresh_does_not_wait_for_the_rate_limit() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    let bypass = fixture.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        fixture.authorize_with(&bypass).expect("granted");
    }
    // The next permit is due in 30 s, and the call would have 60 s to wait for it.
    let limited = fixture.options.with(&[("rate_limit_per_minute", "2")]);
    assert_eq!(fixture.authorize_with(&limited).expect("the stale token").token(), old);
    assert_eq!(fixture.requests(), 6);
    assert_eq!(fixture.api.counter("stale_served"), 1);
    assert_eq!(fixture.api.counter("rate_waits"), 0);
}

#[test]
fn a_refresh_does_not_wait_for_another_calls_retry_after() {
    let fixture = Fixture::new();
    let old = fixture.stale_session().token();
    fixture.sandbox.script(ID, [Fault::status(503).retry_after("20")]);
    fixture
        .authorize_with(&fixture.options.with(&[("cache", "bypass"), ("max_attempts", "1")]))
        .expect_err("an outage that blocks other calls");
    assert_eq!(fixture.authorize().expect("the stale token").token(), old);
    assert_eq!(fixture.requests(), 2);
    assert_eq!(fixture.api.counter("stale_served"), 1);
    assert_eq!(fixture.api.counter("rate_waits"), 0);
}

#[test]
fn a_failed_forced_refresh_fails_its_call_and_keeps_the_token() {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let token = fixture.authorize().expect("granted").token();
    fixture.sandbox.script(ID, [Fault::status(503).times(2)]);
    let failure = fixture.authorize_with(&fixture.options.with(&[("cache", "refresh")])).expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 2));
    assert_eq!(fixture.authorize().expect("it is fresh").token(), token);
    assert_eq!(fixture.requests(), 3);
    assert_eq!(fixture.api.counter("stale_served"), 0);
}
