//! Requests of the JSON action that are none: refused in so many words, none of which is the caller's.

use std::ffi::CString;

use serde_json::json;

use crate::json_action::{MARK, refused, status};
use crate::support::api;
use crate::support::concurrent::timed;
use crate::support::fixture::{ID, KEY, PATIENCE};

const NOT_KNOWN: &str = "the request has a field that is not known";

#[test]
fn a_field_that_is_not_known_is_answered_with_the_nearest_that_is() {
    let api = api::load();
    for (name, nearest) in [
        ("keyid", "keyId"),
        ("Key", "key"),
        ("applicationkey", "applicationKey"),
        ("applicationKeyID", "applicationKeyId"),
        ("max_attempt", "max_attempts"),
        ("totalTimeoutMs", "total_timeout_ms"),
        (" realm", "realm"),
        ("field", "fields"),
    ] {
        for value in [json!("x"), json!(1), json!(null), json!({"a": []})] {
            let (message, hint) = refused(api, &json!({name: value}).to_string());
            assert_eq!((message.as_str(), hint), (NOT_KNOWN, format!("did you mean \"{nearest}\"?")), "{name}");
        }
    }
}

#[test]
fn a_key_in_the_place_of_a_name_is_not_repeated() {
    let api = api::load();
    for name in [MARK.to_owned(), format!("{MARK}\u{1}\n"), format!("key{MARK}"), format!("{MARK}{}", "x".repeat(99))] {
        let name = json!(name);
        for request in [format!("{{{name}:1}}"), format!("{{{name}:1,{name}:1}}"), format!("[{{{name}:{{}}}}]")] {
            let answer = api.action(&request).to_string();
            assert!(answer.contains(NOT_KNOWN) && !answer.contains(MARK), "{answer}");
        }
    }
}

#[test]
fn the_same_field_twice_is_refused_even_with_the_same_value() {
    let api = api::load();
    for name in ["keyId", "applicationKeyId", "key", "applicationKey", "realm", "max_attempts", "fields"] {
        for (first, second) in [("null", "null"), ("1", "null"), (r#""1""#, r#""1""#), (r#""K001marked7f3a""#, "2")] {
            let answer = api.action(&format!(r#"{{"{name}":{first},"{name}":{second}}}"#));
            assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{answer}");
            assert!(!answer.to_string().contains(MARK), "{answer}");
        }
        let (message, _) = refused(api, &format!(r#"{{"{name}":null,"{name}":null}}"#));
        assert_eq!(message, format!("the request has \"{name}\" twice"));
    }
}

#[test]
fn a_value_of_another_kind_is_refused_by_the_name_of_its_field() {
    let api = api::load();
    let marked = json!([MARK]).to_string();
    let inside = json!({MARK: MARK}).to_string();
    for name in ["keyId", "key", "applicationKeyId", "applicationKey", "realm", "max_attempts", "fields", "ca_file"] {
        for value in
            ["true", "false", "1.5", "-0", "1e2", "123456789012345678901234567890", "[]", "{}", &marked, &inside]
        {
            let (message, _) = refused(api, &format!("{{\"{name}\":{value}}}"));
            let field = name.replace("applicationKeyId", "keyId").replace("applicationKey", "key");
            assert!(message.starts_with(&format!("\"{field}\" is ")), "{value}: {message}");
        }
        refused(api, &format!("{{\"{name}\":1e999}}"));
    }
    for name in ["keyId", "key"] {
        refused(api, &format!("{{\"{name}\":1}}"));
    }
}

#[test]
fn what_is_no_request_is_refused_and_said_to_be() {
    let api = api::load();
    for (request, said) in [
        ("null", "not null"),
        ("true", "not a boolean"),
        ("5", "not a number"),
        ("-0", "not a number"),
        (r#""K001marked7f3a""#, "not a string"),
        ("K001marked7f3a", "is not JSON"),
        ("{} {}", "is not JSON"),
        ("{'keyId': 1}", "is not JSON"),
        (r#"{"keyId":"K001marked7f3a""#, "is cut short"),
        (r#"{"keyId":"K001marked7f3a"#, "is cut short"),
        ("{\"key\":\"K001marked7f3a\n\"}", "is not JSON"),
        (r#"{"key":"\ud800"}"#, "is not JSON"),
        (r#"[{"key":"K001marked7f3a"},"#, "is cut short"),
        ("<html>K001marked7f3a", "HTML"),
        ("\u{feff}", "empty"),
    ] {
        let (message, _) = refused(api, request);
        assert!(message.contains(said), "{request}: {message}");
    }
    for bytes in [&b"{\"keyId\":\"\xff\"}"[..], b"\xff", b"{\"key\":\"\xed\xa0\x80\"}", b"[{},\xc3]"] {
        let (status, text) = api.action_text(Some(&CString::new(bytes).expect("no NUL")));
        assert!(status == "B2_INVALID_ARGUMENT" && text.contains("is not UTF-8 from byte"), "{text}");
    }
}

#[test]
fn a_hundred_thousand_levels_are_too_deep_and_no_more() {
    let api = api::load();
    for open in ["[", "{\"a\":", "[{\"key\":", "{\"key\":["] {
        let (message, _) = refused(api, &open.repeat(100_000));
        assert!(message.contains("nested too deeply"), "{message}");
    }
    let (message, _) = refused(api, &format!("{{\"key\":{}{}}}", "[".repeat(30), "]".repeat(30)));
    assert!(message.starts_with("\"key\" is an array"), "{message}");
}

#[test]
fn ten_mebibytes_are_answered_in_time_and_in_short() {
    let api = api::load();
    const MUCH: usize = 10 << 20;
    let x = "x".repeat(MUCH);
    for request in [
        format!(r#"{{"keyId":"{x}","key":"{KEY}"}}"#),
        format!(r#"{{"keyId":"{ID}","key":"{}"}}"#, "é".repeat(MUCH / 2)),
        format!(r#"{{"realm":"{x}"}}"#),
        format!(r#"{{"{x}":1}}"#),
        format!("[{}1]", "1,".repeat(MUCH / 2)),
        format!("[{}1]", "{},".repeat(MUCH / 3)),
        format!("{{{}}}", r#""key":1,"#.repeat(MUCH / 8)),
        format!(r#""{x}""#),
        x,
    ] {
        let (answer, took) = timed(|| api.action(&request));
        assert!(took < PATIENCE, "{took:?}: {request:.20}");
        assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{request:.20}");
        assert!(answer.to_string().len() < 1_000, "{request:.20}");
    }
}
