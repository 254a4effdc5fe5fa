//! Strangers in the same process: what whoever calls with other keys, or with wrong secrets for another's key ID, can
//! do to the one who holds a live session. He can spend what is shared; he gets no token, and takes none away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::json;

use crate::support::api::{Ask, Failure, Options, Session};
use crate::support::fixture::{ID, KEY, Scene};

/// More than the refusals that are remembered, 4,096.
const FLOOD: usize = 5_000;
/// A limit under which no token comes back while a test runs.
const STRICT: [(&str, &str); 3] =
    [("rate_limit_per_minute", "1"), ("total_timeout_ms", "10000"), ("negative_ttl_s", "0")];

fn wrong_key(number: usize) -> String {
    format!("K001wrong{number:05}/0123456789abcdef")
}

/// A stranger's call with a wrong secret for the scene's key ID.
fn stranger(scene: &Scene, number: usize, ask: Ask<'_>, options: &Options) -> Result<Session, Failure> {
    scene.api.call(Some(ID), Some(&wrong_key(number)), ask, Some(options))
}

/// The holder has his session without a request, and without a wait.
fn is_undisturbed(scene: &Scene, token: &str) {
    let before = (scene.requests(), scene.api.counter("rate_waits"), scene.api.counter("requests"));
    assert_eq!(scene.authorize().expect("a live session").token(), token);
    assert_eq!((scene.requests(), scene.api.counter("rate_waits"), scene.api.counter("requests")), before);
}

#[test]
fn a_flood_of_wrong_keys_costs_nobody_a_session_and_is_forgotten_oldest_first() {
    let scene = Scene::with(&[("negative_ttl_s", "3600"), ("concurrency", "8"), ("total_timeout_ms", "600000")]);
    let token = scene.authorize().expect("granted").token();
    let ids: Vec<_> = (0..FLOOD).map(|number| format!("{number:025}")).collect();
    let pairs: Vec<_> = ids.iter().map(|id| (Some(id.as_str()), Some("K001wrong/of+a+test/0123456789a"))).collect();
    let over = AtomicBool::new(false);
    let hits = std::thread::scope(|scope| {
        // The holder goes on using it all the while.
        let holder = scope.spawn(|| {
            let mut hits = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(scene.authorize().expect("a live session").token(), token);
                hits += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            hits
        });
        let (status, places) = scene.api.many(&pairs, &scene.options);
        over.store(true, Ordering::Relaxed);
        assert_eq!(status, "B2_BAD_CREDENTIALS");
        assert!(places.iter().all(|place| place.as_ref().is_err_and(|failure| failure.name == "B2_BAD_CREDENTIALS")));
        holder.join().expect("no panic")
    });
    assert!(hits > 1, "{hits}");
    assert_eq!((scene.requests(), scene.api.counter("requests")), (1, 1 + FLOOD as u64));
    is_undisturbed(&scene, &token);
    // Of the refusals the latest are remembered, and no others. Eight calls at once may finish in another order.
    let latest = 4_000;
    let (_, _) = scene.api.many(&pairs[FLOOD - latest..], &scene.options);
    assert_eq!(scene.api.counter("negative_hits"), latest as u64);
    assert_eq!(scene.api.counter("requests"), 1 + FLOOD as u64);
    let (_, _) = scene.api.many(&pairs[..100], &scene.options);
    assert_eq!(scene.api.counter("requests"), 1 + FLOOD as u64 + 100, "these were forgotten");
    is_undisturbed(&scene, &token);
}

#[test]
fn no_way_to_ask_with_a_wrong_secret_gets_evicts_or_invalidates_the_live_session() {
    let scene = Scene::new();
    let session = scene.authorize().expect("granted");
    let token = session.token();
    scene.api.keep_out(&token);
    let mut number = 0;
    for settings in [
        &[][..],
        &[("cache", "refresh")],
        &[("cache", "bypass")],
        &[("min_remaining_s", "0")],
        &[("negative_ttl_s", "0")],
        &[("max_attempts", "1"), ("proxy", "none")],
    ] {
        let options = scene.options.with(settings);
        for ask in [Ask::Authorize, Ask::Reauthorize(None), Ask::Reauthorize(Some(&session))] {
            number += 1;
            let failure = stranger(&scene, number, ask, &options).expect_err("refused");
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_BAD_CREDENTIALS", 1), "{settings:?}");
            is_undisturbed(&scene, &token);
        }
        for fault in [Fault::status(403), Fault::status(401).code("unsupported"), Fault::status(500), Fault::none()] {
            scene.sandbox.script(ID, [fault]);
            number += 1;
            stranger(&scene, number, Ask::Authorize, &options).expect_err("refused");
            is_undisturbed(&scene, &token);
        }
    }
    let request = json!({"keyId": ID, "key": wrong_key(0), "realm": scene.sandbox.http(), "fields": "all",
        "rate_limit_per_minute": 0});
    for request in [request.to_string(), json!([request, request]).to_string()] {
        assert!(!scene.api.action(&request).to_string().contains(&token));
        is_undisturbed(&scene, &token);
    }
    // Nor does a session of his own for the same key ID, which a server in another realm granted him.
    let there = Scene::new();
    there.sandbox.add_key(Key::master(ID, &wrong_key(0)));
    let options = scene.options.with(&[("realm", there.sandbox.http())]);
    let his = scene.api.call(Some(ID), Some(&wrong_key(0)), Ask::Authorize, Some(&options)).expect("granted there");
    his.invalidate();
    assert_ne!(his.token(), token);
    is_undisturbed(&scene, &token);
    let mine = scene.reauthorize(Some(&his)).expect("his session is not mine, so none was refused");
    assert_eq!(mine.token(), token);
}

#[test]
fn a_drained_budget_neither_holds_up_a_hit_nor_the_holders_next_token() {
    for limit in ["1", "0"] {
        let scene = Scene::with(&STRICT);
        let session = scene.authorize().expect("granted");
        let his = scene.options.with(&[("rate_limit_per_minute", limit)]);
        let refused: Vec<_> =
            (0..40).map(|number| stranger(&scene, number, Ask::Authorize, &his).expect_err("refused").name).collect();
        assert!(refused[..3].iter().all(|name| name == "B2_BAD_CREDENTIALS"), "{refused:?}");
        let last = if limit == "0" { "B2_BAD_CREDENTIALS" } else { "B2_RATE_LIMITED" };
        assert_eq!(refused[39], last, "a stranger without a limit asks all he likes");
        is_undisturbed(&scene, &session.token());
        // The token kept back is the holder's: B2 refused his session, and he gets another without a wait.
        let newer = scene.reauthorize(Some(&session)).expect("granted");
        assert_eq!(scene.api.counter("rate_waits"), 37 * u64::from(limit == "1"));
        is_undisturbed(&scene, &newer.token());
        // Now there is none for anybody, but a minute later there is one for him again.
        stranger(&scene, 40, Ask::Authorize, &his).expect_err("refused");
        assert_eq!(scene.reauthorize(None).expect_err("spent").name, "B2_RATE_LIMITED");
        scene.api.pass(Duration::from_secs(60));
        stranger(&scene, 41, Ask::Authorize, &his).expect_err("refused");
        scene.reauthorize(Some(&newer)).expect("granted");
    }
}

#[test]
fn a_drained_budget_fails_no_refresh() {
    let scene = Scene::with(&STRICT);
    let old = scene.authorize().expect("granted");
    scene.api.pass(Duration::from_secs(23 * 60 * 60));
    for number in 0..10 {
        stranger(&scene, number, Ask::Authorize, &scene.options).expect_err("refused or held back");
    }
    let before = scene.api.counter("rate_waits");
    let newer = scene.authorize().expect("the token kept back pays for the refresh");
    assert_ne!(newer.token(), old.token());
    // The next refresh finds nothing left, and the old token is served at once.
    scene.api.pass(Duration::from_secs(23 * 60 * 60));
    let bypass = scene.options.with(&[("cache", "bypass")]);
    for _ in 0..5 {
        scene.authorize_with(&bypass).expect("granted");
    }
    assert_eq!(scene.authorize().expect("the old one").token(), newer.token());
    assert_eq!((scene.api.counter("stale_served"), scene.api.counter("rate_waits")), (1, before));
}

#[test]
fn other_keys_have_no_part_in_the_holders_budget() {
    let scene = Scene::with(&STRICT);
    let session = scene.authorize().expect("granted");
    for number in 0..200 {
        let id = format!("{number:025}");
        scene.api.call(Some(&id), Some(KEY), Ask::Authorize, Some(&scene.options)).expect_err("no such key");
    }
    is_undisturbed(&scene, &session.token());
    for _ in 0..4 {
        scene.reauthorize(None).expect("his own four are left");
    }
    assert_eq!(scene.reauthorize(None).expect_err("spent").name, "B2_RATE_LIMITED");
}

#[test]
fn a_wrong_key_that_was_refused_does_not_make_the_right_one_refused() {
    let scene = Scene::with(&[("negative_ttl_s", "3600")]);
    for number in 0..50 {
        assert_eq!(stranger(&scene, number, Ask::Authorize, &scene.options).expect_err("wrong").attempts, 1);
        assert_eq!(stranger(&scene, number, Ask::Authorize, &scene.options).expect_err("remembered").attempts, 0);
    }
    let token = scene.authorize().expect("the right key has not been refused").token();
    assert_eq!((scene.requests(), scene.api.counter("negative_hits")), (51, 50));
    is_undisturbed(&scene, &token);
    // Nor does the right one's session pardon the wrong one.
    let failure = stranger(&scene, 0, Ask::Authorize, &scene.options).expect_err("remembered");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_BAD_CREDENTIALS", 0));
    assert_eq!(scene.requests(), 51);
}

#[test]
fn a_gate_that_a_stranger_ran_into_closes_for_new_requests_only() {
    for status in [429, 503] {
        let scene = Scene::with(&[("total_timeout_ms", "10000")]);
        let old = scene.stale();
        scene.sandbox.script(ID, [Fault::status(status).retry_after("600")]);
        stranger(&scene, 0, Ask::Authorize, &scene.options.with(&[("max_attempts", "1")])).expect_err("put off");
        // His refresh is due, and fails nobody; what was granted is served for as long as it lives.
        assert_eq!(scene.authorize().expect("the old token").token(), old.token());
        assert_eq!(scene.api.counter("stale_served"), 1);
        is_undisturbed(&scene, &old.token());
        let failure = scene.reauthorize(None).expect_err("B2 asked every caller for this key ID to wait");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_RATE_LIMITED", 0));
        assert!((500_000..=600_010).contains(&failure.retry_after_ms), "{}", failure.retry_after_ms);
        assert_eq!(scene.requests(), 2);
        scene.api.pass(Duration::from_secs(601));
        assert_ne!(scene.authorize().expect("granted").token(), old.token());
    }
}
