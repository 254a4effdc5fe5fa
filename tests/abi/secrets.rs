//! No error contains a secret, whatever a server sends and however a call fails.

use b2_sandbox::{Body, Fault, How, TlsFault};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::redaction::MarkedFixture;
use crate::support::api::{Failure, Operation, Options};
use crate::support::fixture::{ID, TEST_TIMEOUT};
use crate::support::secret_search::{MARKED_KEY, encodings};

const TOKEN: &str = "4_marked_token_0123456789abcdef";

/// A fixture whose calls make one attempt each.
struct Secrets(MarkedFixture);

impl Secrets {
    fn new() -> Self {
        let settings = [("max_attempts", "1"), ("negative_ttl_s", "0"), ("cache", "bypass")];
        Self(MarkedFixture::new(&settings, &[TOKEN]))
    }

    /// The failure of a call with these options.
    fn call(&self, options: &Options) -> Failure {
        self.0.fixture.authorize_key(ID, MARKED_KEY, options).expect_err("it fails")
    }

    /// The failure of a call that gets this response.
    fn failure(&self, fault: Fault) -> Failure {
        self.0.fixture.sandbox.script(ID, [fault]);
        self.call(&self.0.fixture.options)
    }

    /// Fails if a part of the key, of its Basic header or of a token is in the error or in the log.
    fn assert_no_secrets(&self, failure: &Failure) {
        self.0.assert_no_secrets(&failure.name, &failure.all_text());
    }
}

/// The user and password of the Basic header.
fn basic() -> String {
    STANDARD.encode(format!("{ID}:{MARKED_KEY}"))
}

#[test]
fn an_echo_is_masked_in_message_code_and_request_id() {
    let secrets = Secrets::new();
    for echo in encodings(ID, MARKED_KEY) {
        for status in [400, 401, 403, 404, 429, 500, 503] {
            let fault = Fault::status(status).message(&format!("bad key '{echo}'!")).code(&echo.replace(' ', ""));
            let failure = secrets.failure(fault.header("X-Bz-Request-Id", &echo));
            assert_eq!(failure.http_status, i32::from(status), "{failure}");
            assert!(failure.message.contains("bad key"), "{failure}");
            assert!(failure.message.contains("***"), "{failure}");
            assert!(failure.request_id.as_ref().is_some_and(|id| id.contains("***")), "it is masked, not left out");
            secrets.assert_no_secrets(&failure);
        }
    }
}

#[test]
fn an_echo_is_masked_where_a_long_message_is_cut() {
    let secrets = Secrets::new();
    for echo in encodings(ID, MARKED_KEY) {
        // The cut goes through each of its characters in turn, or near enough.
        for before in (230..300).step_by(7) {
            let failure = secrets.failure(Fault::status(401).message(&format!("{}{echo}", "x".repeat(before))));
            secrets.assert_no_secrets(&failure);
        }
    }
}

#[test]
fn an_echo_of_the_whole_basic_header_is_masked_from_its_first_character() {
    let secrets = Secrets::new();
    let basic = basic();
    for echo in [
        basic.clone(),
        basic.trim_end_matches('=').to_owned(),
        format!("Basic {basic}"),
        basic.replace('=', "%3D"),
        basic.replace('=', "%3d"),
    ] {
        for fault in [
            Fault::status(401).message(&format!("bad key '{echo}'!")).code(&echo.replace(' ', "")),
            Fault::status(503).header("X-Bz-Request-Id", &echo),
            Fault::redirect(302, &format!("https://{}@b2.example/", echo.replace(' ', "%20"))),
            Fault::redirect(302, &echo.replace(' ', "%20")),
        ] {
            let failure = secrets.failure(fault);
            assert!(!failure.all_text().contains(&basic[..24]), "{failure:?}");
            secrets.assert_no_secrets(&failure);
        }
    }
}

#[test]
fn a_granted_token_is_in_no_later_error() {
    let secrets = Secrets::new();
    let session = &secrets.0.session;
    for fault in [
        Fault::status(401).code("bad_auth_token"),
        Fault::status(500),
        Fault::account("0123456789ab"),
        Fault::none().set("/authorizationToken", format!("{} ", session.token()).into()),
    ] {
        secrets.0.fixture.sandbox.script(ID, [fault]);
        let failure = secrets.0.call(Operation::Reauthorize(Some(session))).expect_err("it fails");
        secrets.assert_no_secrets(&failure);
    }
}

#[test]
fn a_redirect_that_echoes_the_header_is_not_shown() {
    let secrets = Secrets::new();
    for echo in encodings(ID, MARKED_KEY) {
        let echo = echo.replace(' ', "%20");
        for location in [
            format!("https://b2.example/{echo}"),
            format!("https://b2.example/?q={echo}"),
            format!("https://{echo}@b2.example/"),
            format!("https://u:{echo}@b2.example/"),
            format!("/{echo}"),
            echo.clone(),
        ] {
            let failure = secrets.failure(Fault::redirect(302, &location));
            assert_eq!((failure.name.as_str(), failure.attempts), ("B2_PROTOCOL_ERROR", 1), "{failure}");
            secrets.assert_no_secrets(&failure);
        }
    }
}

#[test]
fn a_malformed_reply_is_refused_without_its_values() {
    let secrets = Secrets::new();
    let storage = "/apiInfo/storageApi";
    for value in [TOKEN, MARKED_KEY, &basic()] {
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
            let failure = secrets.failure(fault);
            assert_eq!(failure.name, "B2_PROTOCOL_ERROR", "{failure}");
            secrets.assert_no_secrets(&failure);
        }
    }
}

#[test]
fn a_body_that_is_no_error_of_b2_is_not_shown() {
    let secrets = Secrets::new();
    for value in [TOKEN, MARKED_KEY, &basic()] {
        for status in [401, 403, 500] {
            let cut = format!("{{\"code\": {{\"{value}\"");
            for body in [format!("<html>{value}</html>"), format!("[\"{value}\"]"), cut] {
                let failure = secrets.failure(Fault::status(status).body(Body::Text(body)));
                secrets.assert_no_secrets(&failure);
            }
        }
    }
}

#[test]
fn no_network_tls_or_timeout_failure_shows_a_secret() {
    let secrets = Secrets::new();
    let fixture = &secrets.0.fixture;
    let assert_fails = |name: &str, failure: &Failure| {
        assert_eq!(failure.name, name, "{failure}");
        secrets.assert_no_secrets(failure);
    };
    assert_fails("B2_NETWORK_ERROR", &secrets.failure(Fault::reset_after(0)));
    assert_fails("B2_NETWORK_ERROR", &secrets.failure(Fault::none().cut(How::Close, 20).of_body()));
    assert_fails("B2_PROTOCOL_ERROR", &secrets.failure(Fault::with_body(Body::GzipBomb).gzip()));
    let call = |settings: &[(&str, &str)]| secrets.call(&fixture.options.with(settings));
    for fault in [TlsFault::UnknownCa, TlsFault::Expired, TlsFault::WrongName] {
        let settings = [("realm", fixture.sandbox.tls_fault(fault)), ("ca_file", fixture.ca_file())];
        assert_fails("B2_TLS_ERROR", &call(&settings));
    }
    assert_fails("B2_NETWORK_ERROR", &call(&[("realm", &fixture.sandbox.refused_url())]));
    fixture.sandbox.script(ID, [Fault::silent()]);
    assert_fails("B2_TIMEOUT", &call(&[("total_timeout_ms", "100")]));
    let settings = [("realm", fixture.sandbox.https()), ("ca_file", "/no/such/file")];
    assert_fails("B2_INVALID_ARGUMENT", &call(&settings));
}

#[test]
fn no_cancelled_call_and_no_panic_shows_a_secret() {
    let secrets = Secrets::new();
    let fixture = &secrets.0.fixture;
    let options = fixture.options.with(&[]);
    fixture.api.plant_panic();
    let failure = secrets.call(&options);
    assert_eq!(failure.name, "B2_INTERNAL_ERROR");
    secrets.assert_no_secrets(&failure);
    let cancel = options.attach_cancel();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| secrets.call(&options));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        cancel.trigger();
        let failure = call.join().expect("no panic");
        assert_eq!(failure.name, "B2_CANCELLED");
        secrets.assert_no_secrets(&failure);
    });
}

#[test]
fn no_cached_or_shared_rejection_shows_a_secret() {
    let secrets = Secrets::new();
    let fixture = &secrets.0.fixture;
    let options = fixture.options.with(&[("cache", "use"), ("negative_ttl_s", "10")]);
    let before = fixture.requests();
    fixture.sandbox.script(ID, [Fault::status(401).message(MARKED_KEY).code("bad_auth_token").held_at("latch")]);
    let assert_rejected = |failure: &Failure| {
        assert_eq!(failure.code.as_deref(), Some("bad_auth_token"));
        secrets.assert_no_secrets(failure);
    };
    std::thread::scope(|scope| {
        let calls = [scope.spawn(|| secrets.call(&options)), scope.spawn(|| secrets.call(&options))];
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        fixture.sandbox.release("latch");
        for call in calls {
            assert_rejected(&call.join().expect("no panic"));
        }
        assert_rejected(&secrets.call(&options));
    });
    assert_eq!(fixture.requests() - before, 1);
}

#[test]
fn a_message_of_a_server_becomes_one_line_without_control_characters() {
    let secrets = Secrets::new();
    let message = "first\nsecond\r\n\u{1b}[31mred\0 \u{202e}turned";
    let failure = secrets.failure(Fault::status(403).message(message).code("access_denied"));
    assert!(!failure.message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{failure:?}");
    assert!(failure.message.contains("first second"), "{failure}");
}
