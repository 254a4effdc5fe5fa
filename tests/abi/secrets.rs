//! No error tells a secret, whatever a server does to have it told.

use b2_sandbox::{Body, Fault, How, TlsFault};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::api::{self, Ask, Failure};
use crate::support::fixture::{ID, PATIENCE, Scene};

/// With characters that each spelling writes in another way, and long enough to be cut.
const KEY: &str = "K001marked/secret+of=a&test~0123";
const TOKEN: &str = "4_marked_token_0123456789abcdef";

/// A scene in whose errors not even a part of the key or of a token may stand.
fn scene() -> Scene {
    let scene = Scene::with(&[("max_attempts", "1"), ("negative_ttl_s", "0"), ("cache", "bypass")]);
    scene.sandbox.add_key(b2_sandbox::Key::master(ID, KEY));
    for part in ["K001marked", "secret+of", "marked_token", &basic()[..24], &basic()[24..48]] {
        scene.api.keep_out(part);
    }
    scene
}

fn basic() -> String {
    STANDARD.encode(format!("{ID}:{KEY}"))
}

/// The failure of a call that is answered so. The border's own test bed looks through all of it.
fn failure(scene: &Scene, fault: Fault) -> Failure {
    scene.sandbox.script(ID, [fault]);
    scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect_err("it fails")
}

/// The spellings in which a server could send a secret back.
fn spellings() -> Vec<String> {
    let percent = |text: &str, upper: bool| -> String {
        let hex = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { hex(byte) }).collect()
    };
    let basic = basic();
    vec![
        KEY.to_owned(),
        format!("{ID}:{KEY}"),
        percent(KEY, true),
        percent(KEY, false),
        basic.clone(),
        basic.trim_end_matches('=').to_owned(),
        format!("Basic {basic}"),
        percent(&basic, true),
        percent(&basic, false),
    ]
}

#[test]
fn an_echo_is_masked_in_message_code_and_request_id() {
    let scene = scene();
    for echo in spellings() {
        for status in [400, 401, 403, 404, 429, 500, 503] {
            let fault = Fault::status(status).message(&format!("bad key '{echo}'!")).code(&echo.replace(' ', ""));
            let failure = failure(&scene, fault.header("X-Bz-Request-Id", &echo));
            assert_eq!(failure.http_status, i32::from(status), "{failure}");
            assert!(failure.message.contains("bad key"), "{failure}");
            assert!(failure.message.contains("***"), "{failure}");
            assert!(failure.request_id.is_some_and(|id| id.contains("***")), "it is masked, not left out");
        }
    }
}

#[test]
fn an_echo_is_masked_where_a_long_message_is_cut() {
    let scene = scene();
    for echo in spellings() {
        // The cut goes through each of its characters in turn, or near enough.
        for before in (230..300).step_by(7) {
            failure(&scene, Fault::status(401).message(&format!("{}{echo}", "x".repeat(before))));
        }
    }
}

#[test]
fn a_token_that_was_granted_is_in_no_later_error() {
    let scene = scene();
    let session = scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect("granted");
    scene.api.keep_out(&session.token());
    for fault in [
        Fault::status(401).code("bad_auth_token"),
        Fault::status(500),
        Fault::account("0123456789ab"),
        Fault::none().set("/authorizationToken", format!("{} ", session.token()).into()),
    ] {
        scene.sandbox.script(ID, [fault]);
        let again = scene.api.call(Some(ID), Some(KEY), Ask::Reauthorize(Some(&session)), Some(&scene.options));
        again.expect_err("it fails");
    }
}

#[test]
fn a_redirect_that_echoes_the_header_is_not_followed_and_not_told() {
    let scene = scene();
    for echo in spellings() {
        let echo = echo.replace(' ', "%20");
        for location in [
            format!("https://b2.example/{echo}"),
            format!("https://b2.example/?q={echo}"),
            format!("https://{echo}@b2.example/"),
            format!("https://u:{echo}@b2.example/"),
            format!("/{echo}"),
            echo.clone(),
        ] {
            let failure = failure(&scene, Fault::redirect(302, &location));
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
        }
    }
}

#[test]
fn a_flawed_answer_is_refused_without_its_values() {
    let scene = scene();
    let storage = "/apiInfo/storageApi";
    for value in [TOKEN, KEY, &basic()] {
        let mut faults = vec![
            Fault::none().set("/authorizationToken", format!("{value}\n").into()),
            Fault::none().set("/accountId", format!("{value} ").into()),
            Fault::none().set("/apiInfo", value.into()),
            Fault::none().set("/applicationKeyExpirationTimestamp", value.into()),
            Fault::none().set(&format!("{storage}/allowed/capabilities"), value.into()),
            Fault::none().set(&format!("{storage}/allowed/buckets"), serde_json::json!([value])),
            Fault::with_body(Body::Text(value.to_owned())),
            Fault::with_body(Body::Text(format!("\"{value}\""))),
            Fault::with_body(Body::Text(format!("{{\"authorizationToken\": {value}"))),
            Fault::with_body(Body::Text(format!("{{\"{value}\": 1, \"{value}\": 2}}"))),
            Fault::with_body(Body::Text(format!("<html>{value}</html>"))),
        ];
        for name in ["apiUrl", "downloadUrl", "s3ApiUrl", "recommendedPartSize", "absoluteMinimumPartSize"] {
            faults.push(Fault::none().set(&format!("{storage}/{name}"), value.into()));
        }
        for body in [Body::Truncated, Body::NotUtf8, Body::Array] {
            faults.push(Fault::none().set("/authorizationToken", value.into()).body(body));
        }
        for fault in faults {
            let failure = failure(&scene, fault);
            assert_eq!(failure.name, "B2_PROTOCOL_ERROR", "{failure}");
        }
    }
}

#[test]
fn a_body_that_is_no_refusal_is_not_told() {
    let scene = scene();
    for value in [TOKEN, KEY, &basic()] {
        for status in [401, 403, 500] {
            let cut = format!("{{\"code\": {{\"{value}\"");
            for body in [format!("<html>{value}</html>"), format!("[\"{value}\"]"), cut] {
                failure(&scene, Fault::status(status).body(Body::Text(body)));
            }
        }
    }
}

#[test]
fn no_failure_of_the_way_tells_a_secret() {
    let scene = scene();
    assert_eq!(failure(&scene, Fault::reset_after(0)).name, "B2_NETWORK_ERROR");
    assert_eq!(failure(&scene, Fault::none().cut(How::Close, 20).of_body()).name, "B2_NETWORK_ERROR");
    assert_eq!(failure(&scene, Fault::with_body(Body::GzipBomb).gzip()).name, "B2_PROTOCOL_ERROR");
    let call = |settings: &[(&str, &str)]| {
        let options = scene.options.with(settings);
        scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&options)).expect_err("it fails").name
    };
    let ca_file = scene.sandbox.ca_file().to_str().expect("UTF-8").to_owned();
    for fault in [TlsFault::UnknownCa, TlsFault::Expired, TlsFault::WrongName] {
        assert_eq!(call(&[("realm", scene.sandbox.tls_fault(fault)), ("ca_file", &ca_file)]), "B2_TLS_ERROR");
    }
    assert_eq!(call(&[("realm", &scene.sandbox.refused_url())]), "B2_NETWORK_ERROR");
    scene.sandbox.script(ID, [Fault::silent()]);
    assert_eq!(call(&[("total_timeout_ms", "100")]), "B2_TIMEOUT");
    assert_eq!(call(&[("realm", scene.sandbox.https()), ("ca_file", "/no/such/file")]), "B2_INVALID_ARGUMENT");
}

#[test]
fn a_call_that_is_cancelled_or_hits_a_bug_tells_no_secret() {
    let scene = scene();
    let options = scene.options.with(&[]);
    let call = || scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&options));
    scene.api.plant_panic();
    assert_eq!(call().expect_err("a bug").name, "B2_INTERNAL_ERROR");
    let cancel = options.cancel();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(call);
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        cancel.trigger();
        assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
    });
}

#[test]
fn a_remembered_refusal_and_a_shared_one_tell_no_secret() {
    let scene = scene();
    let options = scene.options.with(&[("cache", "use"), ("negative_ttl_s", "10")]);
    scene.sandbox.script(ID, [Fault::status(401).message(KEY).code("bad_auth_token").held_at("gate")]);
    std::thread::scope(|scope| {
        let call = || scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&options)).expect_err("refused");
        let calls = [scope.spawn(call), scope.spawn(call)];
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        scene.sandbox.release("gate");
        for call in calls {
            assert_eq!(call.join().expect("no panic").code.as_deref(), Some("bad_auth_token"));
        }
        assert_eq!(call().code.as_deref(), Some("bad_auth_token"));
    });
    assert_eq!(scene.requests(), 1);
}

#[test]
fn what_a_server_says_is_one_line_without_controls() {
    let scene = scene();
    let message = "first\nsecond\r\n\u{1b}[31mred\0 \u{202e}turned";
    let failure = failure(&scene, Fault::status(403).message(message).code("access_denied"));
    assert!(!failure.message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{failure:?}");
    assert!(failure.message.contains("first second"), "{failure}");
}

#[test]
fn statuses_have_their_names_and_words_and_unknown_ones_a_name_too() {
    let api = api::load();
    let names = [
        "B2_OK",
        "B2_INVALID_ARGUMENT",
        "B2_NO_CREDENTIALS",
        "B2_BAD_CREDENTIALS",
        "B2_KEY_NOT_SUPPORTED",
        "B2_CAP_EXCEEDED",
        "B2_ACCESS_DENIED",
        "B2_RATE_LIMITED",
        "B2_SERVICE_UNAVAILABLE",
        "B2_NETWORK_ERROR",
        "B2_TLS_ERROR",
        "B2_TIMEOUT",
        "B2_CANCELLED",
        "B2_PROTOCOL_ERROR",
        "B2_STORE_ERROR",
        "B2_INTERNAL_ERROR",
    ];
    let mut words = std::collections::BTreeSet::new();
    for (number, name) in (0..).zip(names) {
        assert_eq!(api.words(|f| f.b2_status_name, number), name);
        words.insert(api.words(|f| f.b2_status_message, number));
    }
    for unknown in [16, 17, 1_000, -1, i32::MIN, i32::MAX] {
        assert_eq!(api.words(|f| f.b2_status_name, unknown), "B2_UNKNOWN");
        words.insert(api.words(|f| f.b2_status_message, unknown));
    }
    assert_eq!(words.len(), 17, "each has words of its own: {words:?}");
    assert!(words.iter().all(|words| !words.trim().is_empty()));
}

#[test]
fn a_new_token_cures_a_401_about_the_token_and_nothing_else() {
    let api = api::load();
    for code in [None, Some(""), Some(" \n"), Some("bad_auth_token"), Some("expired_auth_token")] {
        assert_eq!(api.should_reauthorize(401, code), 1, "{code:?}");
        for http in [0, -401, 200, 400, 403, 404, 429, 500, 503] {
            assert_eq!(api.should_reauthorize(http, code), 0, "{http} {code:?}");
        }
    }
    for code in ["unauthorized", "unsupported", "access_denied", "BAD_AUTH_TOKEN", "bad_auth_tokens", "bad_auth", "x"] {
        assert_eq!(api.should_reauthorize(401, Some(code)), 0, "{code}");
    }
}
