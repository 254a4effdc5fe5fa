//! A refusal is remembered for a while, so that a loop does not hammer B2.

use std::time::Duration;

use b2_sandbox::{Body, Fault};

use crate::support::fixture::{ID, Scene};

/// A scene whose key was refused just now, and would be granted again.
fn refused(fault: Fault) -> Scene {
    let scene = Scene::new();
    scene.sandbox.script(ID, [fault]);
    scene.authorize().expect_err("refused");
    scene
}

#[test]
fn a_refusal_is_remembered_for_ten_seconds() {
    let scene = refused(Fault::status(401));
    let remembered = scene.authorize().expect_err("remembered");
    assert_eq!((remembered.name.as_str(), remembered.attempts), ("B2_BAD_CREDENTIALS", 0));
    scene.api.pass(Duration::from_secs(4));
    scene.authorize().expect_err("remembered");
    assert_eq!(scene.requests(), 1);
    assert_eq!(scene.api.counter("negative_hits"), 2);
    scene.api.pass(Duration::from_secs(7));
    scene.authorize().expect("forgotten");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn reading_a_refusal_does_not_renew_it() {
    let scene = refused(Fault::status(401));
    let seconds = [("negative_ttl_s", "60")];
    let options = scene.options.with(&seconds);
    for _ in 0..5 {
        scene.api.pass(Duration::from_secs(10));
        scene.authorize_with(&options).expect_err("remembered");
    }
    scene.api.pass(Duration::from_secs(11));
    scene.authorize_with(&options).expect("forgotten a minute after it was heard");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn how_long_a_refusal_counts_is_for_its_reader_to_say() {
    let scene = refused(Fault::status(401));
    scene.api.pass(Duration::from_secs(1_000));
    scene.authorize_with(&scene.options.with(&[("negative_ttl_s", "3600")])).expect_err("remembered");
    assert_eq!(scene.requests(), 1);
    scene.authorize().expect("too old for ten seconds");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_reader_who_allows_no_time_is_told_of_no_refusal() {
    let scene = refused(Fault::status(401));
    scene.authorize_with(&scene.options.with(&[("negative_ttl_s", "0")])).expect("granted");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn clearing_the_cache_forgets_a_refusal() {
    let scene = refused(Fault::status(401));
    scene.api.clear();
    scene.authorize().expect("granted");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn refresh_goes_past_a_refusal() {
    let scene = refused(Fault::status(401));
    let session = scene.authorize_with(&scene.options.with(&[("cache", "refresh")])).expect("granted");
    assert_eq!(scene.authorize().expect("it is cached").token(), session.token());
    assert_eq!(scene.requests(), 2);
    session.invalidate();
    scene.authorize().expect("the grant had the refusal forgotten");
    assert_eq!(scene.requests(), 3);
}

#[test]
fn every_refusal_that_no_retry_cures_is_remembered() {
    for (fault, name) in [
        (Fault::status(401).code("unsupported"), "B2_KEY_NOT_SUPPORTED"),
        (Fault::status(403).code("access_denied"), "B2_ACCESS_DENIED"),
        (Fault::status(403).code("transaction_cap_exceeded"), "B2_CAP_EXCEEDED"),
    ] {
        let scene = refused(fault);
        assert_eq!(scene.authorize().expect_err("remembered").name, name);
        assert_eq!(scene.requests(), 1, "{name}");
    }
}

#[test]
fn a_failure_that_is_no_refusal_is_not_remembered() {
    for fault in [Fault::status(501), Fault::status(404), Fault::redirect(302, "http://127.0.0.1:1/")] {
        let scene = refused(fault);
        scene.authorize().expect("granted");
        assert_eq!(scene.requests(), 2);
    }
}

#[test]
fn a_protocol_error_is_not_remembered() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::with_body(Body::Html)]);
    scene.authorize().expect_err("a portal");
    scene.authorize().expect("B2 is asked again");
}
