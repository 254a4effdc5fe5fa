//! Servers that send back what they were sent, wherever it may stand.

use b2_sandbox::{Body, Fault};

use super::{BAD, DENIED, OUTAGE, PROTOCOL};
use crate::fault_matrix::case::Case;
use crate::support::fixture::KEY;

pub fn cases() -> Vec<Case> {
    let said = |status| Fault::status(status).message(&format!("what is {KEY}?")).code(KEY);
    let named = |fault: Fault| fault.header("X-Bz-Request-Id", KEY);
    let percent = KEY.replace('/', "%2F").replace('+', "%2B");
    let place = |to: &str| Fault::redirect(302, to);
    let page = Fault::with_body(Body::Text(format!("<html>{KEY}</html>")));
    let url = Fault::none().set("/apiInfo/storageApi/apiUrl", format!("https://{percent}@b2.example").into());
    let field = |path: &str| Fault::none().set(path, format!("{KEY}\n").into());
    let member = Fault::none().body(Body::Text(format!("{{\"{KEY}\": 1, \"{KEY}\": 2}}")));
    let (moved, portal) = ("redirects", "captive portal");
    vec![
        Case::ends("the key in a 401", named(said(401)), BAD, "HTTP 401", "Application Keys"),
        Case::ends("the key in a 403", named(said(403)), DENIED, "HTTP 403", "good standing"),
        Case::ends("the key in a 404", named(said(404)), PROTOCOL, "HTTP 404", "realm"),
        Case::retried("the key in a 503", named(said(503)), OUTAGE, "what is ***?", "outage"),
        Case::ends("the key for a user", place(&format!("https://{KEY}@b2.example/")), PROTOCOL, moved, portal),
        Case::ends("the key for a host", place(&format!("https://{KEY}/")), PROTOCOL, moved, portal),
        Case::ends("the key in a query", place(&format!("https://b2.example/?q={percent}")), PROTOCOL, moved, portal),
        Case::ends("the key in a page", page, PROTOCOL, "HTML", "portal"),
        Case::ends("the key in an apiUrl", url, PROTOCOL, "apiUrl", "portal"),
        Case::ends("the key for an account", field("/accountId"), PROTOCOL, "accountId", "portal"),
        Case::ends("the key for a token", field("/authorizationToken"), PROTOCOL, "authorizationToken", "portal"),
        Case::ends("the key for a member, twice", member, PROTOCOL, "answered 200", "portal"),
        Case::ends("the key for a status", Fault::none().status_line(KEY), PROTOCOL, "in HTTP", "realm"),
        Case::ends("the key for a header", Fault::none().header(KEY, "x"), PROTOCOL, "in HTTP", "realm"),
        Case::ends("the key for a length", Fault::none().header("Content-Length", KEY), PROTOCOL, "in HTTP", "realm"),
        Case::ends("the key for an encoding", Fault::none().header("Content-Encoding", KEY), PROTOCOL, "enc", "realm"),
        Case::retried("the key for a time", Fault::status(500).retry_after(KEY), OUTAGE, "HTTP 500", "outage"),
        Case::passes("the key in an interim answer", Fault::none().before(&format!("HTTP/1.1 103 {KEY}\r\n\r\n"))),
    ]
}
