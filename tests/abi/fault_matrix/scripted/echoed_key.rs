//! Responses that contain the key.

use b2_sandbox::{Body, Fault};

use super::{BAD, DENIED, accepted, not_http, outage, portal, protocol};
use crate::fault_matrix::fault::{FaultCase, fault};
use crate::support::fixture::KEY;

pub fn cases() -> Vec<FaultCase> {
    let error = |status| {
        let fault = Fault::status(status).message(&format!("what is {KEY}?")).code(KEY);
        fault.header("X-Bz-Request-Id", KEY)
    };
    let percent = KEY.replace('/', "%2F").replace('+', "%2B");
    let redirect =
        |name: &str, to: &str| portal(name, Fault::redirect(302, to)).message("redirects").hint("captive portal");
    let page = Fault::with_body(Body::Text(format!("<html>{KEY}</html>")));
    let url = Fault::none().set("/apiInfo/storageApi/apiUrl", format!("https://{percent}@b2.example").into());
    let field = |path: &str| Fault::none().set(path, format!("{KEY}\n").into());
    let member = Fault::none().body(Body::Text(format!("{{\"{KEY}\": 1, \"{KEY}\": 2}}")));
    let header = |name: &str| Fault::none().header(name, KEY);
    vec![
        fault("the key in a 401").response(error(401)).status(BAD).message("HTTP 401").hint("Application Keys"),
        fault("the key in a 403").response(error(403)).status(DENIED).message("HTTP 403").hint("good standing"),
        protocol("the key in a 404", error(404)).message("HTTP 404"),
        outage("the key in a 503", error(503)).message("what is ***?"),
        redirect("the key as the user of a location", &format!("https://{KEY}@b2.example/")),
        redirect("the key as the host of a location", &format!("https://{KEY}/")),
        redirect("the key in the query of a location", &format!("https://b2.example/?q={percent}")),
        portal("the key in a page", page).message("HTML"),
        portal("the key in an apiUrl", url).message("apiUrl"),
        portal("the key as accountId", field("/accountId")).message("accountId"),
        portal("the key as authorizationToken", field("/authorizationToken")).message("authorizationToken"),
        portal("the key as a duplicate member", member).message("returned 200"),
        not_http("the key as status line", Fault::none().status_line(KEY)).message("does not speak HTTP"),
        not_http("the key as header name", Fault::none().header(KEY, "x")).message("does not speak HTTP"),
        not_http("the key as Content-Length", header("Content-Length")).message("does not speak HTTP"),
        protocol("the key as Content-Encoding", header("Content-Encoding")).message("enc"),
        outage("the key as Retry-After", Fault::status(500).retry_after(KEY)).message("HTTP 500"),
        accepted("the key in an interim response", Fault::none().before(&format!("HTTP/1.1 103 {KEY}\r\n\r\n"))),
    ]
}
