//! Many keys in one call: who waits for whom, what it costs, and what ends it.

use std::collections::HashSet;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::{Value, json};

use crate::json_action::{alone, is_alone};
use crate::support::api::{self, Failure, Options, Pair, Session};
use crate::support::concurrent::{aside, never, until};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

/// A scene with so many keys, each with its secret.
fn scene(count: usize) -> (Scene, Vec<(String, String)>) {
    let scene = Scene::new();
    (0..count).for_each(|number| scene.sandbox.add_key(Key::new(&id(number), &key(number))));
    (scene, (0..count).map(|number| (id(number), key(number))).collect())
}

fn id(number: usize) -> String {
    format!("0014aa9865d6f00000000{number:04}")
}

fn key(number: usize) -> String {
    format!("K001batch/of+a+test/01234567{number:04}")
}

fn given(keys: &[(String, String)]) -> Vec<Pair<'_>> {
    keys.iter().map(|(id, key)| (Some(id.as_str()), Some(key.as_str()))).collect()
}

fn key_id(place: &Result<Session, Failure>) -> Option<String> {
    place.as_ref().ok().and_then(|session| session.text(|f| f.b2_session_key_id))
}

fn name(place: &Result<Session, Failure>) -> &str {
    place.as_ref().map_or_else(|failure| failure.name.as_str(), |_| "B2_OK")
}

fn thread_id() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::gettid() }
}

/// The threads on which the library says something while it works for these options.
fn threads(options: &Options) -> Arc<Mutex<HashSet<i32>>> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let mine = Arc::clone(&seen);
    options.set_log(Some(Box::new(move |_, _| {
        mine.lock().expect("no panic").insert(thread_id());
    })));
    seen
}

#[test]
fn two_hundred_keys_are_asked_for_eight_at_a_time_and_answered_in_order() {
    let (scene, mut keys) = scene(200);
    keys[17].1 = "K001wrong/0123456789abcdefghijkl".into();
    scene.sandbox.script("*", [Fault::hold("first").times(8), Fault::hold("rest").forever()]);
    let (status, places) = aside(
        &scene.options,
        || scene.api.many(&given(&keys), &scene.options),
        || {
            assert!(scene.sandbox.wait_until_held("first", 8, PATIENCE));
            never("a ninth request", || scene.sandbox.authorize_count("*") > 8);
            scene.sandbox.release("first");
            assert!(scene.sandbox.wait_until_held("rest", 8, PATIENCE));
            never("a ninth request", || scene.sandbox.authorize_count("*") > 16);
            scene.sandbox.release("rest");
        },
    );
    assert_eq!(status, "B2_BAD_CREDENTIALS");
    for (number, place) in places.iter().enumerate() {
        match place {
            Ok(_) => assert_eq!(key_id(place), Some(id(number))),
            Err(failure) => assert_eq!((number, failure.attempts), (17, 1), "{failure}"),
        }
    }
    let tokens: HashSet<_> = places.iter().flatten().map(Session::token).collect();
    assert_eq!((tokens.len(), scene.sandbox.authorize_count("*")), (199, 200));
}

#[test]
fn equal_places_share_one_request_one_session_and_one_verdict() {
    let (scene, _) = scene(0);
    let (spaced_id, spaced_key, wrong) = (format!(" {ID}"), format!("{KEY}\n"), "K001wrong/0123456789abcdefghijkl");
    let spaced_wrong = format!("\t{wrong}");
    // Nothing that is remembered does it.
    let options = scene.options.with(&[("cache", "bypass")]);
    let ids = [ID, &spaced_id, ID, &spaced_id, ID, ID];
    let keys = [KEY, KEY, &spaced_key, wrong, &spaced_wrong, &spaced_key];
    let pairs: Vec<_> = ids.into_iter().map(Some).zip(keys.into_iter().map(Some)).collect();
    let (status, places) = scene.api.many(&pairs, &options);
    assert_eq!((status.as_str(), scene.requests()), ("B2_BAD_CREDENTIALS", 2));
    let tokens: HashSet<_> = places.iter().flatten().map(Session::token).collect();
    assert_eq!((tokens.len(), places.iter().flatten().count()), (1, 4));
    let attempts: Vec<_> = places.iter().filter_map(|place| place.as_ref().err()).map(|f| f.attempts).collect();
    assert_eq!(attempts, [1, 0], "one of them made the request");
}

#[test]
fn what_is_cached_costs_no_request() {
    let (scene, keys) = scene(20);
    let (_, first) = scene.api.many(&given(&keys[..10]), &scene.options);
    scene.sandbox.clear_log();
    let hits = scene.api.counter("cache_hits");
    let (status, places) = scene.api.many(&given(&keys), &scene.options);
    assert_eq!(status, "B2_OK");
    let asked: HashSet<_> = scene.sandbox.log().into_iter().filter_map(|entry| entry.key_id).collect();
    assert_eq!(asked, (10..20).map(id).collect());
    assert_eq!(scene.api.counter("cache_hits") - hits, 10);
    for (before, now) in first.iter().flatten().zip(places.iter().flatten()) {
        assert_eq!(before.token(), now.token());
    }
}

#[test]
fn a_cancel_ends_the_batch_and_what_was_done_is_kept() {
    let (scene, keys) = scene(100);
    let options = scene.options.with(&[("concurrency", "4")]);
    scene.sandbox.script("*", [Fault::none().times(10), Fault::hold("for ever").forever()]);
    let cancel = options.cancel();
    let (status, places) = std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.api.many(&given(&keys), &options));
        let held = scene.sandbox.wait_until_held("for ever", 4, PATIENCE);
        cancel.trigger();
        assert!(held, "no four were in the air");
        call.join().expect("no panic")
    });
    assert_eq!((status.as_str(), scene.sandbox.authorize_count("*")), ("B2_CANCELLED", 14));
    let done = places.iter().filter(|place| place.is_ok()).count();
    assert_eq!((done, places.iter().filter(|place| name(place) == "B2_CANCELLED").count()), (10, 90));
    let (_, nothing) = scene.api.many(&given(&keys), &options);
    assert!(nothing.iter().all(|place| name(place) == "B2_CANCELLED"), "a triggered cancel goes before the cache");
    assert_eq!(scene.sandbox.authorize_count("*"), 14);
}

#[test]
fn the_time_of_the_batch_ends_each_place_by_name() {
    let (scene, keys) = scene(30);
    let long = [("batch_timeout_ms", "3600000"), ("total_timeout_ms", "0"), ("attempt_timeout_ms", "600000")];
    let options = scene.options.with(&long).with(&[("concurrency", "3"), ("max_attempts", "1")]);
    scene.sandbox.script("*", [Fault::none().times(5), Fault::hold("for ever").forever()]);
    let (status, places) = aside(
        &options,
        || scene.api.many(&given(&keys), &options),
        || {
            assert!(scene.sandbox.wait_until_held("for ever", 3, PATIENCE));
            scene.api.pass(Duration::from_secs(3_600));
        },
    );
    assert_eq!((status.as_str(), scene.sandbox.authorize_count("*")), ("B2_TIMEOUT", 8));
    assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 5);
    let failures: Vec<_> = places.iter().filter_map(|place| place.as_ref().err()).collect();
    for failure in &failures {
        assert!(failure.name == "B2_TIMEOUT" && failure.retryable, "{failure}");
        assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("batch_timeout_ms")), "{failure:?}");
    }
    let out_of_turn = failures.iter().filter(|failure| failure.attempts == 0).count();
    assert_eq!((out_of_turn, failures.len()), (22, 25));
}

#[test]
fn total_timeout_ms_counts_for_each_place_from_its_own_start() {
    let (scene, keys) = scene(4);
    let options = scene.options.with(&[("concurrency", "1"), ("total_timeout_ms", "15000"), ("max_attempts", "1")]);
    let faults = ["a", "b", "c", "d"].map(Fault::hold);
    scene.sandbox.script("*", faults);
    let (status, _) = aside(
        &options,
        || scene.api.many(&given(&keys), &options),
        || {
            for latch in ["a", "b", "c", "d"] {
                assert!(scene.sandbox.wait_until_held(latch, 1, PATIENCE));
                // All of it takes longer than one may take.
                scene.api.pass(Duration::from_secs(10));
                scene.sandbox.release(latch);
            }
        },
    );
    assert_eq!(status, "B2_OK");
}

#[test]
fn the_threads_are_gone_when_the_call_returns() {
    let (scene, keys) = scene(40);
    let options = scene.options.with(&[("concurrency", "6")]);
    let seen = threads(&options);
    scene.sandbox.script("*", [Fault::hold("gate").times(6)]);
    aside(
        &options,
        || {
            assert_eq!(scene.api.many(&given(&keys), &options).0, "B2_OK");
            let mut seen = seen.lock().expect("no panic");
            assert_eq!(seen.len(), 6, "the caller's own and five more");
            assert!(seen.remove(&thread_id()), "the caller works too");
            // The kernel may take a moment to clear up after a thread that was waited for.
            let lives = |id: &i32| std::path::Path::new(&format!("/proc/self/task/{id}")).exists();
            until("the end of each thread", || !seen.iter().any(lives));
        },
        || {
            assert!(scene.sandbox.wait_until_held("gate", 6, PATIENCE));
            scene.sandbox.release("gate");
        },
    );
}

#[test]
fn one_at_a_time_is_done_by_the_caller_alone() {
    let (scene, keys) = scene(10);
    let options = scene.options.with(&[("concurrency", "1")]);
    let seen = threads(&options);
    assert_eq!(scene.api.many(&given(&keys), &options).0, "B2_OK");
    assert_eq!(*seen.lock().expect("no panic"), HashSet::from([thread_id()]));
}

#[test]
fn a_panic_is_the_error_of_its_own_place_on_whichever_thread() {
    // One alone works on the caller's thread, where a panic would take all places with it.
    for concurrency in ["1", "8"] {
        let (scene, keys) = scene(12);
        let options = scene.options.with(&[("concurrency", concurrency)]);
        scene.api.plant_panic();
        let (status, places) = scene.api.many(&given(&keys), &options);
        let mut names: Vec<_> = places.iter().map(name).collect();
        names.sort_unstable();
        assert_eq!(
            (status.as_str(), names[0], &names[1..]),
            ("B2_INTERNAL_ERROR", "B2_INTERNAL_ERROR", &["B2_OK"; 11][..])
        );
        assert_eq!(scene.api.many(&given(&keys), &options).0, "B2_OK");
    }
}

#[test]
fn no_places_are_nothing_to_do() {
    let scene = Scene::new();
    let (status, places) = scene.api.many(&[], &scene.options);
    assert_eq!((status.as_str(), places.len(), scene.requests()), ("B2_OK", 0, 0));
    // SAFETY: with no places nothing is read.
    let status = unsafe { (scene.api.f.b2_authorize_many)(null(), null(), 0, null_mut(), null_mut(), null_mut()) };
    assert_eq!(status, 0);
}

#[test]
#[ignore = "run by the others, in a process of its own"]
fn crowd() {
    if !is_alone() {
        return;
    }
    let api = api::load();
    let options = api.options(&[("rate_limit_per_minute", "0"), ("initial_backoff_ms", "1")]);
    let measured = |name: &str| -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
        line.trim_start_matches(':').split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
    };
    let keys: Vec<_> = (0..100).map(|number| (id(number), key(number))).collect();
    // One thread has them cached, so that a second one would need a stack.
    let alone = options.with(&[("concurrency", "1")]);
    assert_eq!(api.many(&given(&keys), &alone).0, "B2_OK");
    let all: Vec<_> = given(&keys).into_iter().cycle().take(10_000).collect();
    let (room, memory) = (measured("VmPeak"), measured("VmRSS"));
    drop(api.many(&all[..100], &options));
    let more_room = measured("VmPeak") - room;
    let (status, places) = api.many(&all, &options.with(&[("cache", "refresh"), ("concurrency", "64")]));
    let right = places.iter().zip(&all).filter(|(place, pair)| key_id(place).as_deref() == pair.0).count();
    let blank = api.many(&[(None, None), (Some(" "), Some("")), (Some(ID), None), (None, Some(KEY))], &options).1;
    let blanks: Vec<_> = blank.iter().map(|place| json!([name(place), key_id(place)])).collect();
    let outcome = json!({"status": status, "right": right, "requests": api.counter("requests"), "blanks": blanks,
        "roomKib": more_room, "memoryKib": measured("VmHWM") - memory});
    println!("\nOUTCOME {outcome}");
}

#[test]
fn ten_thousand_places_take_little_memory_and_what_is_cached_takes_no_thread() {
    let (scene, _) = scene(100);
    let outcome = alone("batch::crowd", &scene);
    assert_eq!((&outcome["status"], &outcome["right"]), (&json!("B2_OK"), &json!(10_000)), "{outcome}");
    assert_eq!(outcome["requests"], json!(201), "each key twice, and the environment's");
    let kib = |name: &str| outcome[name].as_u64().expect("a number");
    assert!(kib("roomKib") < 1_024, "a thread was started: {outcome}");
    assert!(kib("memoryKib") < 64 * 1_024, "{outcome}");
    let own: Value = json!(["B2_OK", ID]);
    assert_eq!(outcome["blanks"], json!([own, own, own, ["B2_INVALID_ARGUMENT", null]]), "NULL is blank");
}
