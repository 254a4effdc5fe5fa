//! The JSON action: each request has one answer, whatever the caller wrote and whatever B2 returned.

use std::ptr::null_mut;

use b2_sandbox::{Body, Fault, Key};
use serde_json::{Value, json};

use crate::support::api::{self, Api, c_string};
use crate::support::fixture::{Fixture, ID, KEY};
use crate::support::subprocess;

/// In every value that must not be in an answer.
pub const MARK: &str = "K001marked7f3a";

/// A request with a fixture's key and realm, and these fields besides; null removes one.
pub fn request(fixture: &Fixture, fields: &Value) -> Value {
    let mut request = json!({"keyId": ID, "key": KEY, "realm": fixture.sandbox.http(), "rate_limit_per_minute": 0,
        "initial_backoff_ms": 1});
    for (name, value) in fields.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

fn authorize(fixture: &Fixture, fields: &Value) -> Value {
    fixture.api.authorize_json(&request(fixture, fields).to_string())
}

/// The name of an answer's status.
pub fn status(answer: &Value) -> &str {
    answer.get("error").map_or("B2_OK", |error| error["status"].as_str().expect("a name"))
}

/// The message and the hint of a request that is refused, which must not contain the mark.
pub fn refuse(api: &Api, request: &str) -> (String, String) {
    let answer = api.authorize_json(request);
    assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{request:.200}: {answer}");
    assert!(!answer.to_string().contains(MARK), "{answer}");
    let text = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
    (text("message"), text("hint"))
}

/// Runs one of the tests that need a process of their own, with the fixture's key in its environment.
pub fn run_with_key(test: &str, fixture: &Fixture) -> Value {
    let mut command = subprocess::command(test, &Value::Null);
    command.env("B2_APPLICATION_KEY_ID", ID).env("B2_APPLICATION_KEY", KEY);
    subprocess::run(command.env("B2_ENVIRONMENT", fixture.sandbox.http()))
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    if subprocess::task().is_none() {
        return;
    }
    let api = api::load();
    let texts = [None, Some(""), Some(" \r\n\t"), Some("{}"), Some(" {} "), Some(r#"{"keyId":null,"key":"\n "}"#)];
    let more = [Some(r#"{"applicationKeyId":" ","key":null,"applicationKey":null}"#), Some("\u{feff}{}")];
    let ask = |request: Option<&str>| api.authorize_json_text(request.map(c_string).as_deref());
    let answers: Vec<_> = texts.into_iter().chain(more).map(ask).collect();
    print!("{}", subprocess::report(&json!(answers)));
}

#[test]
fn a_blank_request_returns_exactly_the_four_default_fields() {
    let fixture = Fixture::new();
    let answers = run_with_key("json_action::child", &fixture);
    let session = answers[0][1].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()).expect("JSON");
    let url = fixture.sandbox.http();
    let token = session["authorizationToken"].as_str().expect("a token");
    let four = format!(
        r#"{{"accountId":"4aa9865d6f00","apiUrl":"{url}","authorizationToken":"{token}","downloadUrl":"{url}"}}"#
    );
    for answer in answers.as_array().expect("a list") {
        assert_eq!(answer, &json!(["B2_OK", four]));
    }
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn the_answer_has_the_values_of_the_session() {
    let fixture = Fixture::new();
    let session = fixture.authorize().expect("granted");
    let all = session.json();
    let four =
        ["accountId", "apiUrl", "authorizationToken", "downloadUrl"].map(|name| (name.to_owned(), all[name].clone()));
    assert_eq!(authorize(&fixture, &json!({})), Value::Object(four.into_iter().collect()));
    let (status, text) =
        fixture.api.authorize_json_text(Some(&c_string(&request(&fixture, &json!({"fields": "all"})).to_string())));
    assert_eq!((status.as_str(), Some(text)), ("B2_OK", session.text(|f| f.b2_session_json)));
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn both_names_of_a_key_field_are_accepted_if_they_agree() {
    let fixture = Fixture::new();
    let spaced = (format!(" {ID}\n"), format!("\t{KEY} "));
    for (fields, expected) in [
        (json!({"keyId": null, "key": null, "applicationKeyId": ID, "applicationKey": KEY}), "B2_OK"),
        (json!({"applicationKeyId": ID, "applicationKey": KEY}), "B2_OK"),
        (json!({"applicationKeyId": spaced.0, "applicationKey": spaced.1}), "B2_OK"),
        (json!({"keyId": spaced.0, "key": spaced.1}), "B2_OK"),
        (json!({"keyId": " ", "applicationKeyId": ID, "applicationKey": ""}), "B2_OK"),
        (json!({"applicationKeyId": null, "applicationKey": null}), "B2_OK"),
        (json!({"applicationKeyId": MARK}), "B2_INVALID_ARGUMENT"),
        (json!({"applicationKey": MARK}), "B2_INVALID_ARGUMENT"),
        (json!({"keyId": ""}), "B2_INVALID_ARGUMENT"),
    ] {
        let answer = authorize(&fixture, &fields);
        assert_eq!(status(&answer), expected, "{fields}: {answer}");
        assert!(!answer.to_string().contains(MARK), "{answer}");
    }
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn every_option_is_a_field_as_a_string_and_as_a_number() {
    let fixture = Fixture::new();
    let ca_file = fixture.sandbox.ca_file().to_str().expect("UTF-8").to_owned();
    for (name, good, bad) in [
        ("realm", json!(fixture.sandbox.http()), json!("ftp://x")),
        ("profile", json!("work"), json!("a b")),
        ("account_info", json!("/nowhere"), Value::Null),
        ("cache", json!("use"), json!("sometimes")),
        ("min_remaining_s", json!(82_800), json!(82_801)),
        ("store", json!("none"), json!("file")),
        ("store_required", json!(1), json!(2)),
        ("max_attempts", json!(5), json!(6)),
        ("initial_backoff_ms", json!(60_000), json!(60_001)),
        ("max_backoff_ms", json!(64_000), json!(64_001)),
        ("connect_timeout_ms", json!(600_000), json!(600_001)),
        ("attempt_timeout_ms", json!(600_000), json!(0)),
        ("total_timeout_ms", json!(0), json!(3_600_001)),
        ("batch_timeout_ms", json!(86_400_000), json!(86_400_001)),
        ("negative_ttl_s", json!(3_600), json!(-1)),
        ("rate_limit_per_minute", json!(0), json!(u64::MAX)),
        ("proxy", json!("none"), json!("ftp://x")),
        ("ca_file", json!(ca_file), Value::Null),
        ("user_agent", json!("test/1"), json!("ü")),
        ("concurrency", json!(64), json!(65)),
        ("fields", json!("action"), json!("some")),
    ] {
        let as_text = |value: &Value| json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        for good in [as_text(&good), good] {
            assert_eq!(status(&authorize(&fixture, &json!({name: good}))), "B2_OK", "{name} {good}");
        }
        for bad in [as_text(&bad), bad].into_iter().filter(|bad| !bad.is_null() && bad != "null") {
            let (message, _) = refuse(fixture.api, &request(&fixture, &json!({name: bad})).to_string());
            assert!(message.contains(&format!("\"{name}\"")), "{message}");
        }
        if name != "realm" && name != "rate_limit_per_minute" {
            assert_eq!(status(&authorize(&fixture, &json!({name: null}))), "B2_OK", "{name}");
        }
    }
}

#[test]
fn an_option_in_a_request_takes_effect() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(503).forever()]);
    for attempts in [json!(2), json!("3")] {
        let answer = authorize(&fixture, &json!({"max_attempts": attempts}));
        let made = answer["error"]["attempts"].as_array().map(Vec::len);
        assert_eq!(made, attempts.as_str().map_or(Some(2), |_| Some(3)), "{answer}");
    }
    assert_eq!(
        authorize(&fixture, &json!({"max_attempts": null}))["error"]["attempts"].as_array().map(Vec::len),
        Some(5)
    );
}

#[test]
fn hostile_replies_of_b2_are_returned_as_valid_json() {
    let fixture = Fixture::new();
    let hostile = "a\"b\\c\u{1}\u{1f}\u{7f}\u{2028}\u{2029}\u{feff}</script>\u{10ffff}é";
    let key = Key::new("0014aa9865d6f0000000000c0", KEY).bucket("b1", Some(hostile)).bucket("b2", None);
    fixture.sandbox.add_key(Key { name_prefix: Some(hostile.into()), ..key });
    let restricted = json!({"keyId": "0014aa9865d6f0000000000c0", "fields": "all", "max_attempts": 1});
    let allowed = &authorize(&fixture, &restricted)["allowed"];
    assert_eq!(allowed["namePrefix"], hostile);
    assert_eq!(allowed["buckets"], json!([{"id": "b1", "name": hostile}, {"id": "b2", "name": null}]));
    let lone = br#"{"status":400,"code":"\ud800","message":"\udc00 \ud800x"}"#;
    for fault in [
        Fault::status(400).message(hostile).code(hostile),
        Fault::status(500).message(&format!("{hostile}\0")).header("X-Bz-Request-Id", "\"\\'"),
        Fault::status(429).message(hostile).retry_after("\"1\\"),
        Fault::status(400).raw_body(lone),
        Fault::none().raw_body(lone),
        Fault::none().set("/accountId", hostile.into()),
        Fault::none().set("/authorizationToken", hostile.into()),
        Fault::none().set("/apiInfo/storageApi/apiUrl", format!("https://{hostile}").into()),
        Fault::none().set("/apiInfo/storageApi/namePrefix", format!("{hostile}\0").into()),
        Fault::with_body(Body::NotUtf8),
        Fault::with_body(Body::JsonBomb),
    ] {
        fixture.sandbox.script(ID, [fault.clone()]);
        let answer = authorize(&fixture, &json!({"cache": "bypass", "fields": "all", "max_attempts": 1}));
        assert!(answer.get("error").is_some() || answer["accountId"] == hostile, "{fault:?}: {answer}");
    }
}

#[test]
fn a_failure_has_every_field_of_the_error() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(401).code("bad_auth_token").message("no")]);
    let answer = authorize(&fixture, &json!({}));
    let error = answer["error"].as_object().expect("an error");
    let names: Vec<_> = error.keys().map(String::as_str).collect();
    let known = [
        "attempts",
        "code",
        "hint",
        "httpStatus",
        "keyId",
        "message",
        "requestId",
        "retryAfterMs",
        "retryable",
        "status",
    ];
    assert_eq!(error["keyId"], ID);
    assert_eq!(names, known);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!((&error["status"], &error["code"]), (&json!("B2_BAD_CREDENTIALS"), &json!("bad_auth_token")));
    assert_eq!((&error["httpStatus"], &error["retryable"]), (&json!(401), &json!(false)));
    assert_eq!(error["retryAfterMs"], Value::Null);
    let attempt = &error["attempts"][0];
    assert!(attempt["startedAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{answer}");
    assert!(attempt["durationMs"].is_u64(), "{answer}");
    assert_eq!((&attempt["httpStatus"], &attempt["code"]), (&json!(401), &json!("bad_auth_token")));
    assert_eq!(attempt["waitMs"], 0);
    let cached = authorize(&fixture, &json!({}));
    assert_eq!(cached["error"]["attempts"], json!([]), "there was no other request");
    fixture.sandbox.script(ID, [Fault::status(429).retry_after("7")]);
    let limited = authorize(&fixture, &json!({"cache": "bypass", "max_attempts": 1}));
    assert_eq!((status(&limited), &limited["error"]["retryAfterMs"]), ("B2_RATE_LIMITED", &json!(7_000)));
    assert_eq!(limited["error"]["retryable"], true);
}

#[test]
fn the_buffer_form_fills_and_returns_as_snprintf_does() {
    let fixture = Fixture::new();
    let good = request(&fixture, &json!({})).to_string();
    for request in [good.as_str(), "[]", "rubbish"] {
        let (_, whole) = fixture.api.authorize_json_text(Some(&c_string(request)));
        let long = whole.len();
        for size in [0, 1, 2, long - 1, long, long + 1, long + 100] {
            let (buffer, length) = fixture.api.authorize_json_into(request, size);
            assert_eq!(length, long, "size {size}");
            if size > 0 {
                let fits = long.min(size - 1);
                assert_eq!((&buffer[..fits], buffer[fits]), (&whole.as_bytes()[..fits], 0), "size {size}");
                assert!(buffer[fits + 1..].iter().all(|byte| *byte == 0xa5), "nothing after the NUL");
            }
        }
        for size in [0, 5] {
            // SAFETY: nothing is written to NULL.
            let length =
                unsafe { (fixture.api.f.b2_authorize_json_into)(c_string(request).as_ptr(), null_mut(), size) };
            assert_eq!(length, long);
        }
    }
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn a_null_output_pointer_makes_no_request() {
    let fixture = Fixture::new();
    let request = c_string(&request(&fixture, &json!({})).to_string());
    // SAFETY: NULL is allowed, and refused.
    assert_eq!(unsafe { (fixture.api.f.b2_authorize_json)(request.as_ptr(), null_mut()) }, 1);
    // SAFETY: NULL is allowed.
    unsafe { (fixture.api.f.b2_string_free)(null_mut()) };
    assert_eq!(fixture.requests(), 0);
}

#[test]
fn a_panic_has_an_answer() {
    let fixture = Fixture::new();
    fixture.api.plant_panic();
    let answer = authorize(&fixture, &json!({}));
    assert_eq!(status(&answer), "B2_INTERNAL_ERROR", "{answer}");
    assert_eq!(status(&authorize(&fixture, &json!({}))), "B2_OK");
}
