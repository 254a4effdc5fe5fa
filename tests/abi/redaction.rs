//! A server echoes the key and the last token in every encoding and in every part of a response. No part of them is in
//! an error, in an answer of the JSON action, or in the log.

use b2_sandbox::{Body, DateFault, Fault, How, Key, Length};
use serde_json::json;

use crate::support::api::{Failure, Operation, Session};
use crate::support::fixture::{Fixture, ID, STALE_AGE};
use crate::support::log_lines::LogLines;
use crate::support::secret_search::{MARKED_KEY, SecretSearch, encodings};

/// Every fault that can contain text, with `echo` in it.
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

/// A fixture for [`MARKED_KEY`], a session whose token the server knows, and the search for both.
pub struct MarkedFixture {
    pub fixture: Fixture,
    pub session: Session,
    search: SecretSearch,
    log: LogLines,
}

impl MarkedFixture {
    /// With these options, and searching for these secrets besides.
    pub fn new(settings: &[(&str, &str)], more_secrets: &[&str]) -> Self {
        let fixture = Fixture::with_options(settings);
        fixture.sandbox.add_key(Key::master(ID, MARKED_KEY));
        let log = LogLines::capture(&fixture.options);
        let session = fixture.authorize_key(ID, MARKED_KEY, &fixture.options).expect("granted");
        let search = SecretSearch::new([&[MARKED_KEY, &session.token()], more_secrets].concat());
        Self { fixture, session, search, log }
    }

    pub fn call(&self, operation: Operation<'_>) -> Result<Session, Failure> {
        self.fixture.api.call(Some(ID), Some(MARKED_KEY), operation, Some(&self.fixture.options))
    }

    /// Fails if a part of the key or of the token is in this text, or in the log since the last check.
    pub fn assert_no_secrets(&self, context: &str, text: &str) {
        self.search.assert_no_secrets(context, text);
        self.search.assert_no_secrets(context, &self.log.take().join("\n"));
    }

    /// Makes a call, and checks its error, if it fails, and the lines that it logs.
    fn assert_call_shows_no_secrets(&self, context: &str, operation: Operation<'_>) {
        if let Err(failure) = self.call(operation) {
            self.search.assert_no_secrets(context, &failure.all_text());
        }
        let lines = self.log.take();
        assert!(!lines.is_empty(), "{context}: it logged nothing");
        self.search.assert_no_secrets(context, &lines.join("\n"));
    }
}

fn marked() -> MarkedFixture {
    MarkedFixture::new(&[("max_attempts", "2"), ("total_timeout_ms", "60000"), ("negative_ttl_s", "3600")], &[])
}

#[test]
fn no_part_of_a_response_brings_a_secret_into_an_error_or_the_log() {
    let marked = marked();
    for secret in [MARKED_KEY, &marked.session.token()] {
        for echo in [secret.to_owned(), encodings(ID, secret)[2].clone()] {
            for (row, fault) in faults(&echo).into_iter().enumerate() {
                let context = format!("row {row} with {echo}");
                marked.fixture.sandbox.script(ID, [fault.clone().forever()]);
                marked.assert_call_shows_no_secrets(&context, Operation::Reauthorize(Some(&marked.session)));
                // A fault that the library tolerates has granted another token.
                marked.fixture.api.clear_cache();
            }
        }
    }
}

#[test]
fn a_cached_token_is_never_shown() {
    let marked = marked();
    let token = marked.session.token();
    let options = marked.fixture.options.with(&[("cache", "refresh")]);
    for (row, fault) in
        faults(&token).into_iter().enumerate().filter(|(_, fault)| fault.status.is_some_and(|s| s != 401 && s != 403))
    {
        marked.fixture.sandbox.script(ID, [fault.clone().forever()]);
        let failure = marked.fixture.authorize_key(ID, MARKED_KEY, &options).expect_err("it fails");
        marked.search.assert_no_secrets(&format!("row {row}"), &failure.all_text());
        marked.assert_call_shows_no_secrets(&format!("row {row}"), Operation::Authorize);
    }
    marked.fixture.api.advance(STALE_AGE);
    let fault = Fault::status(503).message(&token).code(&token).header("X-Bz-Request-Id", &token);
    marked.fixture.sandbox.script(ID, [fault.forever()]);
    assert_eq!(marked.call(Operation::Authorize).expect("the stale token is served").token(), token);
    marked.assert_call_shows_no_secrets("a refresh that failed", Operation::Authorize);
}

#[test]
fn no_encoding_of_a_secret_is_shown_wherever_a_message_is_cut() {
    let marked = marked();
    for secret in [MARKED_KEY, &marked.session.token()] {
        for echo in encodings(ID, secret) {
            for before in [0, 262, 286] {
                let message = format!("{}{echo}'", "x ".repeat(before / 2));
                let fault = Fault::status(401).message(&message).code(&echo.replace(' ', ""));
                let fault = fault.header("X-Bz-Request-Id", &format!("{}{echo}", "i".repeat(before / 8)));
                marked.fixture.sandbox.script(ID, [fault]);
                marked.assert_call_shows_no_secrets(
                    &format!("{before} before {echo}"),
                    Operation::Reauthorize(Some(&marked.session)),
                );
            }
        }
    }
}

#[test]
fn no_failure_of_the_json_action_shows_a_secret() {
    let marked = marked();
    let one = json!({"keyId": ID, "key": MARKED_KEY, "realm": marked.fixture.sandbox.http(), "max_attempts": 1,
        "rate_limit_per_minute": 0, "cache": "bypass", "fields": "all", "total_timeout_ms": 60000});
    let requests = [one.to_string(), json!([one, {"keyId": ID, "key": MARKED_KEY, "max_attempts": "x"}]).to_string()];
    for secret in [MARKED_KEY, &marked.session.token()] {
        for (row, fault) in faults(secret).into_iter().enumerate() {
            for request in &requests {
                marked.fixture.sandbox.script(ID, [fault.clone()]);
                let answer = marked.fixture.api.authorize_json(request);
                let entries = answer.as_array().map_or(std::slice::from_ref(&answer), Vec::as_slice);
                for entry in entries.iter().filter(|entry| entry.get("error").is_some()) {
                    marked.search.assert_no_secrets(&format!("row {row}"), &entry.to_string());
                }
            }
        }
    }
    // A message about an invalid request repeats none of its values.
    let mut refused = 0;
    for request in [
        json!({"keyId": ID, "key": MARKED_KEY, "application_key": MARKED_KEY}),
        json!({"keyId": ID, "key": MARKED_KEY, "applicationKey": format!("{MARKED_KEY}x")}),
        json!({"keyId": ID, "key": format!("{MARKED_KEY} {MARKED_KEY}")}),
        json!({"keyId": MARKED_KEY, "key": [MARKED_KEY]}),
        json!({"keyId": format!("{ID}:{MARKED_KEY}"), "key": MARKED_KEY}),
        json!({"key": MARKED_KEY}),
        json!({MARKED_KEY: MARKED_KEY}),
        json!({"keyId": ID, "key": MARKED_KEY, "realm": MARKED_KEY}),
        json!({"keyId": ID, "key": MARKED_KEY, "realm": format!("https://{MARKED_KEY}@b2.example")}),
        json!({"keyId": ID, "key": MARKED_KEY, "proxy": format!("http://{MARKED_KEY}")}),
        json!({"keyId": ID, "key": MARKED_KEY, "user_agent": format!("{MARKED_KEY}\n{MARKED_KEY}")}),
        json!({"keyId": ID, "key": MARKED_KEY, "cache": MARKED_KEY}),
        json!(MARKED_KEY),
        json!([MARKED_KEY]),
    ] {
        let answer = marked.fixture.api.authorize_json(&request.to_string());
        marked.search.assert_no_secrets("an invalid request", &answer.to_string());
        refused += answer.to_string().matches("B2_INVALID_ARGUMENT").count();
    }
    for text in [
        format!("{{\"key\":\"{MARKED_KEY}"),
        format!("{{\"key\":\"{MARKED_KEY}\"}}}}"),
        format!("{{{MARKED_KEY}:1}}"),
        MARKED_KEY.to_owned(),
    ] {
        marked.search.assert_no_secrets("invalid JSON", &marked.fixture.api.authorize_json(&text).to_string());
    }
    assert_eq!(refused, 14, "each of them was refused");
}

#[test]
fn a_cached_rejection_shows_no_secret() {
    let marked = marked();
    for secret in [MARKED_KEY, &marked.session.token()] {
        for status in [401, 403] {
            let fault = Fault::status(status).message(secret).code(secret).header("X-Bz-Request-Id", secret);
            marked.fixture.sandbox.script(ID, [fault]);
            marked.assert_call_shows_no_secrets("the response", Operation::Reauthorize(Some(&marked.session)));
            marked.assert_call_shows_no_secrets("cached", Operation::Authorize);
            assert_eq!(marked.call(Operation::Authorize).expect_err("cached").attempts, 0);
        }
    }
}
