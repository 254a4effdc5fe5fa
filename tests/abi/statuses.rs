//! What each HTTP status and each of B2's codes comes to.

use b2_sandbox::{Body, Fault, Key};

use crate::support::api::Ask;
use crate::support::fixture::{ID, KEY, Scene};

/// A fault, and what it comes to: the status's name, B2's code, and a word of the hint.
type Row = (Fault, &'static str, Option<&'static str>, Option<&'static str>);

/// Each of these ends the call at its first request.
fn ends_the_call(rows: impl IntoIterator<Item = Row>) {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    for (count, (fault, name, code, hint)) in rows.into_iter().enumerate() {
        let told = format!("{fault:?}");
        let http = i32::from(fault.status.unwrap_or(200));
        scene.sandbox.script(ID, [fault.header("X-Bz-Request-Id", "this-one")]);
        let failure = scene.authorize().expect_err(&told);
        assert_eq!((failure.name.as_str(), failure.http_status), (name, http), "{told}");
        assert_eq!(failure.code.as_deref(), code, "{told}");
        assert!(!failure.retryable, "{told}");
        assert_eq!((failure.attempts, failure.retry_after_ms), (1, -1), "{told}");
        assert_eq!(failure.request_id.as_deref(), Some("this-one"), "{told}");
        assert_eq!(scene.requests(), count + 1, "{told}");
        assert!(failure.message.contains("127.0.0.1") && failure.message.contains(&http.to_string()), "{failure}");
        let hints = failure.hint.clone().unwrap_or_default();
        assert!(hint.is_none_or(|word| hints.contains(word)), "{told}: {hints}");
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
fn any_401_but_unsupported_is_bad_credentials() {
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
    ends_the_call(coded);
    ends_the_call(bare(401).map(|fault| (fault, "B2_BAD_CREDENTIALS", None, Some("Application Keys"))));
}

#[test]
fn a_key_that_this_version_does_not_serve_has_a_status_of_its_own() {
    let message = "This request is not currently supported on API version number 4";
    ends_the_call([
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
fn a_cap_is_told_from_other_refusals() {
    let caps = ["transaction_cap_exceeded", "storage_cap_exceeded", "download_cap_exceeded", "cap_exceeded"];
    for status in [400, 403] {
        ends_the_call(caps.map(|code| (coded(status, code), "B2_CAP_EXCEEDED", Some(code), Some("Caps & Alerts"))));
    }
    ends_the_call([(coded(404, "cap_exceeded"), "B2_PROTOCOL_ERROR", Some("cap_exceeded"), None)]);
}

#[test]
fn any_other_403_is_denied_access() {
    let codes = ["access_denied", "account_trouble", "unauthorized", "something_new"];
    ends_the_call(codes.map(|code| (coded(403, code), "B2_ACCESS_DENIED", Some(code), Some("good standing"))));
    ends_the_call(bare(403).map(|fault| (fault, "B2_ACCESS_DENIED", None, Some("good standing"))));
}

#[test]
fn what_b2_does_not_document_is_a_protocol_error() {
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
    ends_the_call(codes.map(|(status, code)| (coded(status, code), "B2_PROTOCOL_ERROR", Some(code), Some("realm"))));
    ends_the_call(bare(400).map(|fault| (fault, "B2_PROTOCOL_ERROR", None, Some("realm"))));
    // These come with the body of a grant, or with none.
    ends_the_call([201, 202, 204, 206].map(|status| (Fault::status(status), "B2_PROTOCOL_ERROR", None, Some("realm"))));
}

#[test]
fn a_501_is_the_services_fault_but_for_good() {
    ends_the_call([(coded(501, "not_here"), "B2_SERVICE_UNAVAILABLE", Some("not_here"), None)]);
}

#[test]
fn what_may_pass_is_tried_again() {
    let scene = Scene::with(&[("max_attempts", "2")]);
    for (count, status) in [408, 429, 500, 502, 503, 504, 505, 599].into_iter().enumerate() {
        let name = if status == 429 { "B2_RATE_LIMITED" } else { "B2_SERVICE_UNAVAILABLE" };
        scene.sandbox.script(ID, [coded(status, "later").forever()]);
        let failure = scene.authorize().expect_err("no answer but that");
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!((failure.code.as_deref(), failure.attempts), (Some("later"), 2));
        assert!(failure.retryable, "{status}");
        assert_eq!(scene.requests(), 2 * (count + 1), "{status}");
    }
    for (count, status) in [408, 429, 500, 502, 503, 504, 505, 599].into_iter().enumerate() {
        scene.sandbox.script(ID, [Fault::status(status).body(Body::Html)]);
        scene.authorize().unwrap_or_else(|failure| panic!("{status}: {failure}"));
        scene.api.clear();
        assert_eq!(scene.requests(), 16 + 2 * (count + 1), "{status}");
    }
}

#[test]
fn the_status_of_http_goes_before_the_bodys() {
    let says = |status: u16, body: u16| Fault::status(status).code("internal_error").set("/status", body.into());
    ends_the_call([
        (says(401, 503), "B2_BAD_CREDENTIALS", Some("internal_error"), None),
        (says(403, 200), "B2_ACCESS_DENIED", Some("internal_error"), None),
    ]);
    let scene = Scene::with(&[("max_attempts", "2")]);
    scene.sandbox.script(ID, [Fault::status(503).code("unauthorized").set("/status", 401.into()).forever()]);
    let failure = scene.authorize().expect_err("an outage");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_SERVICE_UNAVAILABLE", 2));
    // A grant is no less one for what it says of itself.
    scene.sandbox.script(ID, [Fault::none().merge(serde_json::json!({"status": 401, "code": "unauthorized"}))]);
    scene.authorize().expect("200 is 200");
}

#[test]
fn what_b2_says_is_handed_on() {
    let scene = Scene::new();
    let message = "Transaction cap exceeded. To increase your cap, sign in.";
    scene.sandbox.script(ID, [coded(403, "transaction_cap_exceeded").message(message)]);
    let failure = scene.authorize().expect_err("a cap");
    for part in [message, "transaction_cap_exceeded", "403"] {
        assert!(failure.message.contains(part), "{part}: {failure}");
    }
}

#[test]
fn a_key_that_only_v4_serves_works() {
    let scene = Scene::new();
    let key = Key::new(ID, KEY).bucket("b1", Some("photos")).bucket("b2", None).v4_only();
    scene.sandbox.add_key(key);
    let session = scene.authorize().expect("granted");
    assert_eq!(session.number(|f| f.b2_session_bucket_count), 2);
    assert!(scene.sandbox.log().iter().all(|entry| entry.version == Some(4)));
    assert_eq!(scene.requests(), 1);
}

#[test]
fn an_expired_and_a_deleted_key_are_bad_credentials() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    let mut key = Key::new(ID, KEY);
    key.expiration_timestamp = Some(1_000);
    scene.sandbox.add_key(key);
    assert_eq!(scene.authorize().expect_err("expired").name, "B2_BAD_CREDENTIALS");
    scene.sandbox.remove_key(ID);
    let failure = scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect_err("deleted");
    assert_eq!((failure.name.as_str(), failure.code.as_deref()), ("B2_BAD_CREDENTIALS", Some("bad_auth_token")));
    assert!(failure.hint.expect("a hint").contains("deleted or expired"));
}
