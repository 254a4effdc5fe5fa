//! Bodies, and how they are transferred.

use b2_sandbox::{Body, DateFault, Fault, Length};
use serde_json::json;

use super::{BAD, LIMITED, accepted, incomplete, not_http, outage, portal, protocol};
use crate::fault_matrix::fault::{FaultCase, TokenAge, fault};

pub fn cases() -> Vec<FaultCase> {
    [other_bodies(), fields(), transfer(), unusual_but_valid()].into_iter().flatten().collect()
}

fn other_bodies() -> Vec<FaultCase> {
    let body = |name: &str, body| portal(name, Fault::with_body(body));
    let text = |name: &str, text: &str| body(name, Body::Text(text.to_owned()));
    vec![
        body("an empty body", Body::Empty).message("empty"),
        body("a page of a captive portal", Body::Html).message("HTML"),
        body("half of the body", Body::Truncated).message("returned 200, but not what B2 documents"),
        body("invalid UTF-8", Body::NotUtf8).message("UTF-8"),
        body("an array", Body::Array).message("array"),
        body("100,000 nested arrays", Body::JsonBomb).message("nested"),
        text("null", "null").message("null"),
        text("an empty object", "{}").message("accountId"),
        text("two objects", "{} {}").message("returned 200"),
        text("plain text", "all is well").message("returned 200"),
        body("64 MiB", Body::Huge).message("over 256 KiB").hint("realm"),
        body("256 MiB of gzip", Body::GzipBomb).message("over 256 KiB").hint("realm"),
        fault("401 with 64 MiB").response(Fault::status(401).body(Body::Huge)).status(BAD).unread(),
        outage("503 with 64 MiB", Fault::status(503).body(Body::Huge)).message("(HTTP 503)"),
        outage("503 in an encoding that was not asked for", Fault::status(503).header("Content-Encoding", "br"))
            .message("(HTTP 503)"),
        outage("503 falsely labelled as gzip", Fault::status(503).header("Content-Encoding", "gzip"))
            .message("(HTTP 503)"),
        outage("429 cut short", Fault::status(429).header("Content-Length", "9999"))
            .status(LIMITED)
            .hint("keep one session")
            .message("(HTTP 429"),
        outage("503 with a body that is no JSON", Fault::status(503).raw_body(&[0xff, 0])).message("(HTTP 503)"),
    ]
}

fn fields() -> Vec<FaultCase> {
    let storage = "/apiInfo/storageApi";
    let without = |name: &str, path: &str| portal(name, Fault::none().remove(path));
    let with = |name: &str, path: &str, value| portal(name, Fault::none().set(path, value));
    let with_storage =
        |name: &str, path: &str, value| portal(name, Fault::none().set(&format!("{storage}{path}"), value));
    vec![
        without("no authorizationToken", "/authorizationToken").message("authorizationToken"),
        without("no accountId", "/accountId").message("accountId"),
        without("no apiInfo", "/apiInfo").message("apiInfo"),
        without("no storageApi", storage).message("storageApi"),
        without("no apiUrl", &format!("{storage}/apiUrl")).message("apiUrl"),
        with("accountId is a number", "/accountId", json!(7)).message("accountId"),
        with("accountId with a NUL", "/accountId", json!("a\0b")).message("accountId"),
        with("authorizationToken with a line end", "/authorizationToken", json!("4_x\r\n"))
            .message("authorizationToken"),
        with_storage("apiUrl with a user", "/apiUrl", json!("https://user:word@evil.example")).message("apiUrl"),
        with_storage("downloadUrl with a query", "/downloadUrl", json!("https://b2.example?x=1"))
            .message("downloadUrl"),
        with_storage("recommendedPartSize is 0", "/recommendedPartSize", json!(0)).message("recommendedPartSize"),
        with_storage("a capability is a number", "/allowed/capabilities", json!([7])).message("capabilities[0]"),
        // This can be found only with a token that is still valid.
        portal("another account", Fault::account("abcdefabcdef"))
            .message("for another account than before")
            .hint("place")
            .succeeds_at(&[TokenAge::None, TokenAge::Expired]),
    ]
}

fn transfer() -> Vec<FaultCase> {
    let length = |length| Fault::default().length(length);
    let raw = |text: &str| length(Length::Raw(text.to_owned()));
    let encoding = |value: &str| Fault::none().header("Content-Encoding", value);
    vec![
        incomplete("Content-Length 10 too large", length(Length::OffBy(10))),
        portal("Content-Length 10 too small", length(Length::OffBy(-10))).message("returned 200"),
        portal("Content-Length 0", raw("0")).message("empty"),
        not_http("Content-Length is a word", raw("soon")),
        not_http("Content-Length is negative", raw("-5")),
        not_http("Content-Length overflows", raw("99999999999999999999999")),
        protocol("Content-Encoding br", encoding("br")).message("has an encoding that was not asked for"),
        protocol("Content-Encoding gzip for plain text", encoding("gzip")).message("cannot be decompressed"),
        protocol("gzip of gzip", Fault::with_body(Body::GzipBomb).gzip()).message("over 256 KiB"),
    ]
}

fn unusual_but_valid() -> Vec<FaultCase> {
    vec![
        accepted("a byte order mark", Fault::with_body(Body::Bom)),
        accepted("chunked", Fault::none().chunked()),
        accepted("gzip", Fault::none().gzip()),
        accepted("chunked gzip", Fault::none().gzip().chunked()),
        accepted("until the connection closes", Fault::none().length(Length::Omit)),
        accepted("the reply of version 1", Fault::shape(1)),
        accepted("the reply of version 2", Fault::shape(2)),
        accepted("the reply of version 3", Fault::shape(3)),
        accepted("unknown fields", Fault::none().merge(json!({"new": {"er": [1]}, "status": 401}))),
        accepted("another Content-Type", Fault::none().header("Content-Type", "text/plain")),
        accepted("no Content-Type", Fault::none().without_header("Content-Type")),
        accepted("no X-Bz-Request-Id", Fault::none().without_header("X-Bz-Request-Id")),
        accepted("200 with Retry-After", Fault::none().header("Retry-After", "60")),
        accepted("no Date", Fault::none().date(DateFault::Omit)),
        accepted("an invalid Date", Fault::none().date(DateFault::Raw("yesterday".to_owned()))),
        accepted("server clock 1 h behind", Fault::none().date(DateFault::OffsetS(-3_600))),
        accepted("server clock 1 h ahead", Fault::none().date(DateFault::OffsetS(3_600))),
        portal(
            "a page of a captive portal, server clock 1 h ahead",
            Fault::with_body(Body::Html).date(DateFault::OffsetS(3_600)),
        )
        .message("HTML")
        .hint("clock is off by about 60 minutes"),
    ]
}
