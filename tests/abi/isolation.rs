//! Other callers in the same process: what calls with other keys, or with wrong keys for the same key ID, can do to a
//! valid session. They can use up what is shared; they neither get its token nor remove it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::json;

use crate::support::api::{Failure, Operation, Options, Session};
use crate::support::fixture::{Fixture, ID, KEY};

/// More than the 4,096 rejections that are cached.
const FLOOD: usize = 5_000;
/// A limit under which no permit is refilled while a test runs.
const STRICT: [(&str, &str); 3] =
    [("rate_limit_per_minute", "1"), ("total_timeout_ms", "10000"), ("negative_ttl_s", "0")];

fn wrong_key(number: usize) -> String {
    format!("K001wrong{number:05}/0123456789abcdef")
}

/// A call with a wrong key for the fixture's key ID.
fn call_with_wrong_key(
    fixture: &Fixture,
    number: usize,
    operation: Operation<'_>,
    options: &Options,
) -> Result<Session, Failure> {
    fixture.api.call(Some(ID), Some(&wrong_key(number)), operation, Some(options))
}

/// The valid session is served without a request, and without a wait.
fn assert_served_from_cache(fixture: &Fixture, token: &str) {
    let before = (fixture.requests(), fixture.api.counter("rate_waits"), fixture.api.counter("requests"));
    assert_eq!(fixture.authorize().expect("a valid session").token(), token);
    assert_eq!((fixture.requests(), fixture.api.counter("rate_waits"), fixture.api.counter("requests")), before);
}

#[test]
fn a_flood_of_wrong_keys_evicts_no_session_and_few_of_the_latest_rejections() {
    let fixture =
        Fixture::with_options(&[("negative_ttl_s", "3600"), ("concurrency", "8"), ("total_timeout_ms", "600000")]);
    let token = fixture.authorize().expect("granted").token();
    let ids: Vec<_> = (0..FLOOD).map(|number| format!("{number:025}")).collect();
    let pairs: Vec<_> = ids.iter().map(|id| (Some(id.as_str()), Some("K001wrong/of+a+test/0123456789a"))).collect();
    let over = AtomicBool::new(false);
    let hits = std::thread::scope(|scope| {
        // The valid session is in use at the same time.
        let user = scope.spawn(|| {
            let mut hits = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(fixture.authorize().expect("a valid session").token(), token);
                hits += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            hits
        });
        let (status, results) = fixture.api.authorize_many(&pairs, &fixture.options);
        over.store(true, Ordering::Relaxed);
        assert_eq!(status, "B2_BAD_CREDENTIALS");
        assert!(
            results.iter().all(|result| result.as_ref().is_err_and(|failure| failure.name == "B2_BAD_CREDENTIALS"))
        );
        user.join().expect("no panic")
    });
    assert!(hits > 1, "{hits}");
    assert_eq!((fixture.requests(), fixture.api.counter("requests")), (1, 1 + FLOOD as u64));
    assert_served_from_cache(&fixture, &token);
    // As many are cached as there is room for. None was used again, so any may have made room for a later one.
    let latest = 100;
    let (_, _) = fixture.api.authorize_many(&pairs[FLOOD - latest..], &fixture.options);
    let (hits, requests) = (fixture.api.counter("negative_hits"), fixture.api.counter("requests") - 1 - FLOOD as u64);
    assert_eq!(hits + requests, latest as u64);
    assert!(hits > latest as u64 / 2, "{hits} of the latest {latest} are cached");
    assert_served_from_cache(&fixture, &token);
}

#[test]
fn no_call_with_a_wrong_key_gets_evicts_or_invalidates_the_valid_session() {
    let fixture = Fixture::new();
    let session = fixture.authorize().expect("granted");
    let token = session.token();
    fixture.api.register_secret(&token);
    let mut number = 0;
    for settings in [
        &[][..],
        &[("cache", "refresh")],
        &[("cache", "bypass")],
        &[("min_remaining_s", "0")],
        &[("negative_ttl_s", "0")],
        &[("max_attempts", "1"), ("proxy", "none")],
    ] {
        let options = fixture.options.with(settings);
        for operation in [Operation::Authorize, Operation::Reauthorize(None), Operation::Reauthorize(Some(&session))] {
            number += 1;
            let failure = call_with_wrong_key(&fixture, number, operation, &options).expect_err("rejected");
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_BAD_CREDENTIALS", 1), "{settings:?}");
            assert_served_from_cache(&fixture, &token);
        }
        for fault in [Fault::status(403), Fault::status(401).code("unsupported"), Fault::status(500), Fault::none()] {
            fixture.sandbox.script(ID, [fault]);
            number += 1;
            call_with_wrong_key(&fixture, number, Operation::Authorize, &options).expect_err("rejected");
            assert_served_from_cache(&fixture, &token);
        }
    }
    let request = json!({"keyId": ID, "key": wrong_key(0), "realm": fixture.sandbox.http(), "fields": "all",
        "rate_limit_per_minute": 0});
    for request in [request.to_string(), json!([request, request]).to_string()] {
        fixture.api.assert_no_secrets("the JSON action", &fixture.api.authorize_json(&request).to_string());
        assert_served_from_cache(&fixture, &token);
    }
    // Nor does a session for the same key ID from a server in another realm.
    let there = Fixture::new();
    there.sandbox.add_key(Key::master(ID, &wrong_key(0)));
    let options = fixture.options.with(&[("realm", there.sandbox.http())]);
    let other_session = fixture.authorize_key(ID, &wrong_key(0), &options).expect("granted there");
    other_session.invalidate();
    assert_ne!(other_session.token(), token);
    assert_served_from_cache(&fixture, &token);
    let mine = fixture.reauthorize(Some(&other_session)).expect("it is of another realm, so no token was rejected");
    assert_eq!(mine.token(), token);
}

#[test]
fn a_used_up_rate_limit_delays_neither_a_cache_hit_nor_a_replacement_token() {
    for limit in ["1", "0"] {
        let fixture = Fixture::with_options(&STRICT);
        let session = fixture.authorize().expect("granted");
        let other_options = fixture.options.with(&[("rate_limit_per_minute", limit)]);
        let refused: Vec<_> = (0..40)
            .map(|number| {
                call_with_wrong_key(&fixture, number, Operation::Authorize, &other_options).expect_err("rejected").name
            })
            .collect();
        assert!(refused[..3].iter().all(|name| name == "B2_BAD_CREDENTIALS"), "{refused:?}");
        let last = if limit == "0" { "B2_BAD_CREDENTIALS" } else { "B2_RATE_LIMITED" };
        assert_eq!(refused[39], last, "a call without a limit is not held back");
        assert_served_from_cache(&fixture, &session.token());
        // The reserved permit is for the valid session: after B2 rejected it, another is granted without a wait.
        let newer = fixture.reauthorize(Some(&session)).expect("granted");
        assert_eq!(fixture.api.counter("rate_waits"), 37 * u64::from(limit == "1"));
        assert_served_from_cache(&fixture, &newer.token());
        // Now no permit is left, but a minute later one is reserved again.
        call_with_wrong_key(&fixture, 40, Operation::Authorize, &other_options).expect_err("rejected");
        assert_eq!(fixture.reauthorize(None).expect_err("no permit is left").name, "B2_RATE_LIMITED");
        fixture.api.advance(Duration::from_secs(60));
        call_with_wrong_key(&fixture, 41, Operation::Authorize, &other_options).expect_err("rejected");
        fixture.reauthorize(Some(&newer)).expect("granted");
    }
}

#[test]
fn a_used_up_rate_limit_fails_no_refresh() {
    let fixture = Fixture::with_options(&STRICT);
    let old = fixture.authorize().expect("granted");
    fixture.api.advance(Duration::from_secs(23 * 60 * 60));
    for number in 0..10 {
        call_with_wrong_key(&fixture, number, Operation::Authorize, &fixture.options)
            .expect_err("rejected or over the limit");
    }
    let before = fixture.api.counter("rate_waits");
    let newer = fixture.authorize().expect("the refresh uses the reserved permit");
    assert_ne!(newer.token(), old.token());
    // The next refresh finds no permit, and the stale token is served at once.
    fixture.api.advance(Duration::from_secs(23 * 60 * 60));
    let bypass = fixture.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        fixture.authorize_with(&bypass).expect("granted");
    }
    assert_eq!(fixture.authorize().expect("the stale token").token(), newer.token());
    assert_eq!((fixture.api.counter("stale_served"), fixture.api.counter("rate_waits")), (1, before));
}

#[test]
fn other_key_ids_do_not_use_this_key_ids_permits() {
    let fixture = Fixture::with_options(&STRICT);
    let session = fixture.authorize().expect("granted");
    for number in 0..200 {
        let id = format!("{number:025}");
        fixture.authorize_key(&id, KEY, &fixture.options).expect_err("no such key");
    }
    assert_served_from_cache(&fixture, &session.token());
    for _ in 0..4 {
        fixture.reauthorize(None).expect("its own four permits are left");
    }
    assert_eq!(fixture.reauthorize(None).expect_err("no permit is left").name, "B2_RATE_LIMITED");
}

#[test]
fn a_rejection_of_a_wrong_key_does_not_reject_the_right_one() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "3600")]);
    for number in 0..50 {
        assert_eq!(
            call_with_wrong_key(&fixture, number, Operation::Authorize, &fixture.options).expect_err("wrong").attempts,
            1
        );
        assert_eq!(
            call_with_wrong_key(&fixture, number, Operation::Authorize, &fixture.options).expect_err("cached").attempts,
            0
        );
    }
    let token = fixture.authorize().expect("the right key was not rejected").token();
    assert_eq!((fixture.requests(), fixture.api.counter("negative_hits")), (51, 50));
    assert_served_from_cache(&fixture, &token);
    // Nor does the right key's session remove the wrong key's rejection.
    let failure = call_with_wrong_key(&fixture, 0, Operation::Authorize, &fixture.options).expect_err("cached");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_BAD_CREDENTIALS", 0));
    assert_eq!(fixture.requests(), 51);
}

#[test]
fn a_retry_after_for_a_wrong_key_blocks_new_requests_only() {
    for status in [429, 503] {
        let fixture = Fixture::with_options(&[("total_timeout_ms", "10000")]);
        let old = fixture.stale_session();
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("600")]);
        call_with_wrong_key(&fixture, 0, Operation::Authorize, &fixture.options.with(&[("max_attempts", "1")]))
            .expect_err("503 or 429");
        // A refresh is due and not possible; the stale token is served for as long as it is valid.
        assert_eq!(fixture.authorize().expect("the stale token").token(), old.token());
        assert_eq!(fixture.api.counter("stale_served"), 1);
        assert_served_from_cache(&fixture, &old.token());
        let failure = fixture.reauthorize(None).expect_err("B2 asked every caller for this key ID to wait");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_RATE_LIMITED", 0));
        assert!((500_000..=600_010).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
        assert_eq!(fixture.requests(), 2);
        fixture.api.advance(Duration::from_secs(601));
        assert_ne!(fixture.authorize().expect("granted").token(), old.token());
    }
}
