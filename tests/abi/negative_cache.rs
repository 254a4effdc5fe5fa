//! A rejected key is cached for a while, so that a loop of calls does not flood B2.

use std::time::Duration;

use b2_sandbox::{Body, Fault};

use crate::support::fixture::{Fixture, ID};

/// A fixture whose key was rejected just now, and would be accepted again.
fn rejected_once(fault: Fault) -> Fixture {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [fault]);
    fixture.authorize().expect_err("rejected");
    fixture
}

#[test]
fn a_rejection_is_cached_for_ten_seconds() {
    let fixture = rejected_once(Fault::status(401));
    let remembered = fixture.authorize().expect_err("cached");
    assert_eq!((remembered.name.as_str(), remembered.attempts), ("B2_BAD_CREDENTIALS", 0));
    fixture.api.advance(Duration::from_secs(4));
    fixture.authorize().expect_err("cached");
    assert_eq!(fixture.requests(), 1);
    assert_eq!(fixture.api.counter("negative_hits"), 2);
    fixture.api.advance(Duration::from_secs(7));
    fixture.authorize().expect("no longer cached");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn reading_a_cached_rejection_does_not_renew_it() {
    let fixture = rejected_once(Fault::status(401));
    let options = fixture.options.with(&[("negative_ttl_s", "60")]);
    for _ in 0..5 {
        fixture.api.advance(Duration::from_secs(10));
        fixture.authorize_with(&options).expect_err("cached");
    }
    fixture.api.advance(Duration::from_secs(11));
    fixture.authorize_with(&options).expect("no longer cached a minute after the response");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn negative_ttl_s_of_the_reading_call_decides() {
    let fixture = rejected_once(Fault::status(401));
    fixture.api.advance(Duration::from_secs(1_000));
    fixture.authorize_with(&fixture.options.with(&[("negative_ttl_s", "3600")])).expect_err("cached");
    assert_eq!(fixture.requests(), 1);
    fixture.authorize().expect("too old for ten seconds");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_call_with_negative_ttl_0_ignores_a_cached_rejection() {
    let fixture = rejected_once(Fault::status(401));
    fixture.authorize_with(&fixture.options.with(&[("negative_ttl_s", "0")])).expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn clearing_the_cache_removes_a_rejection() {
    let fixture = rejected_once(Fault::status(401));
    fixture.api.clear_cache();
    fixture.authorize().expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn refresh_ignores_a_cached_rejection() {
    let fixture = rejected_once(Fault::status(401));
    let session = fixture.authorize_with(&fixture.options.with(&[("cache", "refresh")])).expect("granted");
    assert_eq!(fixture.authorize().expect("it is cached").token(), session.token());
    assert_eq!(fixture.requests(), 2);
    session.invalidate();
    fixture.authorize().expect("the grant removed the rejection");
    assert_eq!(fixture.requests(), 3);
}

#[test]
fn every_rejection_that_no_retry_fixes_is_cached() {
    for (fault, name) in [
        (Fault::status(401).code("unsupported"), "B2_KEY_NOT_SUPPORTED"),
        (Fault::status(403).code("access_denied"), "B2_ACCESS_DENIED"),
        (Fault::status(403).code("transaction_cap_exceeded"), "B2_CAP_EXCEEDED"),
    ] {
        let fixture = rejected_once(fault);
        assert_eq!(fixture.authorize().expect_err("cached").name, name);
        assert_eq!(fixture.requests(), 1, "{name}");
    }
}

#[test]
fn a_failure_that_is_no_rejection_is_not_cached() {
    for fault in [Fault::status(501), Fault::status(404), Fault::redirect(302, "http://127.0.0.1:1/")] {
        let fixture = rejected_once(fault);
        fixture.authorize().expect("granted");
        assert_eq!(fixture.requests(), 2);
    }
}

#[test]
fn a_protocol_error_is_not_cached() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::with_body(Body::Html)]);
    fixture.authorize().expect_err("a portal");
    fixture.authorize().expect("a new request");
}
