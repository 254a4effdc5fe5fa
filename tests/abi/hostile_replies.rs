//! Replies made to hurt: URLs that a caller would send the token to, and strings for a header or a C string. Every hostile
//! value is tested in `src/reply/tests.rs`; one for each field shows here that the check is in use.

use std::time::Duration;

use b2_sandbox::Fault;
use serde_json::json;

use crate::reply_shapes::{refuse, respond, uncached};
use crate::support::api::{Failure, Session};
use crate::support::fixture::{Fixture, ID};
use crate::support::log_lines::LogLines;

/// In every hostile value. No error may contain it.
const MARK: &str = "marked7f3a";

fn urls() -> [(&'static str, String); 3] {
    ["apiUrl", "downloadUrl", "s3ApiUrl"].map(|name| (name, format!("/apiInfo/storageApi/{name}")))
}

#[test]
fn a_hostile_value_in_any_field_is_refused_and_not_repeated() {
    let fixture = uncached();
    fixture.api.register_secret(MARK);
    let storage = "/apiInfo/storageApi";
    for (path, value, field) in [
        ("/accountId".to_owned(), json!("marked7f3a\0"), "accountId"),
        ("/authorizationToken".to_owned(), json!("marked7f3a\r\nX-Evil: 1"), "authorizationToken"),
        (format!("{storage}/apiUrl"), json!("https://user:marked7f3a@b2.example"), "apiInfo.storageApi.apiUrl"),
        (format!("{storage}/downloadUrl"), json!("https://b2.example/marked7f3a\n"), "apiInfo.storageApi.downloadUrl"),
        (format!("{storage}/s3ApiUrl"), json!("https:marked7f3a"), "apiInfo.storageApi.s3ApiUrl"),
        (format!("{storage}/allowed/namePrefix"), json!("marked7f3a\0"), "apiInfo.storageApi.allowed.namePrefix"),
        (
            format!("{storage}/allowed/capabilities"),
            json!(["marked7f3a\0"]),
            "apiInfo.storageApi.allowed.capabilities[0]",
        ),
        (
            format!("{storage}/allowed/buckets"),
            json!([{"id": "marked7f3a\0", "name": null}]),
            "apiInfo.storageApi.allowed.buckets[0].id",
        ),
        (
            format!("{storage}/allowed/buckets"),
            json!([{"id": "b", "name": "marked7f3a\0"}]),
            "apiInfo.storageApi.allowed.buckets[0].name",
        ),
    ] {
        let failure = refuse(&fixture, Fault::none().set(&path, value), field);
        fixture.api.assert_no_secrets(field, &failure.all_text());
    }
}

#[test]
fn a_url_may_have_a_port_a_path_and_a_trailing_slash() {
    let fixture = uncached();
    for (url, kept) in [
        ("https://b2.example:8443", "https://b2.example:8443"),
        ("https://b2.example/some/path/", "https://b2.example/some/path"),
        ("https://[::1]:9000/", "https://[::1]:9000"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ] {
        let session = respond(&fixture, Fault::none().set("/apiInfo/storageApi/apiUrl", url.into())).expect(url);
        assert_eq!(session.text(|f| f.b2_session_api_url).as_deref(), Some(kept));
    }
}

#[test]
fn a_reply_of_an_https_realm_cannot_have_http_urls() {
    let fixture = uncached();
    let options = fixture.https_options();
    let secure = Fixture { options, ..fixture };
    respond(&secure, Fault::none()).expect("its own URLs are https");
    for (name, path) in urls() {
        for url in ["http://marked7f3a.example", "HTTP://marked7f3a.example", "http://127.0.0.1:1/marked7f3a"] {
            secure.api.register_secret(MARK);
            refuse(&secure, Fault::none().set(&path, url.into()), &format!("apiInfo.storageApi.{name}"));
        }
    }
}

#[test]
fn a_token_may_have_up_to_8192_characters() {
    let fixture = uncached();
    for (length, fits) in [(1, true), (8_192, true), (8_193, false)] {
        let token = "t".repeat(length);
        let fault = Fault::none().set("/authorizationToken", token.clone().into());
        if fits {
            assert_eq!(respond(&fixture, fault).expect("accepted").token(), token);
        } else {
            refuse(&fixture, fault, "authorizationToken");
        }
    }
}

#[test]
fn a_hostile_reply_leaves_nothing_in_the_cache() {
    let fixture = Fixture::new();
    let path = "/apiInfo/storageApi/apiUrl";
    refuse(&fixture, Fault::none().set(path, "https://u:p@b2.example".into()), "apiInfo.storageApi.apiUrl");
    let session = fixture.authorize().expect("a malformed reply does not reject the key");
    assert_eq!(session.text(|f| f.b2_session_api_url).as_deref(), Some(fixture.sandbox.http()));
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_reply_for_another_account_replaces_no_session_and_is_reported() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let old = fixture.stale_session();
    let log = LogLines::capture(&fixture.options);
    fixture.sandbox.script(ID, [Fault::account("ffffffffffff").forever()]);
    // While the stale token is valid it is served, and the log says why.
    assert_eq!(fixture.authorize().expect("the stale token").token(), old.token());
    let lines = log.take();
    assert!(
        lines.iter().any(|line| line.contains("the stale token is used") && line.contains("another account")),
        "{lines:#?}"
    );
    // A call for a new token fails, and the stale token stays.
    let assert_refused = |result: Result<Session, Failure>| {
        let failure = result.expect_err("another account");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
        assert!(failure.message.contains("returned a session for another account than before"), "{failure}");
        assert!(!failure.retryable && !failure.json.to_string().contains("ffffffffffff"), "{failure:?}");
        assert!(failure.hint.expect("a hint").contains("cannot change"));
    };
    assert_refused(fixture.authorize_with(&fixture.options.with(&[("cache", "refresh")])));
    assert_refused(fixture.authorize_with(&fixture.options.with(&[("cache", "bypass")])));
    assert_eq!(fixture.authorize().expect("the stale token").token(), old.token());
    // Once it has expired, the session that the caller still holds has the account.
    fixture.api.advance(Duration::from_secs(60 * 60));
    assert_refused(fixture.reauthorize(Some(&old)));
    assert_eq!(old.seconds_left(), 0);
    fixture.sandbox.script(ID, []);
    let newer = fixture.reauthorize(Some(&old)).expect("granted");
    assert_eq!(newer.text(|f| f.b2_session_account_id), old.text(|f| f.b2_session_account_id));
}
