//! TLS: whom the wire trusts, and what it says of the rest.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ServerConnection, StreamOwned};

use super::super::testing::authority::{Authority, Scratch, Server};
use super::super::testing::{Ask, head, once};
use crate::ports::transport::{Failure, FailureKind};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Answers one request over TLS. The handshake may fail, and then there is nobody to tell.
fn answer(server: &Server, stream: TcpStream) {
    let mut stream = server.over(stream);
    head(&mut stream);
    let _ = stream.write_all(OK).and_then(|()| stream.flush());
    let _ = stream.sock.read_to_end(&mut Vec::new());
}

fn refused(authority: &Authority, server: Server) -> Failure {
    let port = once(move |stream| answer(&server, stream)).0;
    let mut ask = Ask::to(&format!("https://127.0.0.1:{port}"));
    ask.ca_file = Some(&authority.file);
    let failure = ask.fails();
    assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.message);
    failure
}

#[test]
fn a_ca_file_is_trusted_in_both_versions() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        for host in ["127.0.0.1", "localhost"] {
            let mut server = authority.server(&[host], |_| {});
            server.versions = vec![version];
            let port = once(move |stream| answer(&server, stream)).0;
            let mut ask = Ask::to(&format!("https://{host}:{port}"));
            ask.ca_file = Some(&authority.file);
            assert_eq!(ask.go().expect("an answer").body.as_slice(), b"{}");
        }
    }
}

#[test]
fn an_unknown_ca_is_named() {
    let (authority, other) = (Authority::new(), Authority::named("Somebody else"));
    let failure = refused(&other, authority.server(&["127.0.0.1"], |_| {}));
    assert_eq!(failure.message, "the certificate of 127.0.0.1 is signed by an unknown CA (\"Corp Inspection CA\")");
    assert!(
        failure.hint.is_some_and(|hint| hint.contains("neither among the system's nor in the file that ca_file names"))
    );
    // A CA of the same name, made anew.
    let failure = refused(&Authority::new(), authority.server(&["127.0.0.1"], |_| {}));
    assert!(failure.message.contains("in the name of \"Corp Inspection CA\", but not"), "{}", failure.message);
}

#[test]
fn a_bad_certificate_is_distinguished_from_a_wrong_clock() {
    let authority = Authority::new();
    let failure = refused(&authority, authority.server(&["other.example"], |_| {}));
    assert_eq!(failure.message, "the certificate of 127.0.0.1 is for another name: other.example");
    let old = authority.server(&["127.0.0.1"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    let failure = refused(&authority, old);
    assert!(failure.message.contains("expired at 2020-01-01T00:00:00Z"), "{}", failure.message);
    assert!(failure.hint.is_some_and(|hint| hint.contains("clock")));
    let young = authority.server(&["127.0.0.1"], |params| params.not_before = rcgen::date_time_ymd(4000, 1, 1));
    let failure = refused(&authority, young);
    assert!(failure.message.contains("not valid before 4000-01-01T00:00:00Z"), "{}", failure.message);
    assert!(failure.hint.is_some_and(|hint| hint.contains("clock")));
}

#[test]
fn an_alert_of_the_server_is_reported() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let mut server = authority.server(&["127.0.0.1"], |_| {});
        server.versions = vec![version];
        server.wants_client = true;
        let failure = refused(&authority, server);
        assert!(failure.message.contains("aborted the TLS handshake"), "{}", failure.message);
    }
    // An alert by hand: no server here can be made to speak nothing but an old version.
    let (port, _) = once(|mut stream| stream.write_all(&[21, 3, 1, 0, 2, 2, 70]));
    let failure = Ask::to(&format!("https://127.0.0.1:{port}")).fails();
    assert_eq!(failure.kind, FailureKind::Tls);
    assert!(failure.hint.is_some_and(|hint| hint.contains("TLS 1.2")), "{}", failure.message);
}

#[test]
fn a_connection_lost_in_the_handshake_is_a_network_failure() {
    let close = |_: TcpStream| {};
    let close_later = |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 4096]);
    };
    for port in [once(close).0, once(close_later).0] {
        let failure = Ask::to(&format!("https://127.0.0.1:{port}")).fails();
        assert_eq!(failure.kind, FailureKind::Network, "{}", failure.message);
        assert!(failure.message.contains("TLS handshake"), "{}", failure.message);
    }
}

/// Without a length, only a proper goodbye tells the end from an attack.
#[test]
fn a_body_without_a_length_ends_with_close_notify() {
    let authority = Authority::new();
    for says_goodbye in [true, false] {
        let server = authority.server(&["127.0.0.1"], |_| {});
        let (port, _) = once(move |stream| -> io::Result<()> {
            let mut stream = server.over(stream);
            head(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}")?;
            if says_goodbye {
                stream.conn.send_close_notify();
            }
            stream.flush()
        });
        let mut ask = Ask::to(&format!("https://127.0.0.1:{port}"));
        ask.ca_file = Some(&authority.file);
        match ask.go() {
            Ok(answer) => assert!(says_goodbye && answer.body.as_slice() == b"{}"),
            Err(failure) => assert!(!says_goodbye && failure.kind == FailureKind::Network, "{}", failure.message),
        }
    }
}

#[test]
fn an_unusable_ca_file_is_named() {
    let folder = Scratch::new();
    let bad = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let nothing = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, problem) in [
        (folder.path().join("missing.pem"), "no such file"),
        (folder.file("empty.pem", ""), "not in PEM format"),
        (folder.file("prose.pem", "hello"), "not in PEM format"),
        (folder.file("bad.pem", bad), "damaged"),
        (folder.file("nothing.pem", nothing), "none of its certificates"),
        (folder.path().to_owned(), "directory"),
    ] {
        let mut ask = Ask::to("https://127.0.0.1:1");
        ask.ca_file = Some(&path);
        ask.connect_timeout = Duration::from_millis(100);
        let failure = ask.fails();
        assert_eq!(failure.kind, FailureKind::InvalidRequest, "{}", failure.message);
        assert!(failure.message.contains(problem), "{}", failure.message);
        assert!(failure.message.contains(&path.display().to_string()));
        assert!(failure.hint.is_some_and(|hint| hint.contains("ca_file")));
    }
}

#[test]
fn tls_sessions_are_not_resumed() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let mut server = authority.server(&["127.0.0.1"], |_| {});
        server.versions = vec![version];
        let config = server.config();
        for _ in 0..2 {
            let config = config.clone();
            let (port, kind) = once(move |stream| {
                let connection = ServerConnection::new(config).expect("a good configuration");
                let mut stream = StreamOwned::new(connection, stream);
                head(&mut stream);
                stream.write_all(OK).and_then(|()| stream.flush()).expect("a client");
                stream.conn.handshake_kind()
            });
            let mut ask = Ask::to(&format!("https://127.0.0.1:{port}"));
            ask.ca_file = Some(&authority.file);
            ask.go().expect("a response");
            assert_eq!(kind.recv().expect("served"), Some(HandshakeKind::Full));
        }
    }
}
