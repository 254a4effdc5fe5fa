//! The JSON action with an array of requests: one answer for each, in their order.

use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::{Value, json};

use crate::json_action::{request, status};
use crate::support::api::c_string;
use crate::support::concurrent::{assert_stays_false, during_call, eventually, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

/// A request for a key of that number, with these fields besides.
fn numbered(fixture: &Fixture, number: usize, fields: &Value) -> Value {
    let (id, key) = (format!("0014aa9865d6f00000000{number:04}"), format!("K001batch/of+a+test/01234567{number:04}"));
    fixture.sandbox.add_key(Key::new(&id, &key));
    let mut request = request(fixture, fields);
    request["keyId"] = json!(id);
    request["key"] = json!(key);
    request
}

fn statuses(answer: &Value) -> Vec<&str> {
    answer.as_array().expect("an array has an array as its answer").iter().map(status).collect()
}

#[test]
fn an_empty_array_returns_an_empty_array() {
    let fixture = Fixture::new();
    for request in ["[]", " [ ]\n", "\u{feff}[]"] {
        assert_eq!(fixture.api.authorize_json_text(Some(&c_string(request))), ("B2_OK".to_owned(), "[]".to_owned()));
    }
}

#[test]
fn valid_and_invalid_requests_each_have_their_own_answer() {
    let fixture = Fixture::new();
    let good = |fields: Value| request(&fixture, &fields);
    let wrong = good(json!({"key": "K001wrong/0123456789abcdefghijkl"}));
    let requests = json!([good(json!({})), wrong, 5, null, "x", [], [good(json!({}))], {"a": [{"b": {}}]}, {"key": "K"},
        good(json!({"fields": "all"}))]);
    let answer = fixture.api.authorize_json(&requests.to_string());
    let mut expected = vec!["B2_INVALID_ARGUMENT"; 10];
    (expected[0], expected[1], expected[9]) = ("B2_OK", "B2_BAD_CREDENTIALS", "B2_OK");
    assert_eq!(statuses(&answer), expected, "{answer}");
    assert_eq!(answer[0].as_object().map(serde_json::Map::len), Some(4));
    assert_eq!((&answer[9]["keyId"], &answer[9]["accountId"]), (&json!(ID), &answer[0]["accountId"]));
    let message = |entry: usize| answer[entry]["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(
        [3, 4, 5].map(message),
        ["null", "a string", "an array"].map(|kind| format!("a request is a JSON object, not {kind}"))
    );
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn the_status_is_that_of_the_first_entry_that_failed() {
    let fixture = Fixture::new();
    let good = request(&fixture, &json!({}));
    let wrong = request(&fixture, &json!({"key": "K001wrong/0123456789abcdefghijkl"}));
    for (requests, expected) in [
        (json!([good, good]), "B2_OK"),
        (json!([good, 1, wrong]), "B2_INVALID_ARGUMENT"),
        (json!([good, wrong, 1]), "B2_BAD_CREDENTIALS"),
    ] {
        assert_eq!(fixture.api.authorize_json_text(Some(&c_string(&requests.to_string()))).0, expected);
    }
}

#[test]
fn equal_requests_share_one_request_to_b2_even_without_the_cache() {
    let fixture = Fixture::new();
    for (cache, made) in [("use", 1), ("bypass", 2), ("refresh", 3)] {
        let requests: Vec<_> = (0..50).map(|_| request(&fixture, &json!({"cache": cache}))).collect();
        let answer = fixture.api.authorize_json(&json!(requests).to_string());
        assert!(answer.as_array().expect("a list").iter().all(|entry| *entry == answer[0]), "{answer}");
        assert_eq!((statuses(&answer).len(), fixture.requests()), (50, made), "{cache}");
    }
}

#[test]
fn the_largest_concurrency_in_the_array_applies() {
    for (given, expected) in [(vec![json!(1)], 1), (vec![json!(2), json!("3"), json!(null)], 3), (vec![], 8)] {
        let fixture = Fixture::new();
        fixture.sandbox.script("*", [Fault::hold("latch").forever()]);
        let requests: Vec<_> = (0..12)
            .map(|number| match given.get(number) {
                Some(concurrency) => numbered(&fixture, number, &json!({"concurrency": concurrency})),
                None => numbered(&fixture, number, &json!({})),
            })
            .collect();
        let answer = during_call(
            &fixture.options,
            || fixture.api.authorize_json(&json!(requests).to_string()),
            || {
                let held = fixture.sandbox.wait_until_held("latch", expected, TEST_TIMEOUT);
                let more = eventually(|| fixture.sandbox.held("latch") > expected, Duration::from_millis(120));
                // In any case, so that the call ends.
                fixture.sandbox.release("latch");
                assert!(held && !more, "not {expected} for {given:?}");
            },
        );
        assert_eq!(statuses(&answer), ["B2_OK"; 12]);
    }
}

#[test]
fn the_largest_batch_timeout_in_the_array_applies() {
    let fixture = Fixture::new();
    fixture.sandbox.script("*", [Fault::hold("latch").forever()]);
    let times = [json!(0), json!(600_000), json!("700000"), json!(null)];
    let requests: Vec<_> = times
        .iter()
        .enumerate()
        .map(|(number, ms)| {
            let fields = json!({"batch_timeout_ms": ms, "concurrency": 2, "total_timeout_ms": 0,
                "attempt_timeout_ms": 600_000, "max_attempts": 5});
            numbered(&fixture, number, &fields)
        })
        .collect();
    let requests = json!(requests).to_string();
    let answer = std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.api.authorize_json(&requests));
        let held = fixture.sandbox.wait_until_held("latch", 2, TEST_TIMEOUT);
        fixture.api.advance(Duration::from_secs(700));
        let answer = call.join().expect("no panic");
        assert!(held);
        answer
    });
    assert_eq!(statuses(&answer), ["B2_TIMEOUT"; 4], "{answer}");
    for entry in answer.as_array().expect("a list") {
        assert!(entry["error"]["hint"].as_str().is_some_and(|hint| hint.contains("batch_timeout_ms")), "{entry}");
    }
}

#[test]
fn a_panic_fails_only_its_own_entry() {
    let fixture = Fixture::new();
    fixture.api.plant_panic();
    let requests: Vec<_> = (0..12).map(|number| numbered(&fixture, number, &json!({}))).collect();
    let answer = fixture.api.authorize_json(&json!(requests).to_string());
    let mut names = statuses(&answer);
    names.sort_unstable();
    assert_eq!((names[0], &names[1..]), ("B2_INTERNAL_ERROR", &["B2_OK"; 11][..]));
}

#[test]
fn an_array_may_have_100000_requests_and_not_one_more() {
    let fixture = Fixture::new();
    let array = |count: usize| format!("[{}1]", "{\"key\":1},".repeat(count - 1));
    let answer = fixture.api.authorize_json(&array(100_000));
    assert_eq!(statuses(&answer), vec!["B2_INVALID_ARGUMENT"; 100_000]);
    let answer = fixture.api.authorize_json(&array(100_001));
    assert_eq!(answer["error"]["message"], "a batch has at most 100000 requests, not 100001");
}

#[test]
fn a_slow_request_does_not_delay_the_others() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let slow = request(&fixture, &json!({"concurrency": 2}));
    let quick: Vec<_> = (0..20).map(|number| numbered(&fixture, number, &json!({}))).collect();
    let requests = json!([vec![slow], quick].concat()).to_string();
    let answer = during_call(
        &fixture.options,
        || fixture.api.authorize_json(&requests),
        || {
            wait_until("the other requests", || fixture.sandbox.authorize_count("*") == 21);
            assert_stays_false("the held request ends", || fixture.sandbox.held("latch") == 0);
            fixture.sandbox.release("latch");
        },
    );
    assert_eq!(statuses(&answer), ["B2_OK"; 21]);
    assert!(!answer.to_string().contains(KEY));
}
