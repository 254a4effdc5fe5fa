//! TLS that cannot be trusted or established, and servers on its port that do not speak TLS.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use b2_sandbox::TlsFault;

use super::fake_server::{Serve, finish, read_hello};
use super::fault::{FaultCase, fault};
use super::{NETWORK, Row, TIMEOUT, TLS};

pub fn rows() -> Vec<Row> {
    let cases = [certificates(), handshakes(), other_protocols()];
    cases.into_iter().flatten().flat_map(FaultCase::rows).collect()
}

fn certificates() -> Vec<FaultCase> {
    let untrusted = |name: &str, tls_fault| fault(name).tls_fault(tls_fault).status(TLS);
    vec![
        untrusted("an unknown authority", TlsFault::UnknownCa).message("unknown CA (\"Nobody's CA\")").hint("ca_file"),
        untrusted("an expired certificate", TlsFault::Expired).message("expired at 20").hint("clock"),
        untrusted("a certificate for later", TlsFault::NotYetValid).message("is not valid before 20").hint("clock"),
        untrusted("a certificate for another name", TlsFault::WrongName)
            .message("another name: somebody-else.example")
            .hint("realm's host"),
        untrusted("a request for a client certificate", TlsFault::ClientCertificate)
            .message("certificate_required")
            .hint("requires a client certificate"),
    ]
}

fn handshakes() -> Vec<FaultCase> {
    let broken = |case: FaultCase, message| {
        let case = case.status(NETWORK).message(message).hint("passes the connection but not the handshake");
        case.retried()
    };
    let late = |case: FaultCase| {
        let case = broken(case, "waiting for the TLS handshake").status(TIMEOUT);
        case.settings(&[("connect_timeout_ms", "3000")])
    };
    let closed = "closed the connection in the TLS handshake";
    vec![
        late(fault("no handshake").tls_fault(TlsFault::NoHandshake)),
        late(fault("half a handshake").tls_fault(TlsFault::HalfHandshake)),
        late(fault("a handshake at 2 bytes a second").https_server(send_slowly())),
        broken(fault("reset in the handshake").tls_fault(TlsFault::Reset), "broke in the TLS handshake"),
        broken(fault("close after the ClientHello").https_server(send(&[])), closed),
        broken(fault("close in the ServerHello").https_server(send(&old_hello()[..20])), closed),
    ]
}

fn other_protocols() -> Vec<FaultCase> {
    let case = |name: &str, bytes: &[u8]| fault(name).https_server(send(bytes)).status(TLS);
    let old = |name: &str, bytes: &[u8]| {
        let case = case(name, bytes).message("offers no supported version of TLS");
        case.hint("TLS 1.2 or newer is required")
    };
    let no_tls =
        |name: &str, bytes: &[u8]| case(name, bytes).message("does not speak TLS").hint("port is one for https");
    let huge = [&[0x16, 3, 3, 0x40, 0][..], &[2, 0xff, 0xff, 0xff], &[0; 0x3ffc]].concat();
    vec![
        old("TLS 1.1, by its alert", &[0x15, 3, 1, 0, 2, 2, 70]),
        old("TLS 1.1, no cipher in common", &[0x15, 3, 2, 0, 2, 2, 40]).message("handshake_failure").hint("TLS 1.2"),
        old("TLS 1.1, by its ServerHello", &old_hello()),
        no_tls("http on the port for https", b"HTTP/1.1 400 Bad Request\r\n\r\n").message("HTTP/1.1 400 Bad Request"),
        no_tls("SSH on the port for https", b"SSH-2.0-OpenSSH_9.2\r\n"),
        case("an unknown alert", &[0x15, 3, 3, 0, 2, 2, 255]).message("aborted the TLS handshake").hint("realm"),
        no_tls("a ServerHello of 16 MiB", &huge).hint("realm"),
    ]
}

/// Responds to a ClientHello with these bytes, and closes.
fn send(bytes: &[u8]) -> Serve {
    let bytes = bytes.to_vec();
    Arc::new(move |stream| {
        read_hello(stream);
        // The client may have closed already.
        let _ = stream.write_all(&bytes);
        finish(stream);
    })
}

/// The ServerHello of a server that supports TLS 1.1 at most: AES-128 with SHA-1.
fn old_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

fn send_slowly() -> Serve {
    Arc::new(|stream| {
        read_hello(stream);
        for byte in [0x16, 3, 3, 0, 42].into_iter().chain([0; 100]) {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(500));
        }
    })
}
