//! Unusual and malformed HTTP: what comes before, in and after the response.

use std::fmt::Write as _;
use std::time::Duration;

use b2_sandbox::{Fault, Flood, Length};

use super::{BAD, accepted, incomplete, late, not_http, protocol};
use crate::fault_matrix::fault::{FaultCase, fault};

pub fn cases() -> Vec<FaultCase> {
    [interim(), heads(), framing(), endless(), byte_by_byte()].into_iter().flatten().collect()
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nRetry-After: 60\r\n\r\n";

fn interim() -> Vec<FaultCase> {
    let before = |text: &str| Fault::none().before(text);
    let switching = Fault::none().status_line("HTTP/1.1 101 Switching Protocols");
    vec![
        accepted("a 100 before the response", before(CONTINUE)),
        accepted("a 103 with headers before the response", before(HINTS)),
        accepted("a 102 and a 103 before the response", before(&format!("HTTP/1.1 102 Processing\r\n\r\n{HINTS}"))),
        accepted("20 times 100", before(&CONTINUE.repeat(20))),
        protocol("1,000 times 103", before(&HINTS.repeat(1_000))).message("does not end"),
        protocol("a 101", switching).message("HTTP 101"),
        fault("two responses, the first of them a 401")
            .response(before("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"))
            .status(BAD)
            .message("not by B2 (HTTP 401)")
            .not_from_b2(),
    ]
}

fn heads() -> Vec<FaultCase> {
    let line = |text: &str| Fault::none().status_line(text);
    let header = |value: &str| Fault::none().header("X-Odd", value);
    let many = |count: usize| {
        let each = |mut all: String, number| {
            let _ = write!(all, "x\r\nX-{number}: ");
            all
        };
        Fault::none().header("X-Many", &(0..count).fold(String::new(), each))
    };
    vec![
        accepted("HTTP/1.0", line("HTTP/1.0 200 OK")),
        accepted("HTTP/1.0 until the connection closes", line("HTTP/1.0 200 OK").length(Length::Omit)),
        accepted("a status without a reason", line("HTTP/1.1 200")),
        not_http("HTTP/2.0", line("HTTP/2.0 200 OK")),
        not_http("HTTP/0.9", line("{}")),
        not_http("a status of two digits", line("HTTP/1.1 20 OK")),
        not_http("a status with a letter", line("HTTP/1.1 2x0 OK")),
        not_http("a greeting of SSH", line("SSH-2.0-OpenSSH_9.2")),
        not_http("a greeting of SMTP", line("220 mail.example ESMTP")),
        not_http("garbage before the response", Fault::none().before("\u{1}\u{2}\u{3}")),
        not_http("a header without a colon", header("x\r\nno colon at all")),
        not_http("a header with a NUL", header("a\0b")),
        not_http("a header with a bare CR", header("a\rb")),
        not_http("a folded header", header("a\r\n b")),
        not_http("a header without a name", header("a\r\n: b")),
        accepted("a header without a value", header("")),
        accepted("a header with non-ASCII text", header("ä")),
        accepted("60 headers", many(60)),
        not_http("300 headers", many(300)),
    ]
}

fn framing() -> Vec<FaultCase> {
    let lengths = |text: &str| Fault::none().length(Length::Raw(text.to_owned()));
    let both = Fault::none().chunked().header("Content-Length", "7");
    let chunks = |text: &str| {
        let headers = Fault::none().raw_body(text.as_bytes()).header("Transfer-Encoding", "chunked");
        headers.without_header("Content-Length")
    };
    let not_chunked = Fault::none().header("Transfer-Encoding", "chunked").length(Length::Omit);
    vec![
        not_http("two Content-Lengths that differ", lengths("5\r\nContent-Length: 7")),
        not_http("two Content-Lengths in one header", lengths("5, 7")),
        accepted("Content-Length and chunks", both),
        not_http("a chunk size of letters", chunks("xyz\r\n{}\r\n0\r\n\r\n")),
        not_http("a negative chunk size", chunks("-2\r\n{}\r\n0\r\n\r\n")),
        not_http("a chunk longer than its size", chunks("1\r\n{}\r\n0\r\n\r\n")),
        not_http("a chunk size that overflows", chunks("fffffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        incomplete("a chunk shorter than its size", chunks("fff\r\n{}\r\n0\r\n\r\n")),
        incomplete("no last chunk", chunks("2\r\n{}\r\n")),
        not_http("a body that is not chunked", not_chunked),
        accepted("bytes after the response", Fault::none().after("and more")),
        accepted("bytes after the chunks", Fault::none().chunked().after("and more")),
        accepted("another response after it", Fault::none().after("HTTP/1.1 401 Unauthorized\r\n\r\n")),
    ]
}

fn endless() -> Vec<FaultCase> {
    let flood = |name: &str, kind| protocol(name, Fault::none().flood(kind));
    let (headers, no_end) = ("the headers of the response", "does not end");
    vec![
        flood("endless interim responses", Flood::Interim).message(no_end),
        flood("an endless header", Flood::Line).message(headers),
        flood("endless headers", Flood::Headers).message("too many headers"),
        flood("an endless body", Flood::Chunks).message("over 256 KiB"),
        flood("an endless chunk size", Flood::Extension).message(no_end),
        flood("endless trailers", Flood::Trailers).message(no_end),
    ]
}

fn byte_by_byte() -> Vec<FaultCase> {
    let second = Duration::from_secs(1);
    vec![
        late("a head of one byte a second", Fault::none().head_drip(second), "reading the response"),
        late("a body of one byte a second", Fault::none().body_drip(second), "reading the response"),
        accepted("a head byte by byte", Fault::none().head_drip(Duration::from_micros(1))),
    ]
}
