//! https: the good listener, and those that no client should get on with.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use b2_sandbox::{Config, Fault, How, Sandbox, TlsFault};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned};

use crate::client::{ID, KEY, authorize_request, connect, parse};

fn sandbox() -> Sandbox {
    Sandbox::start(Config::default()).expect("loopback has free ports")
}

fn open(sandbox: &Sandbox, url: &str, name: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(sandbox.ca_file()).expect("a PEM file");
    roots.add(authority).expect("a certificate that can be trusted");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a host name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a sound configuration");
    StreamOwned::new(session, connect(url))
}

/// What comes back, and the error at the end if it is none in good order.
fn authorize(sandbox: &Sandbox, url: &str, name: &str) -> (Vec<u8>, Option<std::io::Error>) {
    let mut stream = open(sandbox, url, name);
    if let Err(error) = stream.write_all(&authorize_request(4, ID, KEY)) {
        return (Vec::new(), Some(error));
    }
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).err();
    (bytes, end)
}

#[test]
fn every_name_of_the_sandbox_is_certified() {
    let sandbox = sandbox();
    let names = ["localhost", "127.0.0.1", "::1", "api.backblazeb2.com", "b2.test", "f004.b2.test"];
    for name in names {
        let (bytes, end) = authorize(&sandbox, sandbox.https(), name);
        assert!(end.is_none(), "{name}: {end:?}");
        let answer = parse(&bytes, crate::client::End::Closed);
        let api_url = &answer.json()["apiInfo"]["storageApi"]["apiUrl"];
        assert_eq!((answer.status, api_url), (200, &"https://b2.test:80".into()), "{name}");
    }
    assert_eq!(sandbox.log()[0].listener, "https");
}

#[test]
fn certificates_are_wrong_in_the_way_that_is_said() {
    let sandbox = sandbox();
    let refused = |fault| {
        let (_, end) = authorize(&sandbox, sandbox.tls_fault(fault), "localhost");
        let end = end.expect("the handshake fails");
        end.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).cloned()
    };
    let because = |fault, expected: fn(&CertificateError) -> bool| match refused(fault) {
        Some(Error::InvalidCertificate(error)) => assert!(expected(&error), "{error:?}"),
        other => panic!("{fault:?}: {other:?}"),
    };
    because(TlsFault::UnknownCa, |e| matches!(e, CertificateError::UnknownIssuer));
    because(TlsFault::Expired, |e| matches!(e, CertificateError::Expired | CertificateError::ExpiredContext { .. }));
    because(TlsFault::NotYetValid, |e| {
        matches!(e, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })
    });
    because(TlsFault::WrongName, |e| {
        matches!(e, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    });
    assert!(sandbox.log().is_empty(), "no request was made");
    assert_eq!(sandbox.connection_count("expired"), 1);
}

#[test]
fn handshakes_fail_in_the_way_that_is_said() {
    let sandbox = sandbox();
    let (_, end) = authorize(&sandbox, sandbox.tls_fault(TlsFault::Reset), "localhost");
    assert_eq!(end.map(|error| error.kind()), Some(std::io::ErrorKind::ConnectionReset));

    let mut stream = open(&sandbox, sandbox.tls_fault(TlsFault::NoHandshake), "localhost");
    stream.sock.set_read_timeout(Some(Duration::from_millis(150))).expect("above zero");
    let error = stream.write_all(b"GET").expect_err("nobody answers the hello");
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));

    let mut stream = open(&sandbox, sandbox.tls_fault(TlsFault::HalfHandshake), "localhost");
    stream.sock.set_read_timeout(Some(Duration::from_millis(150))).expect("above zero");
    let error = stream.read(&mut [0]).expect_err("the handshake does not go on");
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    let begun = stream.conn.negotiated_cipher_suite().is_some();
    assert!(begun && stream.conn.is_handshaking(), "it had begun, and is not over");

    let (bytes, end) = authorize(&sandbox, sandbox.tls_fault(TlsFault::ClientCertificate), "localhost");
    let end = end.expect("it wants a certificate");
    let error = end.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    assert_eq!(error, Some(&Error::AlertReceived(AlertDescription::CertificateRequired)), "{end:?}");
    assert_eq!((bytes, sandbox.log().len()), (Vec::new(), 0));
}

#[test]
fn an_early_end_may_lack_its_farewell() {
    let sandbox = sandbox();
    let cut = |how| Fault::none().cut(how, 4);
    sandbox.script(ID, [cut(How::Close), cut(How::Drop), cut(How::Reset)]);
    let mut ends = Vec::new();
    for _ in 0..3 {
        let (bytes, end) = authorize(&sandbox, sandbox.https(), "localhost");
        assert_eq!(bytes, b"HTTP");
        ends.push(end.map(|error| error.kind()));
    }
    use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
    assert_eq!(ends, [None, Some(UnexpectedEof), Some(ConnectionReset)]);
}
