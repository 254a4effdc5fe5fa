//! Invalid requests of the JSON action: the message says what is wrong, and repeats nothing of the caller's.

use std::ffi::CString;

use serde_json::json;

use crate::json_action::{MARK, refuse, status};
use crate::support::api;
use crate::support::concurrent::timed;
use crate::support::fixture::{ID, KEY, TEST_TIMEOUT};

const NOT_KNOWN: &str = "the request has an unknown field";

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_name() {
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
            let (message, hint) = refuse(api, &json!({name: value}).to_string());
            // What cannot be a name is not repeated.
            let shown = if name.starts_with(' ') { String::new() } else { format!(" \"{name}\"") };
            assert_eq!((message, hint), (format!("{NOT_KNOWN}{shown}"), format!("did you mean \"{nearest}\"?")));
        }
    }
}

#[test]
fn a_key_used_as_a_field_name_is_not_repeated() {
    let api = api::load();
    for name in [MARK.to_owned(), format!("{MARK}\u{1}\n"), format!("key{MARK}"), format!("{MARK}{}", "x".repeat(99))] {
        let name = json!(name);
        for request in [format!("{{{name}:1}}"), format!("{{{name}:1,{name}:1}}"), format!("[{{{name}:{{}}}}]")] {
            let answer = api.authorize_json(&request).to_string();
            assert!(answer.contains(NOT_KNOWN) && !answer.contains(MARK), "{answer}");
        }
    }
}

#[test]
fn a_duplicate_field_is_refused_even_with_the_same_value() {
    let api = api::load();
    for name in ["keyId", "applicationKeyId", "key", "applicationKey", "realm", "max_attempts", "fields"] {
        for (first, second) in [("null", "null"), ("1", "null"), (r#""1""#, r#""1""#), (r#""K001marked7f3a""#, "2")] {
            let answer = api.authorize_json(&format!(r#"{{"{name}":{first},"{name}":{second}}}"#));
            assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{answer}");
            assert!(!answer.to_string().contains(MARK), "{answer}");
        }
        let (message, _) = refuse(api, &format!(r#"{{"{name}":null,"{name}":null}}"#));
        assert_eq!(message, format!("the request has \"{name}\" twice"));
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_field() {
    let api = api::load();
    let marked = json!([MARK]).to_string();
    let inside = json!({MARK: MARK}).to_string();
    for name in ["keyId", "key", "applicationKeyId", "applicationKey", "realm", "max_attempts", "fields", "ca_file"] {
        for value in
            ["true", "false", "1.5", "-0", "1e2", "123456789012345678901234567890", "[]", "{}", &marked, &inside]
        {
            let (message, _) = refuse(api, &format!("{{\"{name}\":{value}}}"));
            let field = name.replace("applicationKeyId", "keyId").replace("applicationKey", "key");
            assert!(message.starts_with(&format!("\"{field}\" is ")), "{value}: {message}");
        }
        refuse(api, &format!("{{\"{name}\":1e999}}"));
    }
    for name in ["keyId", "key"] {
        refuse(api, &format!("{{\"{name}\":1}}"));
    }
}

#[test]
fn text_that_is_no_request_is_refused_with_its_reason() {
    let api = api::load();
    for (request, expected) in [
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
        let (message, _) = refuse(api, request);
        assert!(message.contains(expected), "{request}: {message}");
    }
    for bytes in [&b"{\"keyId\":\"\xff\"}"[..], b"\xff", b"{\"key\":\"\xed\xa0\x80\"}", b"[{},\xc3]"] {
        let (status, text) = api.authorize_json_text(Some(&CString::new(bytes).expect("no NUL")));
        assert!(status == "B2_INVALID_ARGUMENT" && text.contains("is not UTF-8 from byte"), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    let api = api::load();
    for open in ["[", "{\"a\":", "[{\"key\":", "{\"key\":["] {
        let (message, _) = refuse(api, &open.repeat(100_000));
        assert!(message.contains("nested too deeply"), "{message}");
    }
    let (message, _) = refuse(api, &format!("{{\"key\":{}{}}}", "[".repeat(30), "]".repeat(30)));
    assert!(message.starts_with("\"key\" is an array"), "{message}");
}

#[test]
fn ten_mebibytes_have_a_short_answer_in_time() {
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
        let (answer, took) = timed(|| api.authorize_json(&request));
        assert!(took < TEST_TIMEOUT, "{took:?}: {request:.20}");
        assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{request:.20}");
        assert!(answer.to_string().len() < 1_000, "{request:.20}");
    }
}

#[test]
fn a_field_that_is_near_no_other_is_named_without_a_suggestion() {
    let api = api::load();
    for name in ["accountId", "bucket", "authorizationToken"] {
        let answer = api.authorize_json(&json!({name: "x"}).to_string());
        assert_eq!(status(&answer), "B2_INVALID_ARGUMENT", "{answer}");
        assert_eq!(answer["error"]["message"], format!("{NOT_KNOWN} \"{name}\""));
        assert!(!answer["error"]["hint"].to_string().contains("did you mean"), "{answer}");
    }
}
