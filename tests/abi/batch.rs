//! b2_authorize_many(): concurrency, order, cost, cancel and deadlines.

use std::collections::HashSet;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::{Value, json};

use crate::json_action::run_with_key;
use crate::support::api::{self, Failure, Options, Pair, Session};
use crate::support::concurrent::{assert_stays_false, during_call, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};
use crate::support::subprocess;

/// A fixture with that many keys.
fn fixture_with_keys(count: usize) -> (Fixture, Vec<(String, String)>) {
    let fixture = Fixture::new();
    (0..count).for_each(|number| fixture.sandbox.add_key(Key::new(&id(number), &key(number))));
    (fixture, (0..count).map(|number| (id(number), key(number))).collect())
}

fn id(number: usize) -> String {
    format!("0014aa9865d6f00000000{number:04}")
}

fn key(number: usize) -> String {
    format!("K001batch/of+a+test/01234567{number:04}")
}

fn pairs_of(keys: &[(String, String)]) -> Vec<Pair<'_>> {
    keys.iter().map(|(id, key)| (Some(id.as_str()), Some(key.as_str()))).collect()
}

fn key_id(result: &Result<Session, Failure>) -> Option<String> {
    result.as_ref().ok().and_then(|session| session.text(|f| f.b2_session_key_id))
}

fn status_name(result: &Result<Session, Failure>) -> &str {
    result.as_ref().map_or_else(|failure| failure.name.as_str(), |_| "B2_OK")
}

fn thread_id() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::gettid() }
}

/// The threads on which the library logs for calls with these options.
fn logging_threads(options: &Options) -> Arc<Mutex<HashSet<i32>>> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let mine = Arc::clone(&seen);
    options.set_log(Some(Box::new(move |_, _| {
        mine.lock().expect("no panic").insert(thread_id());
    })));
    seen
}

#[test]
fn two_hundred_entries_run_eight_at_a_time_and_return_in_order() {
    let (fixture, mut keys) = fixture_with_keys(200);
    keys[17].1 = "K001wrong/0123456789abcdefghijkl".into();
    fixture.sandbox.script("*", [Fault::hold("first").times(8), Fault::hold("rest").forever()]);
    let (status, results) = during_call(
        &fixture.options,
        || fixture.api.authorize_many(&pairs_of(&keys), &fixture.options),
        || {
            assert!(fixture.sandbox.wait_until_held("first", 8, TEST_TIMEOUT));
            assert_stays_false("a ninth request in flight", || fixture.sandbox.authorize_count("*") > 8);
            fixture.sandbox.release("first");
            assert!(fixture.sandbox.wait_until_held("rest", 8, TEST_TIMEOUT));
            assert_stays_false("a ninth request in flight", || fixture.sandbox.authorize_count("*") > 16);
            fixture.sandbox.release("rest");
        },
    );
    assert_eq!(status, "B2_BAD_CREDENTIALS");
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(_) => assert_eq!(key_id(result), Some(id(number))),
            Err(failure) => assert_eq!((number, failure.attempts), (17, 1), "{failure}"),
        }
    }
    let tokens: HashSet<_> = results.iter().flatten().map(Session::token).collect();
    assert_eq!((tokens.len(), fixture.sandbox.authorize_count("*")), (199, 200));
}

#[test]
fn equal_entries_share_one_request_and_one_result() {
    let (fixture, _) = fixture_with_keys(0);
    let (spaced_id, spaced_key, wrong) = (format!(" {ID}"), format!("{KEY}\n"), "K001wrong/0123456789abcdefghijkl");
    let spaced_wrong = format!("\t{wrong}");
    // Without help from the cache.
    let options = fixture.options.with(&[("cache", "bypass")]);
    let ids = [ID, &spaced_id, ID, &spaced_id, ID, ID];
    let keys = [KEY, KEY, &spaced_key, wrong, &spaced_wrong, &spaced_key];
    let pairs: Vec<_> = ids.into_iter().map(Some).zip(keys.into_iter().map(Some)).collect();
    let (status, results) = fixture.api.authorize_many(&pairs, &options);
    assert_eq!((status.as_str(), fixture.requests()), ("B2_BAD_CREDENTIALS", 2));
    let tokens: HashSet<_> = results.iter().flatten().map(Session::token).collect();
    assert_eq!((tokens.len(), results.iter().flatten().count()), (1, 4));
    let attempts: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).map(|f| f.attempts).collect();
    assert_eq!(attempts, [1, 0], "one of them made the request");
}

#[test]
fn cached_entries_make_no_request() {
    let (fixture, keys) = fixture_with_keys(20);
    let (_, first) = fixture.api.authorize_many(&pairs_of(&keys[..10]), &fixture.options);
    fixture.sandbox.clear_log();
    let hits = fixture.api.counter("cache_hits");
    let (status, results) = fixture.api.authorize_many(&pairs_of(&keys), &fixture.options);
    assert_eq!(status, "B2_OK");
    let asked: HashSet<_> = fixture.sandbox.log().into_iter().filter_map(|entry| entry.key_id).collect();
    assert_eq!(asked, (10..20).map(id).collect());
    assert_eq!(fixture.api.counter("cache_hits") - hits, 10);
    for (before, now) in first.iter().flatten().zip(results.iter().flatten()) {
        assert_eq!(before.token(), now.token());
    }
}

#[test]
fn a_cancel_ends_the_batch_and_keeps_finished_entries() {
    let (fixture, keys) = fixture_with_keys(100);
    let options = fixture.options.with(&[("concurrency", "4")]);
    fixture.sandbox.script("*", [Fault::none().times(10), Fault::hold("forever").forever()]);
    let cancel = options.attach_cancel();
    let (status, results) = std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.api.authorize_many(&pairs_of(&keys), &options));
        let held = fixture.sandbox.wait_until_held("forever", 4, TEST_TIMEOUT);
        cancel.trigger();
        assert!(held, "four requests are in flight");
        call.join().expect("no panic")
    });
    assert_eq!((status.as_str(), fixture.sandbox.authorize_count("*")), ("B2_CANCELLED", 14));
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((done, results.iter().filter(|result| status_name(result) == "B2_CANCELLED").count()), (10, 90));
    let (_, nothing) = fixture.api.authorize_many(&pairs_of(&keys), &options);
    assert!(
        nothing.iter().all(|result| status_name(result) == "B2_CANCELLED"),
        "a triggered cancel also fails calls with a cached token"
    );
    assert_eq!(fixture.sandbox.authorize_count("*"), 14);
}

#[test]
fn batch_timeout_ms_fails_each_unfinished_entry_and_is_named() {
    let (fixture, keys) = fixture_with_keys(30);
    let long = [("batch_timeout_ms", "3600000"), ("total_timeout_ms", "0"), ("attempt_timeout_ms", "600000")];
    let options = fixture.options.with(&long).with(&[("concurrency", "3"), ("max_attempts", "1")]);
    fixture.sandbox.script("*", [Fault::none().times(5), Fault::hold("forever").forever()]);
    let (status, results) = during_call(
        &options,
        || fixture.api.authorize_many(&pairs_of(&keys), &options),
        || {
            assert!(fixture.sandbox.wait_until_held("forever", 3, TEST_TIMEOUT));
            fixture.api.advance(Duration::from_secs(3_600));
        },
    );
    assert_eq!((status.as_str(), fixture.sandbox.authorize_count("*")), ("B2_TIMEOUT", 8));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5);
    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    for failure in &failures {
        assert!(failure.name == "B2_TIMEOUT" && failure.retryable, "{failure}");
        assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("batch_timeout_ms")), "{failure:?}");
    }
    let not_begun = failures.iter().filter(|failure| failure.attempts == 0).count();
    assert_eq!((not_begun, failures.len()), (22, 25));
}

#[test]
fn total_timeout_ms_applies_to_each_entry_from_its_own_start() {
    let (fixture, keys) = fixture_with_keys(4);
    let options = fixture.options.with(&[("concurrency", "1"), ("total_timeout_ms", "15000"), ("max_attempts", "1")]);
    let faults = ["a", "b", "c", "d"].map(Fault::hold);
    fixture.sandbox.script("*", faults);
    let (status, _) = during_call(
        &options,
        || fixture.api.authorize_many(&pairs_of(&keys), &options),
        || {
            for latch in ["a", "b", "c", "d"] {
                assert!(fixture.sandbox.wait_until_held(latch, 1, TEST_TIMEOUT));
                // Together they take longer than total_timeout_ms.
                fixture.api.advance(Duration::from_secs(10));
                fixture.sandbox.release(latch);
            }
        },
    );
    assert_eq!(status, "B2_OK");
}

#[test]
fn no_thread_outlives_the_call() {
    let (fixture, keys) = fixture_with_keys(40);
    let options = fixture.options.with(&[("concurrency", "6")]);
    let seen = logging_threads(&options);
    fixture.sandbox.script("*", [Fault::hold("latch").times(6)]);
    during_call(
        &options,
        || {
            assert_eq!(fixture.api.authorize_many(&pairs_of(&keys), &options).0, "B2_OK");
            let mut seen = seen.lock().expect("no panic");
            assert_eq!(seen.len(), 6, "the caller's and five more");
            assert!(seen.remove(&thread_id()), "the caller works too");
            // The kernel may take a moment to remove a thread that was joined.
            let exists = |id: &i32| std::path::Path::new(&format!("/proc/self/task/{id}")).exists();
            wait_until("each thread ends", || !seen.iter().any(exists));
        },
        || {
            assert!(fixture.sandbox.wait_until_held("latch", 6, TEST_TIMEOUT));
            fixture.sandbox.release("latch");
        },
    );
}

#[test]
fn with_concurrency_1_the_callers_thread_does_all_work() {
    let (fixture, keys) = fixture_with_keys(10);
    let options = fixture.options.with(&[("concurrency", "1")]);
    let seen = logging_threads(&options);
    assert_eq!(fixture.api.authorize_many(&pairs_of(&keys), &options).0, "B2_OK");
    assert_eq!(*seen.lock().expect("no panic"), HashSet::from([thread_id()]));
}

#[test]
fn a_panic_fails_only_its_own_entry_on_every_thread() {
    // With one thread the work is done on the caller's, where a panic would end all entries.
    for concurrency in ["1", "8"] {
        let (fixture, keys) = fixture_with_keys(12);
        let options = fixture.options.with(&[("concurrency", concurrency)]);
        fixture.api.plant_panic();
        let (status, results) = fixture.api.authorize_many(&pairs_of(&keys), &options);
        let mut names: Vec<_> = results.iter().map(status_name).collect();
        names.sort_unstable();
        assert_eq!(
            (status.as_str(), names[0], &names[1..]),
            ("B2_INTERNAL_ERROR", "B2_INTERNAL_ERROR", &["B2_OK"; 11][..])
        );
        assert_eq!(fixture.api.authorize_many(&pairs_of(&keys), &options).0, "B2_OK");
    }
}

#[test]
fn an_empty_batch_succeeds() {
    let fixture = Fixture::new();
    let (status, results) = fixture.api.authorize_many(&[], &fixture.options);
    assert_eq!((status.as_str(), results.len(), fixture.requests()), ("B2_OK", 0, 0));
    // SAFETY: with no entries nothing is read.
    let status = unsafe { (fixture.api.f.b2_authorize_many)(null(), null(), 0, null_mut(), null_mut(), null_mut()) };
    assert_eq!(status, 0);
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    if subprocess::task().is_none() {
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
    // Cached by one thread, so that a second one would need a stack.
    let single = options.with(&[("concurrency", "1")]);
    assert_eq!(api.authorize_many(&pairs_of(&keys), &single).0, "B2_OK");
    let all: Vec<_> = pairs_of(&keys).into_iter().cycle().take(10_000).collect();
    let (address_space, memory) = (measured("VmPeak"), measured("VmRSS"));
    drop(api.authorize_many(&all[..100], &options));
    let more_address_space = measured("VmPeak") - address_space;
    let (status, results) = api.authorize_many(&all, &options.with(&[("cache", "refresh"), ("concurrency", "64")]));
    let correct = results.iter().zip(&all).filter(|(result, pair)| key_id(result).as_deref() == pair.0).count();
    let blank =
        api.authorize_many(&[(None, None), (Some(" "), Some("")), (Some(ID), None), (None, Some(KEY))], &options).1;
    let blanks: Vec<_> = blank.iter().map(|result| json!([status_name(result), key_id(result)])).collect();
    let outcome = json!({"status": status, "correct": correct, "requests": api.counter("requests"), "blanks": blanks,
        "addressSpaceKib": more_address_space, "memoryKib": measured("VmHWM") - memory});
    print!("{}", subprocess::report(&outcome));
}

#[test]
fn ten_thousand_entries_take_little_memory_and_cache_hits_take_no_thread() {
    let (fixture, _) = fixture_with_keys(100);
    let outcome = run_with_key("batch::child", &fixture);
    assert_eq!((&outcome["status"], &outcome["correct"]), (&json!("B2_OK"), &json!(10_000)), "{outcome}");
    assert_eq!(outcome["requests"], json!(201), "each key twice, and the environment's");
    let kib = |name: &str| outcome[name].as_u64().expect("a number");
    assert!(kib("addressSpaceKib") < 1_024, "a thread was started: {outcome}");
    assert!(kib("memoryKib") < 64 * 1_024, "{outcome}");
    let from_environment: Value = json!(["B2_OK", ID]);
    assert_eq!(
        outcome["blanks"],
        json!([from_environment, from_environment, from_environment, ["B2_INVALID_ARGUMENT", null]]),
        "NULL is blank"
    );
}
