//! The JSON action with an array: as many answers as there were requests, in their order.

use std::time::Duration;

use b2_sandbox::{Fault, Key};
use serde_json::{Value, json};

use crate::json_action::{request, status};
use crate::support::api::c;
use crate::support::concurrent::{aside, never};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

/// A request for a key of that number, with these fields besides.
fn numbered(scene: &Scene, number: usize, fields: &Value) -> Value {
    let (id, key) = (format!("0014aa9865d6f00000000{number:04}"), format!("K001batch/of+a+test/01234567{number:04}"));
    scene.sandbox.add_key(Key::new(&id, &key));
    let mut request = request(scene, fields);
    request["keyId"] = json!(id);
    request["key"] = json!(key);
    request
}

fn places(answer: &Value) -> Vec<&str> {
    answer.as_array().expect("an array is answered by an array").iter().map(status).collect()
}

#[test]
fn an_array_of_nothing_is_answered_with_nothing() {
    let scene = Scene::new();
    for request in ["[]", " [ ]\n", "\u{feff}[]"] {
        assert_eq!(scene.api.action_text(Some(&c(request))), ("B2_OK".to_owned(), "[]".to_owned()));
    }
}

#[test]
fn good_bad_and_rubbish_are_each_answered_in_their_place() {
    let scene = Scene::new();
    let good = |fields: Value| request(&scene, &fields);
    let wrong = good(json!({"key": "K001wrong/0123456789abcdefghijkl"}));
    let requests = json!([good(json!({})), wrong, 5, null, "x", [], [good(json!({}))], {"a": [{"b": {}}]}, {"key": "K"},
        good(json!({"fields": "all"}))]);
    let answer = scene.api.action(&requests.to_string());
    let mut expected = vec!["B2_INVALID_ARGUMENT"; 10];
    (expected[0], expected[1], expected[9]) = ("B2_OK", "B2_BAD_CREDENTIALS", "B2_OK");
    assert_eq!(places(&answer), expected, "{answer}");
    assert_eq!(answer[0].as_object().map(serde_json::Map::len), Some(4));
    assert_eq!((&answer[9]["keyId"], &answer[9]["accountId"]), (&json!(ID), &answer[0]["accountId"]));
    let said = |place: usize| answer[place]["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(
        [3, 4, 5].map(said),
        ["null", "a string", "an array"].map(|kind| format!("a request is a JSON object, not {kind}"))
    );
    assert_eq!(scene.requests(), 2);
}

#[test]
fn the_status_is_that_of_the_lowest_place_that_failed() {
    let scene = Scene::new();
    let good = request(&scene, &json!({}));
    let wrong = request(&scene, &json!({"key": "K001wrong/0123456789abcdefghijkl"}));
    for (requests, expected) in [
        (json!([good, good]), "B2_OK"),
        (json!([good, 1, wrong]), "B2_INVALID_ARGUMENT"),
        (json!([good, wrong, 1]), "B2_BAD_CREDENTIALS"),
    ] {
        assert_eq!(scene.api.action_text(Some(&c(&requests.to_string()))).0, expected);
    }
}

#[test]
fn equal_requests_are_one_request_to_b2_even_past_the_cache() {
    let scene = Scene::new();
    for (cache, made) in [("use", 1), ("bypass", 2), ("refresh", 3)] {
        let requests: Vec<_> = (0..50).map(|_| request(&scene, &json!({"cache": cache}))).collect();
        let answer = scene.api.action(&json!(requests).to_string());
        assert!(answer.as_array().expect("a list").iter().all(|place| *place == answer[0]), "{answer}");
        assert_eq!((places(&answer).len(), scene.requests()), (50, made), "{cache}");
    }
}

#[test]
fn the_concurrency_is_the_largest_that_is_given() {
    for (given, expected) in [(vec![json!(1)], 1), (vec![json!(2), json!("3"), json!(null)], 3), (vec![], 8)] {
        let scene = Scene::new();
        scene.sandbox.script("*", [Fault::hold("gate").forever()]);
        let requests: Vec<_> = (0..12)
            .map(|number| match given.get(number) {
                Some(concurrency) => numbered(&scene, number, &json!({"concurrency": concurrency})),
                None => numbered(&scene, number, &json!({})),
            })
            .collect();
        let answer = aside(
            &scene.options,
            || scene.api.action(&json!(requests).to_string()),
            || {
                let held = scene.sandbox.wait_until_held("gate", expected, PATIENCE);
                let more = crate::support::concurrent::comes(
                    || scene.sandbox.held("gate") > expected,
                    Duration::from_millis(120),
                );
                // Whatever comes of it, so that the call ends.
                scene.sandbox.release("gate");
                assert!(held && !more, "not {expected} for {given:?}");
            },
        );
        assert_eq!(places(&answer), ["B2_OK"; 12]);
    }
}

#[test]
fn the_time_of_a_batch_is_the_largest_that_is_given() {
    let scene = Scene::new();
    scene.sandbox.script("*", [Fault::hold("gate").forever()]);
    let times = [json!(0), json!(600_000), json!("700000"), json!(null)];
    let requests: Vec<_> = times
        .iter()
        .enumerate()
        .map(|(number, ms)| {
            let patient = json!({"batch_timeout_ms": ms, "concurrency": 2, "total_timeout_ms": 0,
                "attempt_timeout_ms": 600_000, "max_attempts": 5});
            numbered(&scene, number, &patient)
        })
        .collect();
    let requests = json!(requests).to_string();
    let answer = std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.api.action(&requests));
        let held = scene.sandbox.wait_until_held("gate", 2, PATIENCE);
        scene.api.pass(Duration::from_secs(700));
        let answer = call.join().expect("no panic");
        assert!(held);
        answer
    });
    assert_eq!(places(&answer), ["B2_TIMEOUT"; 4], "{answer}");
    for place in answer.as_array().expect("a list") {
        assert!(place["error"]["hint"].as_str().is_some_and(|hint| hint.contains("batch_timeout_ms")), "{place}");
    }
}

#[test]
fn a_panic_is_answered_in_its_own_place() {
    let scene = Scene::new();
    scene.api.plant_panic();
    let requests: Vec<_> = (0..12).map(|number| numbered(&scene, number, &json!({}))).collect();
    let answer = scene.api.action(&json!(requests).to_string());
    let mut names = places(&answer);
    names.sort_unstable();
    assert_eq!((names[0], &names[1..]), ("B2_INTERNAL_ERROR", &["B2_OK"; 11][..]));
}

#[test]
fn a_hundred_thousand_requests_are_answered_and_one_more_is_refused() {
    let scene = Scene::new();
    let array = |count: usize| format!("[{}1]", "{\"key\":1},".repeat(count - 1));
    let answer = scene.api.action(&array(100_000));
    assert_eq!(places(&answer), vec!["B2_INVALID_ARGUMENT"; 100_000]);
    let answer = scene.api.action(&array(100_001));
    assert_eq!(answer["error"]["message"], "a batch has at most 100000 requests, not 100001");
}

#[test]
fn a_key_that_is_put_off_holds_up_nobody_else() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let slow = request(&scene, &json!({"concurrency": 2}));
    let quick: Vec<_> = (0..20).map(|number| numbered(&scene, number, &json!({}))).collect();
    let requests = json!([vec![slow], quick].concat()).to_string();
    let answer = aside(
        &scene.options,
        || scene.api.action(&requests),
        || {
            crate::support::concurrent::until("the others", || scene.sandbox.authorize_count("*") == 21);
            never("the end of the slow one", || scene.sandbox.held("gate") == 0);
            scene.sandbox.release("gate");
        },
    );
    assert_eq!(places(&answer), ["B2_OK"; 21]);
    assert!(!answer.to_string().contains(KEY));
}
