//! A server that knows the key and the last token sends them back in every spelling and at every place that it has.
//! What is told of it, in errors, in the JSON action's answers and in the log, has no part of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use b2_sandbox::{Body, DateFault, Fault, How, Key, Length};
use serde_json::json;

use crate::support::api::{Ask, Session};
use crate::support::fixture::{ID, Scene};
use crate::support::secret_search::{KEY, Needles, spellings};

/// Every fault that has a place for text, with `echo` in it.
fn faults(echo: &str) -> Vec<Fault> {
    let status = |status: u16| Fault::status(status).message(&format!("not '{echo}'!")).code(echo);
    let mut all: Vec<_> = [300, 400, 401, 403, 404, 408, 418, 429, 500, 501, 503, 600].map(status).into();
    let line = echo.replace(['\r', '\n'], "");
    all.extend([
        status(401).header("X-Bz-Request-Id", &line).header("X-Bz-Request-ID", &line),
        status(401).header("WWW-Authenticate", &format!("Basic realm=\"{line}\"")).header("Set-Cookie", &line),
        status(503).retry_after(&line),
        status(403).date(DateFault::Raw(line.clone())),
        Fault::redirect(302, &line),
        Fault::redirect(307, &format!("https://{line}/")),
        Fault::redirect(308, &format!("https://{line}@b2.example/{line}?{line}")),
        Fault::none().header("Content-Encoding", &line),
        Fault::none().header("Content-Type", &line),
        Fault::none().length(Length::Raw(line.clone())),
        Fault::none().header(&line, "x"),
        Fault::none().header("X\u{1b}", &line),
        Fault::account(echo),
        Fault::none().set("/accountId", format!("{echo} ").into()),
        Fault::none().set("/authorizationToken", format!("{echo} ").into()),
        Fault::none().set("/apiInfo/storageApi/apiUrl", format!("https://{echo}@b2.example").into()),
        Fault::none().set("/apiInfo/storageApi/downloadUrl", echo.into()),
        Fault::none().set("/apiInfo/storageApi/s3ApiUrl", format!("http://{echo}").into()),
        Fault::none().set("/apiInfo/storageApi/allowed/buckets", json!([{"id": format!("{echo} "), "name": echo}])),
        Fault::none().set("/apiInfo/storageApi/allowed/capabilities", json!([{echo: echo}])),
        Fault::with_body(Body::Text(format!("<html>{echo}</html>"))),
        Fault::with_body(Body::Text(json!({echo: echo}).to_string())),
        Fault::with_body(Body::Text(format!("{{\"accountId\":\"{echo}"))),
        Fault::with_body(Body::Text(echo.to_owned())).gzip(),
        Fault::with_body(Body::Text(echo.to_owned())).header("Content-Encoding", "gzip"),
        status(403).body(Body::Text(format!("{{\"message\":\"{echo}"))),
        status(401).cut(How::Close, 30).of_body(),
        status(401).cut(How::Reset, 60),
        status(401).chunked(),
        status(401).gzip(),
        status(401).set("/code", json!([echo])).set("/message", json!({echo: echo})),
    ]);
    all
}

/// A scene whose log is heard, and the session of its key, whose token the server knows.
struct Stage {
    scene: Scene,
    session: Session,
    needles: Needles,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn new() -> Self {
        let scene = Scene::with(&[("max_attempts", "2"), ("total_timeout_ms", "5000"), ("negative_ttl_s", "3600")]);
        scene.sandbox.add_key(Key::master(ID, KEY));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let mine = Arc::clone(&heard);
        scene.options.set_log(Some(Box::new(move |_, line| mine.lock().expect("no panic").push(line.to_owned()))));
        let session = scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&scene.options)).expect("granted");
        let needles = Needles::of(KEY, &session.token());
        Self { scene, session, needles, heard }
    }

    fn call(&self, ask: Ask<'_>) -> Result<Session, crate::support::api::Failure> {
        self.scene.api.call(Some(ID), Some(KEY), ask, Some(&self.scene.options))
    }

    /// All that a call tells in all ways, and each line of the log.
    fn look_through(&self, told: &str, ask: Ask<'_>) {
        if let Err(failure) = self.call(ask) {
            self.needles.look_through(told, &format!("{failure} {failure:?} {}", failure.json));
        }
        let heard = std::mem::take(&mut *self.heard.lock().expect("no panic"));
        assert!(!heard.is_empty(), "{told}: nothing was said");
        self.needles.look_through(told, &heard.join("\n"));
    }
}

#[test]
fn no_place_of_an_answer_leads_a_secret_into_an_error_or_the_log() {
    let stage = Stage::new();
    for secret in [KEY, &stage.session.token()] {
        for echo in [secret.to_owned(), spellings(secret)[2].clone()] {
            for (row, fault) in faults(&echo).into_iter().enumerate() {
                let told = format!("row {row} with {echo}");
                stage.scene.sandbox.script(ID, [fault.clone().forever()]);
                stage.look_through(&told, Ask::Reauthorize(Some(&stage.session)));
                // A fault that is none to the library has granted another token since.
                stage.scene.api.clear();
            }
        }
    }
}

#[test]
fn a_token_at_hand_is_told_no_more_than_the_key() {
    let stage = Stage::new();
    let token = stage.session.token();
    let options = stage.scene.options.with(&[("cache", "refresh")]);
    for (row, fault) in
        faults(&token).into_iter().enumerate().filter(|(_, fault)| fault.status.is_some_and(|s| s != 401 && s != 403))
    {
        stage.scene.sandbox.script(ID, [fault.clone().forever()]);
        let failure = stage.scene.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(&options)).expect_err("it fails");
        stage.needles.look_through(&format!("row {row}"), &format!("{failure} {failure:?} {}", failure.json));
        stage.look_through(&format!("row {row}"), Ask::Authorize);
    }
    stage.scene.api.pass(Duration::from_secs(23 * 60 * 60));
    let fault = Fault::status(503).message(&token).code(&token).header("X-Bz-Request-Id", &token);
    stage.scene.sandbox.script(ID, [fault.forever()]);
    assert_eq!(stage.call(Ask::Authorize).expect("the old one is served").token(), token);
    stage.look_through("a refresh that failed", Ask::Authorize);
}

#[test]
fn no_spelling_of_a_secret_is_told_wherever_a_message_is_cut() {
    let stage = Stage::new();
    for secret in [KEY, &stage.session.token()] {
        for echo in spellings(secret) {
            for before in [0, 262, 286] {
                let message = format!("{}{echo}'", "x ".repeat(before / 2));
                let fault = Fault::status(401).message(&message).code(&echo.replace(' ', ""));
                let fault = fault.header("X-Bz-Request-Id", &format!("{}{echo}", "i".repeat(before / 8)));
                stage.scene.sandbox.script(ID, [fault]);
                stage.look_through(&format!("{before} before {echo}"), Ask::Reauthorize(Some(&stage.session)));
            }
        }
    }
}

#[test]
fn the_json_action_tells_none_in_a_failure() {
    let stage = Stage::new();
    let one = json!({"keyId": ID, "key": KEY, "realm": stage.scene.sandbox.http(), "max_attempts": 1,
        "rate_limit_per_minute": 0, "cache": "bypass", "fields": "all", "total_timeout_ms": 5000});
    let requests = [one.to_string(), json!([one, {"keyId": ID, "key": KEY, "max_attempts": "x"}]).to_string()];
    for secret in [KEY, &stage.session.token()] {
        for (row, fault) in faults(secret).into_iter().enumerate() {
            for request in &requests {
                stage.scene.sandbox.script(ID, [fault.clone()]);
                let answer = stage.scene.api.action(request);
                let places = answer.as_array().map_or(std::slice::from_ref(&answer), Vec::as_slice);
                for place in places.iter().filter(|place| place.get("error").is_some()) {
                    stage.needles.look_through(&format!("row {row}"), &place.to_string());
                }
            }
        }
    }
    // What is wrong with a request is told without what it holds.
    let mut told = 0;
    for request in [
        json!({"keyId": ID, "key": KEY, "application_key": KEY}),
        json!({"keyId": ID, "key": KEY, "applicationKey": format!("{KEY}x")}),
        json!({"keyId": ID, "key": format!("{KEY} {KEY}")}),
        json!({"keyId": KEY, "key": [KEY]}),
        json!({"keyId": format!("{ID}:{KEY}"), "key": KEY}),
        json!({"key": KEY}),
        json!({KEY: KEY}),
        json!({"keyId": ID, "key": KEY, "realm": KEY}),
        json!({"keyId": ID, "key": KEY, "realm": format!("https://{KEY}@b2.example")}),
        json!({"keyId": ID, "key": KEY, "proxy": format!("http://{KEY}")}),
        json!({"keyId": ID, "key": KEY, "user_agent": format!("{KEY}\n{KEY}")}),
        json!({"keyId": ID, "key": KEY, "cache": KEY}),
        json!(KEY),
        json!([KEY]),
    ] {
        let answer = stage.scene.api.action(&request.to_string());
        stage.needles.look_through("a bad request", &answer.to_string());
        told += answer.to_string().matches("B2_INVALID_ARGUMENT").count();
    }
    for text in
        [format!("{{\"key\":\"{KEY}"), format!("{{\"key\":\"{KEY}\"}}}}"), format!("{{{KEY}:1}}"), KEY.to_owned()]
    {
        stage.needles.look_through("no JSON", &stage.scene.api.action(&text).to_string());
    }
    assert_eq!(told, 14, "each of them was refused");
}

#[test]
fn a_refusal_remembered_or_waited_for_tells_no_more_than_the_first() {
    let stage = Stage::new();
    for secret in [KEY, &stage.session.token()] {
        for status in [401, 403] {
            let fault = Fault::status(status).message(secret).code(secret).header("X-Bz-Request-Id", secret);
            stage.scene.sandbox.script(ID, [fault]);
            stage.look_through("as B2 said it", Ask::Reauthorize(Some(&stage.session)));
            stage.look_through("remembered", Ask::Authorize);
            assert_eq!(stage.call(Ask::Authorize).expect_err("remembered").attempts, 0);
        }
    }
}
