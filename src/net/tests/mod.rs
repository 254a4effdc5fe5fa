//! The whole of [`HttpTransport`] against servers of a few lines.

mod pool;
mod proxied;
mod secure;
mod stalls;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::HttpTransport;
use super::testing::{Ask, Real, canned, head, once};
use crate::ports::limits::Limits;
use crate::ports::transport::FailureKind;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory is enough")
}

fn with_head(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn sized(head: &str, body: &[u8]) -> Vec<u8> {
    with_head(&format!("{head}Content-Length: {}", body.len()), body)
}

fn chunked(body: &[u8], pieces: usize) -> Vec<u8> {
    let mut answer = Vec::new();
    for piece in body.chunks(pieces) {
        answer.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        answer.extend_from_slice(piece);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    with_head("Transfer-Encoding: chunked", &answer)
}

#[test]
fn a_request_is_these_bytes() {
    let (port, request) = once(|mut stream| {
        let request = head(&mut stream);
        let _ = stream.write_all(&sized("", b"{}"));
        request
    });
    Ask::to(&format!("http://localhost:{port}/some/where/")).go().expect("an answer");
    let golden = format!(
        "GET /some/where/b2api/v4/b2_authorize_account HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nhost: localhost:{port}\r\n\
         accept-encoding: gzip\r\naccept: application/json\r\nuser-agent: b2auth/test\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(request.recv().expect("a request"), golden);
}

#[test]
fn a_response_of_any_status_is_a_response() {
    for status in [200, 204, 304, 400, 401, 403, 404, 429, 500, 503, 599, 999] {
        let port = canned(format!("HTTP/1.1 {status} Something\r\nContent-Length: 0\r\n\r\n"));
        let answer = Ask::port(port).go().expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (status, 0));
    }
}

#[test]
fn the_relevant_headers_are_returned() {
    let port = canned(
        "HTTP/1.1 503 Busy\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRETRY-AFTER: 7\r\nX-Bz-Request-Id: abc\r\n\
         Location: https://elsewhere\r\nX-Other: 1\r\nContent-Length: 4\r\n\r\nbusy",
    );
    let answer = Ask::port(port).go().expect("an answer");
    assert_eq!(answer.date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(answer.retry_after.as_deref(), Some("7"));
    assert_eq!(answer.request_id.as_deref(), Some("abc"));
    assert_eq!(answer.location.as_deref(), Some("https://elsewhere"));
    assert_eq!(answer.body.as_slice(), b"busy");
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let port = canned(format!(
            "HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:1/else\r\nContent-Length: 5\r\n\r\nmoved"
        ));
        let answer = Ask::port(port).go().expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice()), (status, b"moved".as_slice()));
        assert_eq!(answer.location.as_deref(), Some("http://127.0.0.1:1/else"));
    }
}

#[test]
fn interim_responses_are_skipped() {
    let body = vec![b' '; 40_000];
    let mut answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_vec();
    answer.extend_from_slice(&sized("", &body));
    assert_eq!(Ask::port(canned(answer)).go().expect("an answer").body.len(), body.len());
}

#[test]
fn a_body_is_complete_in_any_framing() {
    let body: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let packed = gzip(&body);
    for (how, answer) in [
        ("sized", sized("", &body)),
        ("chunked", chunked(&body, 777)),
        ("until the close", with_head("X-None: 1", &body)),
        ("gzip", sized("Content-Encoding: gzip\r\n", &packed)),
    ] {
        let answer = Ask::port(canned(answer)).go().expect(how);
        assert!(answer.body.as_slice() == body, "{how}");
    }
}

#[test]
fn a_body_may_have_256_kib_and_no_more() {
    let (most, more) = (vec![b' '; 256 * 1024], vec![b' '; 256 * 1024 + 1]);
    let packed = |body: &[u8]| sized("Content-Encoding: gzip\r\n", &gzip(body));
    for answer in
        [sized("", &most), chunked(&most, 5_000), chunked(&most, 1), with_head("X-None: 1", &most), packed(&most)]
    {
        assert_eq!(Ask::port(canned(answer)).go().expect("an answer").body.len(), most.len());
    }
    let bomb = packed(&vec![0; 64 * 1024 * 1024]);
    for answer in [sized("", &more), chunked(&more, 5_000), with_head("X-None: 1", &more), packed(&more), bomb] {
        let failure = Ask::port(canned(answer)).fails();
        assert_eq!(failure.kind, FailureKind::Protocol);
        assert!(failure.message.contains("over 256 KiB"), "{}", failure.message);
    }
}

#[test]
fn a_truncated_response_is_a_failure() {
    let packed = sized("Content-Encoding: gzip\r\n", &gzip(&[b' '; 5_000]));
    let parts = chunked(&[b' '; 5_000], 1_000);
    for (how, answer) in [
        ("nothing", Vec::new()),
        ("half a status line", b"HTTP/1.".to_vec()),
        ("half the headers", b"HTTP/1.1 200 OK\r\nDate: now\r\n".to_vec()),
        ("no body", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".to_vec()),
        ("half the body", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\":".to_vec()),
        ("no last chunk", parts[..parts.len() - 5].to_vec()),
        ("half a chunk", parts[..parts.len() - 500].to_vec()),
        ("half a chunk's length", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1".to_vec()),
        ("half the gzip", packed[..packed.len() - 9].to_vec()),
        ("only an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
    ] {
        let failure = Ask::port(canned(answer)).fails();
        assert_eq!(failure.kind, FailureKind::Network, "{how}: {}", failure.message);
        assert!(failure.message.contains("closed the connection"), "{how}: {}", failure.message);
    }
}

/// A socket that is closed with bytes unread sends a reset.
#[test]
fn a_reset_does_not_end_a_body() {
    for answer in ["", "HTTP/1.1 200 OK\r\n\r\n{\"half\":", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let (port, _) = once(move |mut stream| {
            stream.read_exact(&mut [0; 20]).expect("a request is longer");
            let _ = stream.write_all(answer.as_bytes());
        });
        let failure = Ask::port(port).fails();
        assert_eq!(failure.kind, FailureKind::Network, "{answer}: {}", failure.message);
    }
}

#[test]
fn anything_but_http_is_a_protocol_error() {
    let flood = format!("HTTP/1.1 200 OK\r\n{}", "X-Flood: 0123456789\r\n".repeat(5_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(500));
    for (how, answer) in [
        ("ssh", "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
        ("bad status", "HTTP/1.1 2x0 OK\r\n\r\n".into()),
        ("bad version", "HTTP/3.0 200 OK\r\n\r\n".into()),
        ("bad header", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".into()),
        ("bad length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}".into()),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}".into()),
        ("bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n".into()),
        ("not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzipped!".into()),
        ("brotli", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}".into()),
        ("flood", flood),
        ("many headers", many),
        ("one long header", format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(100_000))),
    ] {
        let failure = Ask::port(canned(answer)).fails();
        assert_eq!(failure.kind, FailureKind::Protocol, "{how}: {}", failure.message);
    }
}

#[test]
fn a_refused_connection_is_reported_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let failure = Ask::port(port).fails();
    assert_eq!(failure.kind, FailureKind::Network);
    assert_eq!(failure.message, format!("cannot connect to 127.0.0.1:{port} (127.0.0.1): connection refused"));
    let failure = Ask::to(&format!("http://localhost:{port}")).fails();
    assert!(failure.message.contains("127.0.0.1: connection refused; ::1: "), "{}", failure.message);
}

#[test]
fn every_address_is_tried() {
    fn resolve(_: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![Ipv4Addr::new(127, 0, 0, 2).into(), Ipv4Addr::LOCALHOST.into()])
    }
    let (port, _) = once(|mut stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"));
    let ask = Ask::to(&format!("https://two.example:{port}"));
    let limits = Limits::new(&Real, None).with_timeout(Duration::from_secs(30));
    let failure = ask.send_by(&HttpTransport { resolve }, &limits).map(|_| ()).expect_err("that is no TLS");
    // So it got through to the one that listens.
    assert!(failure.message.contains("does not speak TLS"), "{}", failure.message);
}

#[test]
fn a_request_that_is_too_large_is_an_invalid_request() {
    let (port, _) = once(|mut stream| stream.read_to_end(&mut Vec::new()));
    let mut ask = Ask::port(port);
    ask.user_agent = "x".repeat(20_000);
    let failure = ask.fails();
    assert_eq!(failure.kind, FailureKind::InvalidRequest, "{}", failure.message);
    assert!(failure.message.contains("too large"), "{}", failure.message);
}
