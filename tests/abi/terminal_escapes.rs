//! Errors and logs are read in terminals: no text of a server may control the terminal, fake a second line or reorder
//! text. A session's own data is returned as B2 stored it, byte for byte.

use b2_sandbox::{DateFault, Fault, Length};
use serde_json::{Value, json};

use crate::reply_shapes::{refuse, respond, uncached};
use crate::support::api::Failure;
use crate::support::fixture::{Fixture, ID, KEY};
use crate::support::log_lines::LogLines;

/// Control characters of both sets, line ends, bidirectional controls, and invisible characters.
const SPECIAL: [char; 40] = [
    '\0',
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\t',
    '\n',
    '\u{b}',
    '\u{c}',
    '\r',
    '\u{e}',
    '\u{1b}',
    '\u{1f}',
    '\u{7f}',
    '\u{80}',
    '\u{84}',
    '\u{85}',
    '\u{90}',
    '\u{9b}',
    '\u{9c}',
    '\u{9d}',
    '\u{9f}',
    '\u{ad}',
    '\u{61c}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202e}',
    '\u{2060}',
    '\u{2064}',
    '\u{2066}',
    '\u{2069}',
    '\u{206f}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{e0041}',
];

/// Sets the title, clears the screen, moves up a line, and reverses the text.
const REPAINTS: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[1A\u{9b}2K\r\u{202e}";

/// A fixture whose calls do not use the cache, and its log.
fn uncached_with_log() -> (Fixture, LogLines) {
    let fixture = Fixture::with_options(&[("cache", "bypass"), ("max_attempts", "2"), ("proxy", "none")]);
    let log = LogLines::capture(&fixture.options);
    (fixture, log)
}

/// Each string of a JSON value.
fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(members) => members.values().for_each(|member| strings(member, into)),
        _ => {}
    }
}

/// Fails if a special character is in anything that a failure or its log shows.
fn assert_harmless(context: &str, failure: &Failure, log: &LogLines) {
    let mut shown = log.take();
    assert!(shown.len() > 2, "{context}: too few log lines: {shown:?}");
    shown.push(failure.message.clone());
    shown.extend([&failure.hint, &failure.code, &failure.request_id].into_iter().flatten().cloned());
    strings(&failure.json, &mut shown);
    for text in shown {
        assert!(!text.contains(|c: char| c.is_control() || SPECIAL.contains(&c)), "{context}: {text:?}");
        assert!(text.chars().count() < 700, "{context}: {text:?}");
    }
}

#[test]
fn no_message_of_a_server_controls_a_terminal() {
    let (fixture, log) = uncached_with_log();
    let words: String = SPECIAL.iter().enumerate().map(|(number, c)| format!("w{number}{c}")).collect();
    let expected = words.split(SPECIAL).collect::<Vec<_>>().join(" ");
    for status in [300, 400, 401, 403, 404, 429, 500, 501, 503] {
        for message in [&words, &format!("{REPAINTS}{words}{REPAINTS}"), &format!("{words}{REPAINTS}")] {
            let fault = Fault::status(status).message(message).code(&format!("bad{REPAINTS}code"));
            let failure = respond(&fixture, fault.forever()).expect_err("refused");
            assert_harmless(&format!("{status}"), &failure, &log);
            assert!(failure.message.contains(expected.trim()), "{status}: {failure}");
            assert_eq!(failure.code, None, "such a code is dropped");
        }
    }
}

#[test]
fn the_json_action_is_harmless_before_and_after_parsing() {
    let fixture = uncached();
    let message = format!("a{REPAINTS}b{}c", SPECIAL.iter().collect::<String>());
    fixture.sandbox.script("*", [Fault::status(403).message(&message).forever()]);
    let request = json!({"keyId": ID, "key": KEY, "realm": fixture.sandbox.http()});
    for request in [request.to_string(), json!([request]).to_string()] {
        let (status, text) = fixture.api.authorize_json_text(Some(&crate::support::api::c_string(&request)));
        assert_eq!(status, "B2_ACCESS_DENIED");
        assert!(!text.contains(|c: char| c.is_control() || SPECIAL.contains(&c)), "{text:?}");
        let mut shown = Vec::new();
        strings(&serde_json::from_str(&text).expect("JSON"), &mut shown);
        assert!(shown.iter().any(|text| text.contains("a ]0;title")), "{shown:?}");
        for text in shown {
            assert!(!text.contains(|c: char| c.is_control() || SPECIAL.contains(&c)), "{text:?}");
        }
    }
}

#[test]
fn no_header_controls_a_terminal_or_smuggles_in_another() {
    let (fixture, log) = uncached_with_log();
    let set = |name: &str, value: &str| match name {
        "Date" => Fault::status(403).date(DateFault::Raw(value.to_owned())),
        "Content-Length" => Fault::status(403).length(Length::Raw(value.to_owned())),
        "Location" => Fault::redirect(302, value),
        "Retry-After" => Fault::status(503).retry_after(value),
        name => Fault::status(403).header(name, value),
    };
    for name in ["X-Bz-Request-Id", "Retry-After", "Date", "Location", "Content-Encoding", "Content-Length"] {
        for value in SPECIAL.iter().map(|c| format!("https://a{c}b/")).chain([REPAINTS.to_owned()]) {
            let context = format!("{name}: {value:?}");
            let failure = respond(&fixture, set(name, &value).forever()).expect_err(&context);
            assert_harmless(&context, &failure, &log);
        }
    }
    // A header inside another header's value is part of the response, but not more.
    for smuggled in ["x\r\nX-Bz-Request-Id: two", "x\r\nRetry-After: 3600", "x\r\nLocation: https://evil.example/"] {
        let failure = respond(&fixture, Fault::status(403).header("X-Evil", smuggled)).expect_err("refused");
        assert_eq!((failure.name.as_str(), failure.retry_after_ms), ("B2_ACCESS_DENIED", -1), "{failure}");
        assert!(!failure.message.contains("evil"), "{failure}");
        assert_harmless(smuggled, &failure, &log);
    }
}

#[test]
fn names_chosen_by_users_are_returned_byte_for_byte() {
    let fixture = uncached();
    let e_acute = ["\u{e9}", "e\u{301}"];
    let mut names: Vec<String> = SPECIAL.iter().filter(|c| **c != '\0').map(|c| format!("a{c}b")).collect();
    names.extend(
        [REPAINTS, e_acute[0], e_acute[1], " ", "", "\u{fffe}\u{10ffff}", "日本語", "👩\u{200d}👩", "\"\\/"]
            .map(str::to_owned),
    );
    let buckets: Vec<_> =
        names.iter().enumerate().map(|(at, name)| json!({"id": format!("b{at}"), "name": name})).collect();
    let allowed = json!({"buckets": buckets, "capabilities": names, "namePrefix": names.concat()});
    let session =
        respond(&fixture, Fault::none().set("/apiInfo/storageApi/allowed", allowed.clone())).expect("granted");
    for (at, name) in names.iter().enumerate() {
        assert_eq!(session.text_at(|f| f.b2_session_bucket_name, at).as_ref(), Some(name));
        assert_eq!(session.text_at(|f| f.b2_session_capability, at).as_ref(), Some(name));
        assert!(session.has_capability(name), "{name:?}");
    }
    assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(names.concat()));
    assert_eq!(session.json()["allowed"], allowed);
    let text = session.text(|f| f.b2_session_json).expect("JSON");
    assert!(!text.contains(|c: char| c.is_ascii_control() && c != '\u{7f}'), "JSON escapes them");
    let alike = Fault::none().set("/apiInfo/storageApi/allowed/capabilities", json!([e_acute[0]]));
    let session = respond(&fixture, alike).expect("granted");
    assert!(
        session.has_capability(e_acute[0]) && !session.has_capability(e_acute[1]),
        "names that look the same may differ"
    );
}

#[test]
fn an_id_with_a_special_character_is_refused_and_not_shown() {
    let (fixture, log) = uncached_with_log();
    for c in SPECIAL.into_iter().chain(['\u{301}', '\u{e9}', '\u{456}']) {
        let id = json!(format!("marked7f3a{c}"));
        fixture.api.register_secret("marked7f3a");
        for (path, field) in [
            ("/accountId", "accountId"),
            ("/authorizationToken", "authorizationToken"),
            ("/apiInfo/storageApi/apiUrl", "apiInfo.storageApi.apiUrl"),
            ("/apiInfo/storageApi/s3ApiUrl", "apiInfo.storageApi.s3ApiUrl"),
        ] {
            assert_harmless(field, &refuse(&fixture, Fault::none().set(path, id.clone()), field), &log);
        }
        let bucket = Fault::none().set("/apiInfo/storageApi/allowed/buckets", json!([{"id": id, "name": null}]));
        assert_harmless("id", &refuse(&fixture, bucket, "apiInfo.storageApi.allowed.buckets[0].id"), &log);
    }
}

/// A success whose name prefix has these bytes.
fn with_prefix(bytes: &[u8]) -> Fault {
    let head = r#"{"accountId":"a0","authorizationToken":"t0","apiInfo":{"storageApi":{"apiUrl":"https://a.example",
        "downloadUrl":"https://f.example","recommendedPartSize":9,"absoluteMinimumPartSize":3,
        "allowed":{"buckets":null,"capabilities":[],"namePrefix":"marked7f3a"#;
    Fault::none().raw_body(&[head.as_bytes(), bytes, b"\"}}}}"].concat())
}

#[test]
fn invalid_utf_8_and_lone_surrogates_are_refused() {
    let (fixture, log) = uncached_with_log();
    fixture.api.register_secret("marked7f3a");
    for bytes in [
        br"\ud83d".as_slice(),
        br"\ude00",
        br"\ude00\ud83d",
        br"\ud83dx",
        br"\ud83d\u0041",
        br"\ud83d\ud83d\ude00",
        br"\ud83",
        br"\u{1f600}",
        b"\xc0\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\x80",
        b"\xff",
        b"\xf0\x9f\x98",
        b"\x1b[2J",
        b"\n",
        b"\0",
    ] {
        let context = format!("{:?}", bytes.escape_ascii().to_string());
        let failure = respond(&fixture, with_prefix(bytes)).expect_err(&context);
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{context}: {failure}");
        assert_harmless(&context, &failure, &log);
    }
    for (bytes, character) in [(br"\ud83d\ude00".as_slice(), "😀"), (b"\xf0\x9f\x98\x80", "😀"), (br"\u001b", "\u{1b}")]
    {
        let session = respond(&fixture, with_prefix(bytes)).expect("valid");
        assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(format!("marked7f3a{character}")));
    }
}
