//! Connections that fail, stall or end too soon.

use std::time::Duration;

use b2_sandbox::{Fault, How};

use crate::retry_after::PATIENT;
use crate::support::api::{self, Ask, Failure};
use crate::support::concurrent::{aside, comes, timed, until};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

/// What is allowed beyond a limit on a machine that is busy with other things.
const GRACE: Duration = Duration::from_secs(3);

fn is_network_error(failure: &Failure, attempts: u32) {
    assert_eq!((failure.name.as_str(), failure.http_status, &failure.code), ("B2_NETWORK_ERROR", 0, &None));
    assert!(failure.retryable);
    assert_eq!(failure.attempts, attempts);
    let log = failure.json["error"]["attempts"].as_array().expect("a list").clone();
    assert!(log.len() == attempts as usize && log.iter().all(|one| one["httpStatus"].is_null()), "{log:?}");
}

#[test]
fn a_refused_connect_is_tried_again() {
    let scene = Scene::with(&[("max_attempts", "3")]);
    let options = scene.options.with(&[("realm", &scene.sandbox.refused_url())]);
    let (failure, took) = timed(|| scene.authorize_with(&options).expect_err("refused"));
    is_network_error(&failure, 3);
    assert!(failure.message.contains("127.0.0.1"), "{failure}");
    assert!(failure.hint.expect("a hint").contains("firewall"));
    assert!(took < GRACE, "{took:?}");
    assert_eq!(scene.api.counter("requests"), 3);
}

#[test]
fn a_name_that_nobody_knows_ends_within_the_limits() {
    let api = api::load();
    let options = api.options(&[
        ("realm", "https://nonexistent.invalid"),
        ("proxy", "none"),
        ("max_attempts", "2"),
        ("initial_backoff_ms", "1"),
        ("connect_timeout_ms", "2000"),
        ("total_timeout_ms", "5000"),
    ]);
    let (answer, took) = timed(|| api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&options)));
    let failure = answer.expect_err("nobody is there");
    assert!(took < Duration::from_secs(5) + GRACE, "{took:?}");
    assert!(failure.message.contains("nonexistent.invalid"), "{failure}");
    // A machine whose name servers do not answer takes as long as it is let.
    if failure.name == "B2_TIMEOUT" {
        assert!(took >= Duration::from_secs(2), "{failure} after {took:?}");
    } else {
        is_network_error(&failure, 2);
        assert!(failure.hint.expect("a hint").contains("DNS"));
    }
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let scene = Scene::with(&[("max_attempts", "2"), ("cache", "bypass")]);
    for how in [How::Reset, How::Close, How::Drop] {
        for fault in [
            Fault::default().cut(how, 0),
            Fault::default().cut(how, 5),
            Fault::default().cut(how, 40),
            Fault::default().cut(how, 0).of_body(),
            Fault::default().cut(how, 100).of_body(),
            Fault::default().chunked().cut(how, 0).of_body(),
            Fault::default().chunked().cut(how, 100).of_body(),
            Fault::default().gzip().cut(how, 100).of_body(),
            Fault::default().chunked().gzip().cut(how, 100).of_body(),
        ] {
            let told = format!("{fault:?}");
            scene.sandbox.clear_log();
            scene.sandbox.script(ID, [fault.clone().forever()]);
            let (answer, took) = timed(|| scene.authorize());
            let failure = answer.expect_err(&told);
            assert_eq!(failure.name, "B2_NETWORK_ERROR", "{told}: {failure}");
            is_network_error(&failure, 2);
            assert_eq!(scene.requests(), 2, "{told}");
            assert!(took < GRACE, "{told}: {took:?}");
            scene.sandbox.script(ID, [fault]);
            scene.authorize().expect("once is not for ever");
        }
    }
}

#[test]
fn silence_anywhere_ends_with_the_attempt() {
    let silent = |at| Fault::default().cut(How::Silence, at);
    for (fault, answered) in [
        (Fault::silent(), false),
        (silent(20), true),
        (silent(0).of_body(), true),
        (silent(100).of_body(), true),
        (silent(100).of_body().chunked(), true),
        (silent(100).of_body().gzip(), true),
    ] {
        let told = format!("{fault:?}");
        let scene = Scene::with(&PATIENT).options_with(&[("attempt_timeout_ms", "60000"), ("max_attempts", "3")]);
        scene.sandbox.script(ID, [fault.forever()]);
        let failure = aside(
            &scene.options,
            || scene.authorize().expect_err(&told),
            || {
                for count in 1..=3 {
                    until("the request", || scene.requests() == count && (!answered || scene.answered() == count));
                    scene.api.pass(Duration::from_secs(61));
                }
            },
        );
        assert_eq!((failure.name.as_str(), failure.http_status, failure.attempts), ("B2_TIMEOUT", 0, 3), "{told}");
        assert!(failure.retryable && failure.message.contains("within 60 s"), "{told}: {failure}");
        assert_eq!(scene.requests(), 3, "{told}");
    }
}

#[test]
fn an_attempts_time_is_real_time() {
    for fault in [Fault::silent(), Fault::default().cut(How::Silence, 50).of_body()] {
        let scene = Scene::with(&[("attempt_timeout_ms", "400"), ("max_attempts", "2")]);
        scene.sandbox.script(ID, [fault.forever()]);
        let (failure, took) = timed(|| scene.authorize().expect_err("silence"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 2));
        assert!(took >= Duration::from_millis(780) && took < Duration::from_millis(800) + GRACE, "{took:?}");
        assert!(comes(|| scene.requests() == 2, PATIENCE));
    }
}

#[test]
fn a_byte_at_a_time_does_not_stretch_the_time_allowed() {
    let drip = || Fault::default().body_drip(Duration::from_millis(20)).forever();
    for (limit, attempts) in [("total_timeout_ms", 1), ("attempt_timeout_ms", 2)] {
        let scene = Scene::with(&[(limit, "500"), ("max_attempts", "2")]);
        scene.sandbox.script(ID, [drip()]);
        let (failure, took) = timed(|| scene.authorize().expect_err("a slow answer"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", attempts), "{limit}");
        assert!(took < Duration::from_secs(1) + GRACE, "{limit}: {took:?}");
    }
}

#[test]
fn a_service_that_comes_back_is_found() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::reset_after(0), Fault::close_after(30), Fault::drop_after(300)]);
    scene.authorize().expect("the fourth attempt");
    assert_eq!(scene.requests(), 4);
}

#[test]
fn a_closed_port_is_a_network_error() {
    let scene = Scene::with(&[("max_attempts", "2")]);
    scene.sandbox.close_http_port();
    is_network_error(&scene.authorize().expect_err("nobody listens"), 2);
}
