//! HTTP that is bent or broken: what comes before, around and behind the answer.

use std::fmt::Write as _;
use std::time::Duration;

use b2_sandbox::{Fault, Flood, Length};

use super::{NETWORK, PROTOCOL, TIMEOUT};
use crate::fault_matrix::case::Case;

pub fn cases() -> Vec<Case> {
    [interim(), heads(), framing(), without_end(), drops()].into_iter().flatten().collect()
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nRetry-After: 60\r\n\r\n";
const NO_HTTP: &str = "does not answer in HTTP";

fn interim() -> Vec<Case> {
    let before = |text: &str| Fault::none().before(text);
    vec![
        Case::passes("a 100 before the answer", before(CONTINUE)),
        Case::passes("a 103 with headers before the answer", before(HINTS)),
        Case::passes("a 102 and a 103 before the answer", before(&format!("HTTP/1.1 102 Processing\r\n\r\n{HINTS}"))),
        Case::passes("twenty times 100", before(&CONTINUE.repeat(20))),
        Case::ends("a thousand times 103", before(&HINTS.repeat(1_000)), PROTOCOL, "over 16 KiB", "realm"),
        Case::ends(
            "a 101",
            Fault::none().status_line("HTTP/1.1 101 Switching Protocols"),
            PROTOCOL,
            "HTTP 101",
            "realm",
        ),
        Case::ends(
            "two answers, the first of them a 401",
            before("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
            "B2_BAD_CREDENTIALS",
            "(HTTP 401)",
            "Application Keys",
        ),
    ]
}

fn heads() -> Vec<Case> {
    let line = |text: &str| Fault::none().status_line(text);
    let header = |value: &str| Fault::none().header("X-Odd", value);
    let many = |count: usize| {
        let each = |mut all: String, number| {
            let _ = write!(all, "x\r\nX-{number}: ");
            all
        };
        Fault::none().header("X-Many", &(0..count).fold(String::new(), each))
    };
    let no_http = |name, fault| Case::ends(name, fault, PROTOCOL, NO_HTTP, "realm");
    vec![
        Case::passes("HTTP/1.0", line("HTTP/1.0 200 OK")),
        Case::passes("HTTP/1.0 to the end of the connection", line("HTTP/1.0 200 OK").length(Length::Omit)),
        Case::passes("a status without a reason", line("HTTP/1.1 200")),
        no_http("HTTP/2.0", line("HTTP/2.0 200 OK")),
        no_http("HTTP/0.9", line("{}")),
        no_http("a status of two digits", line("HTTP/1.1 20 OK")),
        no_http("a status of letters", line("HTTP/1.1 2x0 OK")),
        no_http("a greeting of ssh", line("SSH-2.0-OpenSSH_9.2")),
        no_http("a greeting of mail", line("220 mail.example ESMTP")),
        no_http("rubbish before the answer", Fault::none().before("\u{1}\u{2}\u{3}")),
        no_http("a header without a colon", header("x\r\nno colon at all")),
        no_http("a header with a NUL", header("a\0b")),
        no_http("a header with a bare CR", header("a\rb")),
        no_http("a header that goes on in the next line", header("a\r\n b")),
        no_http("a header without a name", header("a\r\n: b")),
        Case::passes("a header without a value", header("")),
        Case::passes("a header beyond ASCII", header("ä")),
        Case::passes("sixty headers", many(60)),
        no_http("three hundred headers", many(300)),
    ]
}

fn framing() -> Vec<Case> {
    let lengths = |text: &str| Fault::none().length(Length::Raw(text.to_owned()));
    let both = Fault::none().chunked().header("Content-Length", "7");
    let chunks = |text: &str| {
        let headers = Fault::none().raw_body(text.as_bytes()).header("Transfer-Encoding", "chunked");
        headers.without_header("Content-Length")
    };
    let no_http = |name, fault| Case::ends(name, fault, PROTOCOL, NO_HTTP, "realm");
    let early = |name, fault| Case::retried(name, fault, NETWORK, "before its answer was complete", "VPN");
    vec![
        no_http("two lengths that differ", lengths("5\r\nContent-Length: 7")),
        no_http("a length and another in one header", lengths("5, 7")),
        Case::passes("a length and chunks", both),
        no_http("a chunk's size in letters", chunks("xyz\r\n{}\r\n0\r\n\r\n")),
        no_http("a chunk's size below nought", chunks("-2\r\n{}\r\n0\r\n\r\n")),
        no_http("a chunk longer than its size", chunks("1\r\n{}\r\n0\r\n\r\n")),
        no_http("a chunk's size beyond counting", chunks("fffffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        early("a chunk shorter than its size", chunks("fff\r\n{}\r\n0\r\n\r\n")),
        early("no last chunk", chunks("2\r\n{}\r\n")),
        early("chunks that are none", Fault::none().header("Transfer-Encoding", "chunked").length(Length::Omit)),
        Case::passes("bytes behind the answer", Fault::none().after("and more")),
        Case::passes("bytes behind the chunks", Fault::none().chunked().after("and more")),
        Case::passes("another answer behind it", Fault::none().after("HTTP/1.1 401 Unauthorized\r\n\r\n")),
    ]
}

fn without_end() -> Vec<Case> {
    let flood = |kind| Fault::none().flood(kind);
    let (head, no_end) = ("the headers of the answer", "comes to no end");
    vec![
        Case::ends("100 without end", flood(Flood::Interim), PROTOCOL, head, "realm"),
        Case::ends("a header without end", flood(Flood::Line), PROTOCOL, head, "realm"),
        Case::ends("headers without end", flood(Flood::Headers), PROTOCOL, "too many headers", "realm"),
        Case::ends("a body without end", flood(Flood::Chunks), PROTOCOL, "over 256 KiB", "realm"),
        Case::ends("a chunk's size without end", flood(Flood::Extension), PROTOCOL, no_end, "realm"),
        Case::ends("trailers without end", flood(Flood::Trailers), PROTOCOL, no_end, "realm"),
    ]
}

fn drops() -> Vec<Case> {
    let second = Duration::from_secs(1);
    let late = |name, fault| Case::retried(name, fault, TIMEOUT, "reading the answer", "attempt_timeout_ms").lasting();
    vec![
        late("a byte of the head a second", Fault::none().head_drip(second)),
        late("a byte of the body a second", Fault::none().body_drip(second)),
        Case::passes("a head in drops", Fault::none().head_drip(Duration::from_micros(1))),
    ]
}
