//! What a server says is read by people, often in a terminal: none of it may command that, fake a second line or change
//! the order of what stands there. What a session holds is data, and comes out as B2 stored it, byte for byte.

use std::sync::{Arc, Mutex};

use b2_sandbox::{DateFault, Fault, Length};
use serde_json::{Value, json};

use crate::reply_shapes::{answered, refused, uncached};
use crate::support::api::Failure;
use crate::support::fixture::{ID, KEY, Scene};

/// Controls of both sets, ends of lines, turns of direction, and what takes no room.
const TRICKS: [char; 40] = [
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

/// What sets the title, clears the screen, moves up a line, and turns the text.
const REPAINTS: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[1A\u{9b}2K\r\u{202e}";

/// A scene that asks each time, and all that its log has heard.
fn heard() -> (Scene, Arc<Mutex<Vec<String>>>) {
    let scene = Scene::with(&[("cache", "bypass"), ("max_attempts", "2"), ("proxy", "none")]);
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let mine = Arc::clone(&heard);
    scene.options.set_log(Some(Box::new(move |_, line| mine.lock().expect("no panic").push(line.to_owned()))));
    (scene, heard)
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

/// All that a failure shows, its log too: none of it has a trick in it.
fn assert_harmless(told: &str, failure: &Failure, heard: &Mutex<Vec<String>>) {
    let mut shown = std::mem::take(&mut *heard.lock().expect("no panic"));
    assert!(shown.len() > 2, "{told}: the log was heard: {shown:?}");
    shown.push(failure.message.clone());
    shown.extend([&failure.hint, &failure.code, &failure.request_id].into_iter().flatten().cloned());
    strings(&failure.json, &mut shown);
    for text in shown {
        assert!(!text.contains(|c: char| c.is_control() || TRICKS.contains(&c)), "{told}: {text:?}");
        assert!(text.chars().count() < 700, "{told}: {text:?}");
    }
}

#[test]
fn no_message_of_a_server_commands_a_terminal() {
    let (scene, heard) = heard();
    let words: String = TRICKS.iter().enumerate().map(|(number, trick)| format!("w{number}{trick}")).collect();
    let expected = words.split(TRICKS).collect::<Vec<_>>().join(" ");
    for status in [300, 400, 401, 403, 404, 429, 500, 501, 503] {
        for message in [&words, &format!("{REPAINTS}{words}{REPAINTS}"), &format!("{words}{REPAINTS}")] {
            let fault = Fault::status(status).message(message).code(&format!("bad{REPAINTS}code"));
            let failure = answered(&scene, fault.forever()).expect_err("refused");
            assert_harmless(&format!("{status}"), &failure, &heard);
            assert!(failure.message.contains(expected.trim()), "{status}: {failure}");
            assert_eq!(failure.code, None, "such a code is none");
        }
    }
}

#[test]
fn the_json_action_is_harmless_before_and_after_it_is_read() {
    let scene = uncached();
    let message = format!("a{REPAINTS}b{}c", TRICKS.iter().collect::<String>());
    scene.sandbox.script("*", [Fault::status(403).message(&message).forever()]);
    let request = json!({"keyId": ID, "key": KEY, "realm": scene.sandbox.http()});
    for request in [request.to_string(), json!([request]).to_string()] {
        let (status, text) = scene.api.action_text(Some(&crate::support::api::c(&request)));
        assert_eq!(status, "B2_ACCESS_DENIED");
        assert!(!text.contains(|c: char| c.is_control() || TRICKS.contains(&c)), "{text:?}");
        let mut shown = Vec::new();
        strings(&serde_json::from_str(&text).expect("JSON"), &mut shown);
        assert!(shown.iter().any(|text| text.contains("a ]0;title")), "{shown:?}");
        for text in shown {
            assert!(!text.contains(|c: char| c.is_control() || TRICKS.contains(&c)), "{text:?}");
        }
    }
}

#[test]
fn no_header_that_is_read_commands_a_terminal_or_begins_another() {
    let (scene, heard) = heard();
    let set = |name: &str, value: &str| match name {
        "Date" => Fault::status(403).date(DateFault::Raw(value.to_owned())),
        "Content-Length" => Fault::status(403).length(Length::Raw(value.to_owned())),
        "Location" => Fault::redirect(302, value),
        "Retry-After" => Fault::status(503).retry_after(value),
        name => Fault::status(403).header(name, value),
    };
    for name in ["X-Bz-Request-Id", "Retry-After", "Date", "Location", "Content-Encoding", "Content-Length"] {
        for value in TRICKS.iter().map(|trick| format!("https://a{trick}b/")).chain([REPAINTS.to_owned()]) {
            let told = format!("{name}: {value:?}");
            let failure = answered(&scene, set(name, &value).forever()).expect_err(&told);
            assert_harmless(&told, &failure, &heard);
        }
    }
    // A header that holds another is the server's own, and no more than that.
    for smuggled in ["x\r\nX-Bz-Request-Id: two", "x\r\nRetry-After: 3600", "x\r\nLocation: https://evil.example/"] {
        let failure = answered(&scene, Fault::status(403).header("X-Evil", smuggled)).expect_err("refused");
        assert_eq!((failure.name.as_str(), failure.retry_after_ms), ("B2_ACCESS_DENIED", -1), "{failure}");
        assert!(!failure.message.contains("evil"), "{failure}");
        assert_harmless(smuggled, &failure, &heard);
    }
}

#[test]
fn what_users_named_comes_out_byte_for_byte() {
    let scene = uncached();
    let e_acute = ["\u{e9}", "e\u{301}"];
    let mut names: Vec<String> = TRICKS.iter().filter(|c| **c != '\0').map(|c| format!("a{c}b")).collect();
    names.extend(
        [REPAINTS, e_acute[0], e_acute[1], " ", "", "\u{fffe}\u{10ffff}", "日本語", "👩\u{200d}👩", "\"\\/"]
            .map(str::to_owned),
    );
    let buckets: Vec<_> =
        names.iter().enumerate().map(|(at, name)| json!({"id": format!("b{at}"), "name": name})).collect();
    let allowed = json!({"buckets": buckets, "capabilities": names, "namePrefix": names.concat()});
    let session = answered(&scene, Fault::none().set("/apiInfo/storageApi/allowed", allowed.clone())).expect("granted");
    for (at, name) in names.iter().enumerate() {
        assert_eq!(session.nth(|f| f.b2_session_bucket_name, at).as_ref(), Some(name));
        assert_eq!(session.nth(|f| f.b2_session_capability, at).as_ref(), Some(name));
        assert!(session.can(name), "{name:?}");
    }
    assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(names.concat()));
    assert_eq!(session.json()["allowed"], allowed);
    let text = session.text(|f| f.b2_session_json).expect("JSON");
    assert!(!text.contains(|c: char| c.is_ascii_control() && c != '\u{7f}'), "JSON escapes them");
    let alike = Fault::none().set("/apiInfo/storageApi/allowed/capabilities", json!([e_acute[0]]));
    let session = answered(&scene, alike).expect("granted");
    assert!(session.can(e_acute[0]) && !session.can(e_acute[1]), "what looks alike is not the same");
}

#[test]
fn an_id_with_a_trick_in_it_is_refused_and_not_shown() {
    let (scene, heard) = heard();
    for trick in TRICKS.into_iter().chain(['\u{301}', '\u{e9}', '\u{456}']) {
        let id = json!(format!("marked7f3a{trick}"));
        scene.api.keep_out("marked7f3a");
        for (path, field) in [
            ("/accountId", "accountId"),
            ("/authorizationToken", "authorizationToken"),
            ("/apiInfo/storageApi/apiUrl", "apiInfo.storageApi.apiUrl"),
            ("/apiInfo/storageApi/s3ApiUrl", "apiInfo.storageApi.s3ApiUrl"),
        ] {
            assert_harmless(field, &refused(&scene, Fault::none().set(path, id.clone()), field), &heard);
        }
        let bucket = Fault::none().set("/apiInfo/storageApi/allowed/buckets", json!([{"id": id, "name": null}]));
        assert_harmless("id", &refused(&scene, bucket, "apiInfo.storageApi.allowed.buckets[0].id"), &heard);
    }
}

/// A grant whose name prefix is written with these very bytes.
fn with_prefix(bytes: &[u8]) -> Fault {
    let head = r#"{"accountId":"a0","authorizationToken":"t0","apiInfo":{"storageApi":{"apiUrl":"https://a.example",
        "downloadUrl":"https://f.example","recommendedPartSize":9,"absoluteMinimumPartSize":3,
        "allowed":{"buckets":null,"capabilities":[],"namePrefix":"marked7f3a"#;
    Fault::none().raw_body(&[head.as_bytes(), bytes, b"\"}}}}"].concat())
}

#[test]
fn half_a_character_is_no_character() {
    let (scene, heard) = heard();
    scene.api.keep_out("marked7f3a");
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
        let told = format!("{:?}", bytes.escape_ascii().to_string());
        let failure = answered(&scene, with_prefix(bytes)).expect_err(&told);
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{told}: {failure}");
        assert_harmless(&told, &failure, &heard);
    }
    for (bytes, character) in [(br"\ud83d\ude00".as_slice(), "😀"), (b"\xf0\x9f\x98\x80", "😀"), (br"\u001b", "\u{1b}")]
    {
        let session = answered(&scene, with_prefix(bytes)).expect("whole");
        assert_eq!(session.text(|f| f.b2_session_name_prefix), Some(format!("marked7f3a{character}")));
    }
}
