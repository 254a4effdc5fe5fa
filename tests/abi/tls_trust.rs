//! TLS: who is believed, and what a failed handshake comes to.

use std::time::Duration;

use b2_sandbox::TlsFault;

use crate::support::api::Failure;
use crate::support::concurrent::timed;
use crate::support::fixture::Scene;

/// The scene with the sandbox's authority trusted, and this realm.
fn trusting(realm: impl FnOnce(&Scene) -> String) -> Scene {
    let scene = Scene::with(&[("max_attempts", "2")]);
    let realm = realm(&scene);
    let ca = scene.sandbox.ca_file().to_str().expect("a plain path").to_owned();
    scene.options_with(&[("realm", &realm), ("ca_file", &ca)])
}

fn is_untrusted(scene: &Scene, listener: &str, failure: &Failure) {
    assert_eq!((failure.name.as_str(), failure.http_status), ("B2_TLS_ERROR", 0), "{listener}: {failure}");
    assert!(!failure.retryable);
    assert_eq!((failure.attempts, scene.sandbox.connection_count(listener)), (1, 1), "{listener}");
    assert_eq!(scene.sandbox.log(), [], "{listener}: nobody untrusted sees a request");
}

#[test]
fn a_ca_file_is_trusted_besides_the_system() {
    let scene = trusting(|scene| scene.sandbox.https().to_owned());
    let session = scene.authorize().expect("granted");
    assert!(session.text(|f| f.b2_session_api_url).expect("a URL").starts_with("https://"));
    assert_eq!((scene.requests(), scene.sandbox.connection_count("https")), (1, 1));
    assert!(scene.sandbox.log().iter().all(|entry| entry.listener == "https"));
}

#[test]
fn without_it_the_error_says_what_to_do() {
    let scene = Scene::new();
    let options = scene.options.with(&[("realm", scene.sandbox.https())]);
    let failure = scene.authorize_with(&options).expect_err("a stranger's certificate");
    is_untrusted(&scene, "https", &failure);
    assert!(failure.message.contains("localhost"), "{failure}");
    assert!(failure.hint.expect("a hint").contains("ca_file"));
}

#[test]
fn a_bad_certificate_is_a_tls_error_after_one_connection() {
    for (fault, word, hint) in [
        (TlsFault::UnknownCa, "localhost", "ca_file"),
        (TlsFault::Expired, "expired", "clock"),
        (TlsFault::WrongName, "another name", "realm"),
    ] {
        let scene = trusting(|scene| scene.sandbox.tls_fault(fault).to_owned());
        let failure = scene.authorize().expect_err("not to be trusted");
        is_untrusted(&scene, fault.name(), &failure);
        assert!(failure.message.contains(word), "{failure}");
        assert!(failure.hint.as_deref().expect("a hint").contains(hint), "{failure:?}");
    }
}

#[test]
fn a_server_without_tls_is_a_tls_error() {
    use std::io::Write;
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let scene = trusting(|_| format!("https://{}", server.local_addr().expect("an address")));
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| scene.authorize().expect_err("no TLS there"));
        let (mut stream, _) = server.accept().expect("a caller");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nThis is the port for http.").expect("it listens");
        let failure = caller.join().expect("no panic");
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TLS_ERROR", 1), "{failure}");
        assert!(failure.hint.expect("a hint").contains("https"));
    });
}

#[test]
fn a_handshake_that_stalls_runs_out_of_time() {
    for (limit, attempts) in [("connect_timeout_ms", 2), ("attempt_timeout_ms", 2), ("total_timeout_ms", 1)] {
        let scene = trusting(|scene| scene.sandbox.tls_fault(TlsFault::NoHandshake).to_owned());
        let options = scene.options.with(&[(limit, "400")]);
        let (failure, took) = timed(|| scene.authorize_with(&options).expect_err("silence"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", attempts), "{limit}: {failure}");
        assert!(failure.message.contains("TLS handshake"), "{limit}: {failure}");
        assert_eq!(scene.sandbox.connection_count("no_handshake"), attempts as usize, "{limit}");
        assert!(took < Duration::from_secs(4), "{limit}: {took:?}");
    }
}

#[test]
fn a_ca_file_that_is_none_is_the_callers_mistake() {
    let scene = Scene::new();
    let here = std::env::current_exe().expect("a path");
    for path in ["/nonexistent/ca.pem", here.to_str().expect("a plain path")] {
        let options = scene.options.with(&[("realm", scene.sandbox.https()), ("ca_file", path)]);
        let failure = scene.authorize_with(&options).expect_err("no such authority");
        assert_eq!(failure.name, "B2_INVALID_ARGUMENT", "{failure}");
        assert!(format!("{failure} {:?}", failure.hint).contains("ca_file"), "{failure}");
        assert_eq!(scene.sandbox.connection_count("https"), 0);
    }
}
