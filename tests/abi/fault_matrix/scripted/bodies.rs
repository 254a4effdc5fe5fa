//! Bodies, and how they are sent.

use b2_sandbox::{Body, DateFault, Fault, Length};
use serde_json::json;

use super::{NETWORK, OUTAGE, PROTOCOL};
use crate::fault_matrix::Expect;
use crate::fault_matrix::case::{Case, When};

pub fn cases() -> Vec<Case> {
    [other_bodies(), fields(), sent_otherwise(), odd_and_good()].into_iter().flatten().collect()
}

fn text(text: &str) -> Fault {
    Fault::with_body(Body::Text(text.to_owned()))
}

fn other_bodies() -> Vec<Case> {
    let ends = |name, fault, says| Case::ends(name, fault, PROTOCOL, says, "portal");
    vec![
        ends("an empty body", Fault::with_body(Body::Empty), "empty"),
        ends("a portal's page", Fault::with_body(Body::Html), "HTML"),
        ends("half of the body", Fault::with_body(Body::Truncated), "answered 200, but not as B2 documents"),
        ends("no UTF-8", Fault::with_body(Body::NotUtf8), "UTF-8"),
        ends("an array", Fault::with_body(Body::Array), "array"),
        ends("100,000 arrays", Fault::with_body(Body::JsonBomb), "nested"),
        ends("null", text("null"), "null"),
        ends("an empty object", text("{}"), "accountId"),
        ends("two objects", text("{} {}"), "answered 200"),
        ends("words", text("all is well"), "answered 200"),
        Case::ends("64 MiB", Fault::with_body(Body::Huge), PROTOCOL, "over 256 KiB", "realm"),
        Case::ends("256 MiB of gzip", Fault::with_body(Body::GzipBomb), PROTOCOL, "over 256 KiB", "realm"),
        Case::ends("401 with 64 MiB", Fault::status(401).body(Body::Huge), PROTOCOL, "over 256 KiB", "realm"),
        Case::retried("503 that is no JSON", Fault::status(503).raw_body(&[0xff, 0]), OUTAGE, "(HTTP 503)", "outage"),
    ]
}

fn fields() -> Vec<Case> {
    let ends = |name, fault, says| Case::ends(name, fault, PROTOCOL, says, "portal");
    let storage = "/apiInfo/storageApi";
    let set = |path: &str, to| Fault::none().set(&format!("{storage}{path}"), to);
    vec![
        ends("no token", Fault::none().remove("/authorizationToken"), "authorizationToken"),
        ends("no account", Fault::none().remove("/accountId"), "accountId"),
        ends("no services", Fault::none().remove("/apiInfo"), "apiInfo"),
        ends("no storage", Fault::none().remove(storage), "storageApi"),
        ends("no apiUrl", Fault::none().remove(&format!("{storage}/apiUrl")), "apiUrl"),
        ends("an account that is a number", Fault::none().set("/accountId", json!(7)), "accountId"),
        ends("an account with a NUL", Fault::none().set("/accountId", json!("a\0b")), "accountId"),
        ends(
            "a token with a line end",
            Fault::none().set("/authorizationToken", json!("4_x\r\n")),
            "authorizationToken",
        ),
        ends("an apiUrl with a user", set("/apiUrl", json!("https://user:word@evil.example")), "apiUrl"),
        ends("an apiUrl with a query", set("/downloadUrl", json!("https://b2.example?x=1")), "downloadUrl"),
        ends("a part size of nought", set("/recommendedPartSize", json!(0)), "recommendedPartSize"),
        ends("capabilities that are none", set("/allowed/capabilities", json!([7])), "capabilities[0]"),
        // Nobody can tell at first; later the account of the key is known, and it can't change.
        // Nobody can tell but by a token that still counts.
        Case::ends(
            "another account",
            Fault::account("abcdefabcdef"),
            PROTOCOL,
            "for another account than before",
            "place",
        )
        .but(When::First, granted)
        .but(When::Dead, granted),
    ]
}

fn granted(expect: &mut Expect) {
    *expect = Expect { status: "B2_OK", hint: None, says: "", ..expect.clone() };
}

fn sent_otherwise() -> Vec<Case> {
    let length = |length| Fault::default().length(length);
    let raw = |text: &str| length(Length::Raw(text.to_owned()));
    let not_http = "does not answer in HTTP";
    vec![
        Case::retried("more was promised", length(Length::OffBy(10)), NETWORK, "before its answer was complete", "VPN"),
        Case::ends("less was promised", length(Length::OffBy(-10)), PROTOCOL, "answered 200", "portal"),
        Case::ends("a length of nought", raw("0"), PROTOCOL, "empty", "portal"),
        Case::ends("a length in words", raw("soon"), PROTOCOL, not_http, "realm"),
        Case::ends("a length below nought", raw("-5"), PROTOCOL, not_http, "realm"),
        Case::ends("a length beyond counting", raw("99999999999999999999999"), PROTOCOL, not_http, "realm"),
        Case::ends(
            "another encoding",
            Fault::none().header("Content-Encoding", "br"),
            PROTOCOL,
            "encoded in a way that was not asked for",
            "realm",
        ),
        Case::ends(
            "gzip that is none",
            Fault::none().header("Content-Encoding", "gzip"),
            PROTOCOL,
            "cannot be decompressed",
            "realm",
        ),
        Case::ends("gzip of gzip", Fault::with_body(Body::GzipBomb).gzip(), PROTOCOL, "over 256 KiB", "realm"),
    ]
}

fn odd_and_good() -> Vec<Case> {
    vec![
        Case::passes("a byte order mark", Fault::with_body(Body::Bom)),
        Case::passes("in chunks", Fault::none().chunked()),
        Case::passes("in gzip", Fault::none().gzip()),
        Case::passes("in chunks of gzip", Fault::none().gzip().chunked()),
        Case::passes("until the connection ends", Fault::none().length(Length::Omit)),
        Case::passes("as version 1", Fault::shape(1)),
        Case::passes("as version 2", Fault::shape(2)),
        Case::passes("as version 3", Fault::shape(3)),
        Case::passes("fields unheard of", Fault::none().merge(json!({"new": {"er": [1]}, "status": 401}))),
        Case::passes("another type", Fault::none().header("Content-Type", "text/plain")),
        Case::passes("no type", Fault::none().without_header("Content-Type")),
        Case::passes("no request id", Fault::none().without_header("X-Bz-Request-Id")),
        Case::passes("a time to come again", Fault::none().header("Retry-After", "60")),
        Case::passes("no date", Fault::none().date(DateFault::Omit)),
        Case::passes("a date that is none", Fault::none().date(DateFault::Raw("yesterday".to_owned()))),
        Case::passes("a clock an hour behind", Fault::none().date(DateFault::OffsetS(-3_600))),
        Case::passes("a clock an hour ahead", Fault::none().date(DateFault::OffsetS(3_600))),
        Case::ends(
            "a portal's page from a clock an hour ahead",
            Fault::with_body(Body::Html).date(DateFault::OffsetS(3_600)),
            PROTOCOL,
            "HTML",
            "clock is off by about 60 minutes",
        ),
    ]
}
