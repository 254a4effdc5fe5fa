//! TLS that can't be trusted or made, and those who speak another language on its port. Each at every time: behind one
//! and the same address, a good server's place is taken by another.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use b2_sandbox::TlsFault;

use super::case::{TIMES, When};
use super::fake_server::{Relay, Serve, finish, hello, onward};
use super::{Expect, Outcome, Row, watch};
use crate::support::fixture::Fixture;

/// What takes the good server's place.
#[derive(Clone)]
enum Other {
    Sandbox(TlsFault),
    Bytes(Serve),
}

struct Case {
    name: &'static str,
    other: Other,
    status: &'static str,
    says: &'static str,
    hint: &'static str,
    /// How often it is tried.
    tries: usize,
}

const TLS: &str = "B2_TLS_ERROR";
const NETWORK: &str = "B2_NETWORK_ERROR";
const TIMEOUT: &str = "B2_TIMEOUT";

pub fn rows() -> Vec<Row> {
    let cases = certificates().into_iter().chain(handshakes()).chain(other_languages());
    cases.flat_map(|case| TIMES.map(|when| row(&case, when))).collect()
}

fn ends(name: &'static str, other: Other, says: &'static str, hint: &'static str) -> Case {
    Case { name, other, status: TLS, says, hint, tries: 1 }
}

fn retried(name: &'static str, other: Other, status: &'static str, says: &'static str) -> Case {
    Case { name, other, status, says, hint: "lets the connection through but not the handshake", tries: 2 }
}

fn certificates() -> Vec<Case> {
    let sandbox = Other::Sandbox;
    vec![
        ends("an unknown authority", sandbox(TlsFault::UnknownCa), "\"Nobody's CA\", whom this machine", "ca_file"),
        ends("an expired certificate", sandbox(TlsFault::Expired), "expired at 20", "clock"),
        ends("a certificate for later", sandbox(TlsFault::NotYetValid), "is not valid before 20", "clock"),
        ends(
            "another's certificate",
            sandbox(TlsFault::WrongName),
            "another name: somebody-else.example",
            "realm's host",
        ),
        ends("a demand for a certificate", sandbox(TlsFault::ClientCertificate), "CertificateRequired", "demands"),
    ]
}

fn handshakes() -> Vec<Case> {
    let waiting = "waiting for the TLS handshake";
    let closed = "closed the connection in the TLS handshake";
    vec![
        retried("no handshake", Other::Sandbox(TlsFault::NoHandshake), TIMEOUT, waiting),
        retried("half a handshake", Other::Sandbox(TlsFault::HalfHandshake), TIMEOUT, waiting),
        retried("a handshake in drops", dripping(), TIMEOUT, waiting),
        retried("a reset in the handshake", Other::Sandbox(TlsFault::Reset), NETWORK, "broke in the TLS handshake"),
        retried("a close at the hello", says(&[]), NETWORK, closed),
        retried("a close in the handshake", says(&old_hello()[..20]), NETWORK, closed),
    ]
}

fn other_languages() -> Vec<Case> {
    let old = "offers no version of TLS that can be spoken here";
    let no_tls = "does not answer in TLS";
    let huge = [&[0x16, 3, 3, 0x40, 0][..], &[2, 0xff, 0xff, 0xff], &[0; 0x3ffc]].concat();
    vec![
        ends("TLS 1.1, told by an alert", says(&[0x15, 3, 1, 0, 2, 2, 70]), old, "TLS 1.2 or newer is needed"),
        ends("TLS 1.1, which has no cipher in common", says(&[0x15, 3, 2, 0, 2, 2, 40]), "HandshakeFailure", "TLS 1.2"),
        ends("TLS 1.1, told by its hello", says(&old_hello()), old, "TLS 1.2 or newer is needed"),
        ends("http on the port for https", says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), no_tls, "port is one for https"),
        ends("ssh on the port for https", says(b"SSH-2.0-OpenSSH_9.2\r\n"), no_tls, "port is one for https"),
        ends("an alert nobody knows", says(&[0x15, 3, 3, 0, 2, 2, 255]), "broke off the TLS handshake", "realm"),
        ends("a hello of 16 MiB", says(&huge), no_tls, "realm"),
    ]
}

/// Answers a client's hello with these bytes, and ends.
fn says(bytes: &[u8]) -> Other {
    let bytes = bytes.to_vec();
    Other::Bytes(Arc::new(move |stream| {
        hello(stream);
        // The client may have seen enough of it.
        let _ = stream.write_all(&bytes);
        finish(stream);
    }))
}

/// What a server says that speaks nothing newer: TLS 1.1, with AES-128 and SHA-1.
fn old_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    hello
}

fn dripping() -> Other {
    Other::Bytes(Arc::new(|stream| {
        hello(stream);
        for byte in [0x16, 3, 3, 0, 42].into_iter().chain([0; 100]) {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }))
}

fn row(case: &Case, when: When) -> Row {
    let served = when == When::Live;
    let expect = if served {
        Expect { status: "B2_OK", hint: None, says: "", requests: 0, within: Duration::from_secs(10) }
    } else {
        Expect {
            status: case.status,
            hint: Some(case.hint),
            says: case.says,
            requests: 0,
            within: Duration::from_secs(10),
        }
    };
    let (other, status, tries) = (case.other.clone(), case.status, if served { 1 } else { case.tries });
    Row {
        what: format!("{} · {}", case.name, when.name()),
        expect,
        run: Box::new(move || run(&other, status, when, tries)),
    }
}

fn run(other: &Other, status: &str, when: When, tries: usize) -> Outcome {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let relay = Relay::to(onward(fixture.sandbox.https()));
    let realm = format!("https://localhost:{}", relay.port());
    let ca_file = fixture.sandbox.ca_file().to_str().expect("a plain path").to_owned();
    let fixture = fixture.and_options(&[("realm", &realm), ("ca_file", &ca_file)]);
    let old = when.prepare(&fixture);
    relay.turn_to(match other {
        Other::Sandbox(fault) => onward(fixture.sandbox.tls_fault(*fault)),
        Other::Bytes(serve) => Arc::clone(serve),
    });
    let options = fixture.options.with(&[]);
    if status == TIMEOUT {
        options.set("connect_timeout_ms", Some("600")).expect("an option");
    }
    let before = fixture.requests();
    let mut outcome = watch(&options, |options| fixture.authorize_with(options));
    outcome = outcome.after(fixture.requests() - before);
    let accepted = relay.accepted();
    outcome.must(&format!("{accepted} connections are {tries}"), accepted == tries);
    if when == When::Live {
        outcome.must("the old token is served", outcome.answer.token() == old);
        let next = watch(&options, |options| fixture.authorize_with(options));
        outcome.must("the very next call makes no connection", relay.accepted() == tries);
        outcome.must("and is served the same", next.answer.token() == old);
    }
    outcome.tokens.extend(old);
    outcome
}
