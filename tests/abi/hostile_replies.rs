//! Answers made to hurt: what a caller would send his token to, and what he would put into a header or a C string.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use b2_sandbox::Fault;
use serde_json::json;

use crate::reply_shapes::{answered, refused, uncached};
use crate::support::fixture::{ID, Scene};

/// In every hostile value, so that a test can look for it in what is said about it.
const MARK: &str = "marked7f3a";

fn urls() -> [(&'static str, String); 3] {
    ["apiUrl", "downloadUrl", "s3ApiUrl"].map(|name| (name, format!("/apiInfo/storageApi/{name}")))
}

#[test]
fn a_url_that_is_more_than_a_place_is_refused_and_not_repeated() {
    let scene = uncached();
    scene.api.keep_out(MARK);
    for (name, path) in urls() {
        for url in [
            "https://marked7f3a@b2.example",
            "https://user:marked7f3a@b2.example",
            "https://b2.example?marked7f3a",
            "https://b2.example/x?q=marked7f3a",
            "https://b2.example#marked7f3a",
            "https://b2.example/marked7f3a\r\nX-Evil: 1",
            "https://b2.example/marked7f3a\n",
            "https://b2.example/marked7f3a\0",
            "https://b2.example/ marked7f3a",
            " https://marked7f3a.example",
            "https://marked7f3a.example\\@evil.example",
            "https://märked.marked7f3a.example",
            "https://marked7f3a.example:0",
            "https://marked7f3a.example:65536",
            "https://marked7f3a.example:443x",
            "https://[marked7f3a]",
            "https:///marked7f3a",
            "https:marked7f3a",
            "//marked7f3a.example",
            "marked7f3a.example",
            "ftp://marked7f3a.example",
            "file:///marked7f3a",
            "javascript:marked7f3a",
        ] {
            let failure = refused(&scene, Fault::none().set(&path, url.into()), &format!("apiInfo.storageApi.{name}"));
            let said = failure.message.split("apiInfo").nth(1).expect("it names the field");
            assert!(!said.contains("example"), "{failure}");
        }
    }
}

#[test]
fn a_url_may_have_a_port_a_path_and_a_slash_at_its_end() {
    let scene = uncached();
    for (url, kept) in [
        ("https://b2.example:8443", "https://b2.example:8443"),
        ("https://b2.example/some/path/", "https://b2.example/some/path"),
        ("https://[::1]:9000/", "https://[::1]:9000"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ] {
        let session = answered(&scene, Fault::none().set("/apiInfo/storageApi/apiUrl", url.into())).expect(url);
        assert_eq!(session.text(|f| f.b2_session_api_url).as_deref(), Some(kept));
    }
}

#[test]
fn an_https_realm_can_not_lead_to_http() {
    let scene = uncached();
    let ca_file = scene.sandbox.ca_file().to_str().expect("UTF-8").to_owned();
    let secure = Scene {
        options: scene.options.with(&[("realm", scene.sandbox.https()), ("ca_file", &ca_file)]),
        sandbox: scene.sandbox,
        api: scene.api,
    };
    answered(&secure, Fault::none()).expect("its own URLs are https");
    for (name, path) in urls() {
        for url in ["http://marked7f3a.example", "HTTP://marked7f3a.example", "http://127.0.0.1:1/marked7f3a"] {
            secure.api.keep_out(MARK);
            refused(&secure, Fault::none().set(&path, url.into()), &format!("apiInfo.storageApi.{name}"));
        }
    }
}

#[test]
fn a_token_that_is_no_header_value_is_refused_and_not_repeated() {
    let scene = uncached();
    scene.api.keep_out(MARK);
    let long = format!("{MARK}{}", "x".repeat(64 << 10));
    for token in [
        "",
        " ",
        "marked7f3a x",
        " marked7f3a",
        "marked7f3a ",
        "marked7f3a\tx",
        "marked7f3a\r\nX-Evil: 1",
        "marked7f3a\r",
        "marked7f3a\n",
        "marked7f3a\0",
        "marked7f3a\u{7f}",
        "marked7f3a\u{a0}",
        "marked7f3aä",
        "marked7f3a\u{200b}",
        &long,
    ] {
        refused(&scene, Fault::none().set("/authorizationToken", token.into()), "authorizationToken");
    }
}

#[test]
fn a_token_has_room_to_grow() {
    let scene = uncached();
    for (length, fits) in [(1, true), (8_192, true), (8_193, false)] {
        let token = "t".repeat(length);
        let fault = Fault::none().set("/authorizationToken", token.clone().into());
        if fits {
            assert_eq!(answered(&scene, fault).expect("accepted").token(), token);
        } else {
            refused(&scene, fault, "authorizationToken");
        }
    }
}

#[test]
fn no_string_is_cut_at_a_nul() {
    let scene = uncached();
    let storage = "apiInfo.storageApi";
    for (path, value, field) in [
        ("/accountId", json!("a\0b"), "accountId".to_owned()),
        ("/apiInfo/storageApi/allowed/namePrefix", json!("a\0b"), format!("{storage}.allowed.namePrefix")),
        ("/apiInfo/storageApi/allowed/namePrefix", json!("\0"), format!("{storage}.allowed.namePrefix")),
        ("/apiInfo/storageApi/allowed/capabilities", json!(["r\0"]), format!("{storage}.allowed.capabilities[0]")),
        (
            "/apiInfo/storageApi/allowed/buckets",
            json!([{"id": "b\0", "name": null}]),
            format!("{storage}.allowed.buckets[0].id"),
        ),
        (
            "/apiInfo/storageApi/allowed/buckets",
            json!([{"id": "b", "name": "\0x"}]),
            format!("{storage}.allowed.buckets[0].name"),
        ),
    ] {
        refused(&scene, Fault::none().set(path, value), &field);
    }
}

#[test]
fn an_account_id_that_would_break_a_path_or_a_line_is_refused() {
    let scene = uncached();
    for id in ["", "a b", "a\nb", "ä"] {
        refused(&scene, Fault::none().set("/accountId", id.into()), "accountId");
    }
}

#[test]
fn a_hostile_answer_leaves_nothing_in_the_cache() {
    let scene = Scene::new();
    let path = "/apiInfo/storageApi/apiUrl";
    refused(&scene, Fault::none().set(path, "https://u:p@b2.example".into()), "apiInfo.storageApi.apiUrl");
    let session = scene.authorize().expect("a flawed answer is no verdict on the key");
    assert_eq!(session.text(|f| f.b2_session_api_url).as_deref(), Some(scene.sandbox.http()));
    assert_eq!(scene.requests(), 2);
}

#[test]
fn an_answer_for_another_account_takes_nobodys_place_and_is_told() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let old = scene.stale();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let mine = Arc::clone(&heard);
    scene.options.set_log(Some(Box::new(move |_, line| mine.lock().expect("no panic").push(line.to_owned()))));
    scene.sandbox.script(ID, [Fault::account("ffffffffffff").forever()]);
    // While the old token lives it is served, and the log says why.
    assert_eq!(scene.authorize().expect("the old one").token(), old.token());
    let said = std::mem::take(&mut *heard.lock().expect("no panic"));
    assert!(said.iter().any(|line| line.contains("handed out") && line.contains("another account")), "{said:#?}");
    // Whoever asks for a new one hears it, and costs nobody the old one.
    let refused = |answer: Result<crate::support::api::Session, crate::support::api::Failure>| {
        let failure = answer.expect_err("another account");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
        assert!(failure.message.contains("answered for another account than before"), "{failure}");
        assert!(!failure.retryable && !failure.json.to_string().contains("ffffffffffff"), "{failure:?}");
        assert!(failure.hint.expect("a hint").contains("can't change"));
    };
    refused(scene.authorize_with(&scene.options.with(&[("cache", "refresh")])));
    refused(scene.authorize_with(&scene.options.with(&[("cache", "bypass")])));
    assert_eq!(scene.authorize().expect("the old one").token(), old.token());
    // Once it is dead, whoever still holds the session makes the account known.
    scene.api.pass(Duration::from_secs(60 * 60));
    refused(scene.reauthorize(Some(&old)));
    assert_eq!(old.seconds_left(), 0);
    scene.sandbox.script(ID, []);
    let newer = scene.reauthorize(Some(&old)).expect("granted");
    assert_eq!(newer.text(|f| f.b2_session_account_id), old.text(|f| f.b2_session_account_id));
}
