//! TLS: which certificates are trusted, and the errors of a failed handshake.

use b2_sandbox::TlsFault;

use crate::support::api::Failure;
use crate::support::concurrent::timed;
use crate::support::fixture::{Fixture, TEST_TIMEOUT};
use crate::support::temp_dir::TempDir;

/// A fixture that trusts the sandbox's certificate authority, with this realm.
fn trusting(realm: impl FnOnce(&Fixture) -> String) -> Fixture {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let realm = realm(&fixture);
    let ca = fixture.ca_file().to_owned();
    fixture.and_options(&[("realm", &realm), ("ca_file", &ca)])
}

fn assert_untrusted(fixture: &Fixture, listener: &str, failure: &Failure) {
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_TLS_ERROR", 0), "{listener}: {failure}");
    assert!(!failure.retryable);
    assert_eq!((failure.attempts, fixture.sandbox.connection_count(listener)), (1, 1), "{listener}");
    assert_eq!(fixture.sandbox.log(), [], "{listener}: an untrusted server receives no request");
}

#[test]
fn a_ca_file_is_trusted_in_addition_to_the_system() {
    let fixture = trusting(|fixture| fixture.sandbox.https().to_owned());
    let session = fixture.authorize().expect("granted");
    assert!(session.text(|f| f.b2_session_api_url).expect("a URL").starts_with("https://"));
    assert_eq!((fixture.requests(), fixture.sandbox.connection_count("https")), (1, 1));
    assert!(fixture.sandbox.log().iter().all(|entry| entry.listener == "https"));
}

#[test]
fn without_ca_file_the_hint_names_it() {
    let fixture = Fixture::new();
    let options = fixture.options.with(&[("realm", fixture.sandbox.https())]);
    let failure = fixture.authorize_with(&options).expect_err("an unknown authority");
    assert_untrusted(&fixture, "https", &failure);
    assert!(failure.message.contains("localhost"), "{failure}");
    assert!(failure.hint.expect("a hint").contains("ca_file"));
}

#[test]
fn an_untrusted_certificate_is_a_tls_error_after_one_connection() {
    for (fault, message, hint) in [
        (TlsFault::UnknownCa, "localhost", "ca_file"),
        (TlsFault::Expired, "expired", "clock"),
        (TlsFault::WrongName, "another name", "realm"),
    ] {
        let fixture = trusting(|fixture| fixture.sandbox.tls_fault(fault).to_owned());
        let failure = fixture.authorize().expect_err("not to be trusted");
        assert_untrusted(&fixture, fault.name(), &failure);
        assert!(failure.message.contains(message), "{failure}");
        assert!(failure.hint.as_deref().expect("a hint").contains(hint), "{failure:?}");
    }
}

#[test]
fn a_server_without_tls_is_a_tls_error() {
    use std::io::Write;
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let fixture = trusting(|_| format!("https://{}", server.local_addr().expect("an address")));
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize().expect_err("no TLS"));
        let (mut stream, _) = server.accept().expect("a connection");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nThis is the port for http.").expect("it listens");
        let failure = call.join().expect("no panic");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TLS_ERROR", 1), "{failure}");
        assert!(failure.hint.expect("a hint").contains("https"));
    });
}

#[test]
fn a_handshake_that_stalls_is_a_timeout() {
    for (limit, attempts) in [("connect_timeout_ms", 2), ("attempt_timeout_ms", 2), ("total_timeout_ms", 1)] {
        let fixture = trusting(|fixture| fixture.sandbox.tls_fault(TlsFault::NoHandshake).to_owned());
        let options = fixture.options.with(&[(limit, "400")]);
        let (failure, took) = timed(|| fixture.authorize_with(&options).expect_err("no response"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", attempts), "{limit}: {failure}");
        assert!(failure.message.contains("TLS handshake"), "{limit}: {failure}");
        assert_eq!(fixture.sandbox.connection_count("no_handshake"), attempts as usize, "{limit}");
        assert!(took < TEST_TIMEOUT, "{limit}: {took:?}");
    }
}

#[test]
fn an_unusable_ca_file_is_an_invalid_argument() {
    let fixture = Fixture::new();
    let here = std::env::current_exe().expect("a path");
    for path in ["/nonexistent/ca.pem", here.to_str().expect("a plain path")] {
        let options = fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", path)]);
        let failure = fixture.authorize_with(&options).expect_err("no such authority");
        assert_eq!(failure.name, "B2_INVALID_ARGUMENT", "{failure}");
        assert!(format!("{failure} {:?}", failure.hint).contains("ca_file"), "{failure}");
        assert_eq!(fixture.sandbox.connection_count("https"), 0);
    }
}

/// The certificate of the sandbox's authority, as another program might have written it.
fn rewritten_ca(fixture: &Fixture, directory: &TempDir, rewrite: impl FnOnce(String) -> String) -> String {
    let pem = std::fs::read_to_string(fixture.ca_file()).expect("it is there");
    let path = directory.write("ca.pem", rewrite(pem).as_bytes());
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn a_ca_file_may_have_older_labels_and_a_byte_order_mark() {
    let directory = TempDir::new();
    let rewrites: [fn(String) -> String; 4] = [
        |pem| format!("\u{feff}{pem}"),
        |pem| pem.replace("CERTIFICATE", "X509 CERTIFICATE"),
        |pem| pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        |pem| format!("\u{feff}subject=Nobody\r\n{}", pem.replace('\n', "\r\n")),
    ];
    for (number, rewrite) in rewrites.into_iter().enumerate() {
        let fixture = Fixture::new();
        let path = rewritten_ca(&fixture, &directory, rewrite);
        let options = fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", &path)]);
        fixture.authorize_with(&options).unwrap_or_else(|failure| panic!("{number}: {failure}"));
    }
}

#[test]
fn no_byte_of_a_ca_file_is_in_an_error() {
    const SECRET: &[u8] = b"marked7f3a-private-key-material/";
    let (fixture, directory) = (Fixture::new(), TempDir::new());
    let big = SECRET.repeat(130_000);
    let label = [b"-----BEGIN ", SECRET, b"-----\nAAAA\n-----END ", SECRET, b"-----\n"].concat();
    let body = [b"-----BEGIN CERTIFICATE-----\n", SECRET, b"\n-----END CERTIFICATE-----\n"].concat();
    let unended = [b"-----BEGIN CERTIFICATE-----\n", SECRET, &big[..1 << 20]].concat();
    let der = [&[0x30, 0x20], SECRET].concat();
    for content in [SECRET, &big, &label, &body, &unended, &der] {
        let path = directory.write("ca.pem", content);
        let path = path.to_str().expect("a plain path");
        let options = fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", path)]);
        let (failure, took) = timed(|| fixture.authorize_with(&options).expect_err("no certificate"));
        assert_eq!(failure.name, "B2_INVALID_ARGUMENT", "{failure}");
        let text = failure.all_text();
        // Neither as text nor as a list of numbers.
        let numbers = SECRET[..4].iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        for shown in ["marked7f3a", "private-key", "6D61726B", "6d61726b", &numbers] {
            assert!(!text.contains(shown), "{shown}: {text}");
        }
        assert!(failure.message.chars().count() <= 1_000, "{} characters", failure.message.chars().count());
        assert!(took < TEST_TIMEOUT, "{took:?}");
    }
}
