use serde_json::json;

use crate::reply::{RefusalBody, parse_refusal};

#[test]
fn refusals_are_parsed_as_far_as_possible() {
    let read = |body: &str| {
        let RefusalBody { code, message, .. } = parse_refusal(body.as_bytes(), str::to_owned);
        (code.unwrap_or_default(), message.unwrap_or_default())
    };
    let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    for (body, expected) in [
        (r#"{"code":"bad_auth_token","message":"","status":401}"#, pair("bad_auth_token", "")),
        (r#"{"code":null,"message":"Try later","status":"503"}"#, pair("", "Try later")),
        (r#"{"code":7,"message":["x"]}"#, pair("", "")),
        (r#"{"code":"a\u0000b","message":" two\r\n\tlines\u0000\u001b[2J\u202e "}"#, pair("", "two lines [2J")),
        (r#"{"code":"a","code":"b","message":"m"}"#, pair("", "m")),
        (r#"["bad_auth_token"]"#, pair("", "")),
        ("<html>", pair("", "")),
        ("", pair("", "")),
        ("{\"code\":\"x\"", pair("", "")),
    ] {
        assert_eq!(read(body), expected, "{body}");
    }
    assert_eq!(parse_refusal(b"\xff\xfe", str::to_owned), RefusalBody::default());
    let (code, message) = read(&json!({"code": "c".repeat(65), "message": "é".repeat(301)}).to_string());
    assert_eq!((code.as_str(), message.chars().count(), message.ends_with("é…")), ("", 300, true));
    let (_, message) = read(&json!({"message": "é".repeat(300)}).to_string());
    assert_eq!((message.chars().count(), message.ends_with('é')), (300, true));
}

#[test]
fn a_refusal_is_b2s_if_it_has_the_form_of_one() {
    for (body, is_b2) in [
        (r#"{"code":"bad_auth_token","message":"","status":401}"#, true),
        (r#"{"status":401,"code":"unauthorized"}"#, true),
        (r#"{"code":"unauthorized","message":""}"#, true),
        (r#"{"code":"unauthorized"}"#, false),
        (r#"{"message":"Unauthorized"}"#, false),
        (r#"{"message":"Forbidden","status":403}"#, false),
        (r#"{"code":401,"message":"Unauthorized","status":401}"#, false),
        (r#"{"error":{"code":"unauthorized","message":""}}"#, false),
        ("<html><title>401</title></html>", false),
        ("", false),
    ] {
        assert_eq!(parse_refusal(body.as_bytes(), str::to_owned).is_b2, is_b2, "{body}");
    }
}

#[test]
fn a_secret_is_redacted_before_a_long_message_is_truncated() {
    let mask = |text: &str| text.replace("secret", "***");
    for blanks in 290..300 {
        let body = format!(r#"{{"message":"{}secret"}}"#, "x".repeat(blanks));
        let message = parse_refusal(body.as_bytes(), mask).message.expect("a message");
        assert!(!message.contains('s') && message.chars().count() <= 300, "{message}");
    }
}
