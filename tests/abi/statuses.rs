//! Which error each HTTP status and each code of B2 becomes, and the names of all statuses.

use b2_sandbox::{Body, Fault, Key};

use crate::support::api::{self, c_string};
use crate::support::fixture::{Fixture, ID, KEY};

/// A response, and its error: the status's name, B2's code, and a part of the hint.
type Row = (Fault, &'static str, Option<&'static str>, Option<&'static str>);

/// Checks that each of these ends the call at its first request.
fn assert_ends_call(rows: impl IntoIterator<Item = Row>) {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    for (count, (fault, name, code, hint)) in rows.into_iter().enumerate() {
        let context = format!("{fault:?}");
        let http = i32::from(fault.status.unwrap_or(200));
        fixture.sandbox.script(ID, [fault.header("X-Bz-Request-Id", "this-one")]);
        let failure = fixture.authorize().expect_err(&context);
        assert_eq!((failure.name.as_str(), failure.http_status), (name, http), "{context}");
        assert_eq!(failure.code.as_deref(), code, "{context}");
        assert!(!failure.retryable, "{context}");
        assert_eq!((failure.attempts, failure.retry_after_ms), (1, -1), "{context}");
        assert_eq!(failure.request_id.as_deref(), Some("this-one"), "{context}");
        assert_eq!(fixture.requests(), count + 1, "{context}");
        assert!(failure.message.contains("127.0.0.1") && failure.message.contains(&http.to_string()), "{failure}");
        let hints = failure.hint.clone().unwrap_or_default();
        assert!(hint.is_none_or(|part| hints.contains(part)), "{context}: {hints}");
    }
}

fn coded(status: u16, code: &str) -> Fault {
    Fault::status(status).code(code)
}

fn bare(status: u16) -> [Fault; 5] {
    let fault = || Fault::status(status);
    [
        fault().remove("/code"),
        fault().set("/code", serde_json::Value::Null),
        fault().body(Body::Empty),
        fault().body(Body::Html),
        fault().raw_body(&[0xff, 0xfe]),
    ]
}

#[test]
fn every_401_but_unsupported_is_bad_credentials() {
    let codes = [
        "bad_auth_token",
        "expired_auth_token",
        "unauthorized",
        "missing_auth_token",
        "email_not_verified",
        "no_payment_history",
        "access_denied",
        "transaction_cap_exceeded",
        "something_new",
    ];
    let coded = codes.map(|code| (coded(401, code), "B2_BAD_CREDENTIALS", Some(code), Some("Application Keys")));
    assert_ends_call(coded);
    assert_ends_call(bare(401).map(|fault| (fault, "B2_BAD_CREDENTIALS", None, Some("in B2's place"))));
}

#[test]
fn a_key_that_this_version_does_not_accept_has_its_own_status() {
    let message = "This request is not currently supported on API version number 4";
    assert_ends_call([
        (coded(401, "unsupported"), "B2_KEY_NOT_SUPPORTED", Some("unsupported"), Some("new application key")),
        (
            coded(400, "bad_request").message(message),
            "B2_KEY_NOT_SUPPORTED",
            Some("bad_request"),
            Some("new application key"),
        ),
        (coded(403, "unsupported"), "B2_ACCESS_DENIED", Some("unsupported"), None),
        (coded(400, "unsupported"), "B2_PROTOCOL_ERROR", Some("unsupported"), None),
    ]);
}

#[test]
fn a_cap_has_its_own_status() {
    let caps = ["transaction_cap_exceeded", "storage_cap_exceeded", "download_cap_exceeded", "cap_exceeded"];
    for status in [400, 403] {
        assert_ends_call(caps.map(|code| (coded(status, code), "B2_CAP_EXCEEDED", Some(code), Some("Caps & Alerts"))));
    }
    assert_ends_call([(coded(404, "cap_exceeded"), "B2_PROTOCOL_ERROR", Some("cap_exceeded"), None)]);
}

#[test]
fn every_other_403_is_access_denied() {
    let codes = ["access_denied", "account_trouble", "unauthorized", "something_new"];
    assert_ends_call(codes.map(|code| (coded(403, code), "B2_ACCESS_DENIED", Some(code), Some("good standing"))));
    assert_ends_call(bare(403).map(|fault| (fault, "B2_ACCESS_DENIED", None, Some("in B2's place"))));
}

#[test]
fn an_undocumented_status_is_a_protocol_error() {
    let codes = [
        (400, "bad_request"),
        (400, "bad_json"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (409, "conflict"),
        (416, "range_not_satisfiable"),
        (418, "teapot"),
        (499, "gone"),
        (600, "beyond"),
    ];
    assert_ends_call(codes.map(|(status, code)| (coded(status, code), "B2_PROTOCOL_ERROR", Some(code), Some("realm"))));
    assert_ends_call(bare(400).map(|fault| (fault, "B2_PROTOCOL_ERROR", None, Some("realm"))));
    // These come with the body of a grant, or with none.
    assert_ends_call(
        [201, 202, 204, 206].map(|status| (Fault::status(status), "B2_PROTOCOL_ERROR", None, Some("realm"))),
    );
}

#[test]
fn a_501_is_an_outage_and_not_retried() {
    assert_ends_call([(coded(501, "not_here"), "B2_SERVICE_UNAVAILABLE", Some("not_here"), None)]);
}

#[test]
fn a_temporary_failure_is_retried() {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    for (count, status) in [408, 429, 500, 502, 503, 504, 505, 599].into_iter().enumerate() {
        let name = if status == 429 { "B2_RATE_LIMITED" } else { "B2_SERVICE_UNAVAILABLE" };
        fixture.sandbox.script(ID, [coded(status, "later").forever()]);
        let failure = fixture.authorize().expect_err("every response is that");
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!((failure.code.as_deref(), failure.attempts), (Some("later"), 2));
        assert!(failure.retryable, "{status}");
        assert_eq!(fixture.requests(), 2 * (count + 1), "{status}");
    }
    for (count, status) in [408, 429, 500, 502, 503, 504, 505, 599].into_iter().enumerate() {
        fixture.sandbox.script(ID, [Fault::status(status).body(Body::Html)]);
        fixture.authorize().unwrap_or_else(|failure| panic!("{status}: {failure}"));
        fixture.api.clear_cache();
        assert_eq!(fixture.requests(), 16 + 2 * (count + 1), "{status}");
    }
}

#[test]
fn the_http_status_takes_precedence_over_the_bodys() {
    let with_body = |status: u16, body: u16| Fault::status(status).code("internal_error").set("/status", body.into());
    assert_ends_call([
        (with_body(401, 503), "B2_BAD_CREDENTIALS", Some("internal_error"), None),
        (with_body(403, 200), "B2_ACCESS_DENIED", Some("internal_error"), None),
    ]);
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    fixture.sandbox.script(ID, [Fault::status(503).code("unauthorized").set("/status", 401.into()).forever()]);
    let failure = fixture.authorize().expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 2));
    // The same for a success.
    fixture.sandbox.script(ID, [Fault::none().merge(serde_json::json!({"status": 401, "code": "unauthorized"}))]);
    fixture.authorize().expect("200 is 200");
}

#[test]
fn the_error_has_b2s_message_and_code() {
    let fixture = Fixture::new();
    let message = "Transaction cap exceeded. To increase your cap, sign in.";
    fixture.sandbox.script(ID, [coded(403, "transaction_cap_exceeded").message(message)]);
    let failure = fixture.authorize().expect_err("a cap");
    for part in [message, "transaction_cap_exceeded", "403"] {
        assert!(failure.message.contains(part), "{part}: {failure}");
    }
}

#[test]
fn a_key_that_only_v4_accepts_works() {
    let fixture = Fixture::new();
    let key = Key::new(ID, KEY).bucket("b1", Some("photos")).bucket("b2", None).v4_only();
    fixture.sandbox.add_key(key);
    let session = fixture.authorize().expect("granted");
    assert_eq!(session.number(|f| f.b2_session_bucket_count), 2);
    assert!(fixture.sandbox.log().iter().all(|entry| entry.version == Some(4)));
    assert_eq!(fixture.requests(), 1);
}

#[test]
fn expired_and_deleted_keys_are_bad_credentials() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    let mut key = Key::new(ID, KEY);
    key.expiration_timestamp = Some(1_000);
    fixture.sandbox.add_key(key);
    assert_eq!(fixture.authorize().expect_err("expired").name, "B2_BAD_CREDENTIALS");
    fixture.sandbox.remove_key(ID);
    let failure = fixture.authorize_key(ID, KEY, &fixture.options).expect_err("deleted");
    assert_eq!((failure.name.as_str(), failure.code.as_deref()), ("B2_BAD_CREDENTIALS", Some("bad_auth_token")));
    assert!(failure.hint.expect("a hint").contains("deleted or expired"));
}

#[test]
fn every_status_has_its_name_and_text() {
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
    let mut texts = std::collections::BTreeSet::new();
    for (number, name) in (0..).zip(names) {
        assert_eq!(api.status_text(|f| f.b2_status_name, number), name);
        texts.insert(api.status_text(|f| f.b2_status_message, number));
    }
    for unknown in [16, 17, 1_000, -1, i32::MIN, i32::MAX] {
        assert_eq!(api.status_text(|f| f.b2_status_name, unknown), "B2_UNKNOWN");
        texts.insert(api.status_text(|f| f.b2_status_message, unknown));
    }
    assert_eq!(texts.len(), 17, "each has its own text: {texts:?}");
    assert!(texts.iter().all(|text| !text.trim().is_empty()));
}

#[test]
fn should_reauthorize_is_true_only_for_a_401_about_the_token() {
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

#[test]
fn should_reauthorize_body_reads_the_code_of_a_body_that_may_be_cut_or_no_json() {
    let api = api::load();
    let whole = r#"{ "code": "expired_auth_token", "message": "It has expired", "status": 401 }"#;
    for length in 0..=whole.len() {
        assert_eq!(api.should_reauthorize_body(401, &whole.as_bytes()[..length]), 1, "{}", &whole[..length]);
        assert_eq!(api.should_reauthorize_body(403, &whole.as_bytes()[..length]), 0);
    }
    let denied = r#"{"code":"unauthorized","message":"not entitled to "#;
    for length in denied.find(',').expect("there is one")..denied.len() {
        assert_eq!(api.should_reauthorize_body(401, &denied.as_bytes()[..length]), 0, "{}", &denied[..length]);
    }
    for without in ["<html>no entry</html>", "[]", "null", r#"{"status":401}"#, r#"{"code":null}"#, "\0", "\u{feff}"] {
        assert_eq!(api.should_reauthorize_body(401, without.as_bytes()), 1, "{without}");
    }
    assert_eq!(api.should_reauthorize_body(401, b"\xff\xfe{"), 1);
    for http in [0, -401, 200, 400, 403, 404, 429, 500, 503, 65_536 + 401] {
        assert_eq!(api.should_reauthorize_body(http, b""), 0, "{http}");
    }
}

#[test]
fn an_error_lives_until_its_last_reference_is_freed() {
    let fixture = Fixture::new();
    fixture.sandbox.script("*", [Fault::status(401).code("bad_auth_token")]);
    let f = &fixture.api.f;
    let (id, key) = (c_string(ID), c_string("K001wrong"));
    let (mut session, mut error) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the texts and the handles live through the calls, and each reference is freed once.
    unsafe {
        let options = fixture.options.raw();
        let status = (f.b2_authorize_with)(id.as_ptr(), key.as_ptr(), options, &mut session, &mut error);
        assert_eq!(status, (f.b2_error_status)(error));
        let second = (f.b2_error_retain)(error);
        assert_eq!(second, error, "a reference is to the same error");
        (f.b2_error_free)(error);
        let other = second as usize;
        let name = std::thread::spawn(move || {
            let second = other as *mut std::ffi::c_void;
            let code = std::ffi::CStr::from_ptr((f.b2_error_code)(second)).to_str().expect("UTF-8").to_owned();
            (f.b2_error_free)(second);
            code
        });
        assert_eq!(name.join().expect("no panic"), "bad_auth_token");
        assert!((f.b2_error_retain)(std::ptr::null_mut()).is_null());
    }
}
