//! Statuses of HTTP and codes of B2, with and without `Retry-After`.

use std::time::Duration;

use b2_sandbox::{Body, DateFault, Fault, How};

use super::{BAD, CAP, DENIED, LIMITED, OTHER_KEY, OUTAGE, outage, portal, protocol};
use crate::fault_matrix::fault::{FaultCase, fault};

pub fn cases() -> Vec<FaultCase> {
    [about_the_key(), about_the_account(), temporary(), undocumented(), with_retry_after()]
        .into_iter()
        .flatten()
        .collect()
}

fn coded(status: u16, code: &str) -> Fault {
    Fault::status(status).code(code)
}

fn about_the_key() -> Vec<FaultCase> {
    let bad = |name: &str, response| fault(name).response(response).status(BAD).hint("Application Keys");
    let other_key = |name: &str, response| fault(name).response(response).status(OTHER_KEY).hint("new application key");
    let denied = |name: &str, response| fault(name).response(response).status(DENIED).hint("good standing");
    let old_version = "This request is not currently supported on API version number 4";
    vec![
        bad("401 bad_auth_token", coded(401, "bad_auth_token")).message("HTTP 401 bad_auth_token"),
        bad("401 expired_auth_token", coded(401, "expired_auth_token")).message("HTTP 401 expired"),
        bad("401 unauthorized", coded(401, "unauthorized")).message("HTTP 401 unauthorized"),
        bad("401 missing_auth_token", coded(401, "missing_auth_token")).message("HTTP 401 missing"),
        bad("401 email_not_verified", coded(401, "email_not_verified")).message("HTTP 401 email"),
        bad("401 no_payment_history", coded(401, "no_payment_history")).message("HTTP 401 no_payment"),
        bad("401 with an unknown code", coded(401, "something_new")).message("HTTP 401 something_new"),
        bad("401 without a code", Fault::status(401).body(Body::Empty)).message("not by B2 (HTTP 401)").not_from_b2(),
        bad("401 of a proxy", Fault::status(401).body(Body::Html)).message("not by B2 (HTTP 401)").not_from_b2(),
        bad("401 with a body of another API", Fault::status(401).raw_body(br#"{"message":"Unauthorized"}"#))
            .message("not by B2 (HTTP 401): Unauthorized")
            .not_from_b2(),
        bad("401 cut short", Fault::status(401).body(Body::Truncated)).message("not by B2 (HTTP 401)").not_from_b2(),
        bad("401 whose body does not end", coded(401, "unauthorized").header("Content-Length", "9999")).unread(),
        bad("401 that is reset in its body", coded(401, "unauthorized").cut(How::Reset, 10).of_body()).unread(),
        denied("403 that is reset in its body", coded(403, "access_denied").cut(How::Reset, 10).of_body()).unread(),
        bad("401 with NTLM", Fault::status(401).body(Body::Html).header("WWW-Authenticate", "NTLM"))
            .message("not by B2 (HTTP 401)")
            .not_from_b2(),
        other_key("401 unsupported", coded(401, "unsupported")).message("HTTP 401 unsupported"),
        other_key("400 about the version", coded(400, "bad_request").message(old_version))
            .message("not currently supported"),
        denied("403 access_denied", coded(403, "access_denied")).message("HTTP 403 access_denied"),
        denied("403 without a code", Fault::status(403).body(Body::Empty))
            .message("not by B2 (HTTP 403)")
            .not_from_b2(),
        denied("403 of a filter", Fault::status(403).body(Body::Html)).message("not by B2 (HTTP 403)").not_from_b2(),
        denied("403 email_not_verified", coded(403, "email_not_verified"))
            .message("HTTP 403 email")
            .hint("e-mail address"),
        denied("403 no_payment_history", coded(403, "no_payment_history"))
            .message("HTTP 403 no_p")
            .hint("payment method"),
    ]
}

fn about_the_account() -> Vec<FaultCase> {
    let cap = |name: &str, status, code| fault(name).response(coded(status, code)).status(CAP).hint("Caps & Alerts");
    vec![
        cap("403 transaction cap", 403, "transaction_cap_exceeded").message("HTTP 403 transaction"),
        cap("403 storage cap", 403, "storage_cap_exceeded").message("HTTP 403 storage_cap"),
        cap("403 download cap", 403, "download_cap_exceeded").message("HTTP 403 download_cap"),
        cap("403 cap", 403, "cap_exceeded").message("HTTP 403 cap_exceeded"),
        cap("400 cap", 400, "cap_exceeded").message("HTTP 400 cap_exceeded"),
    ]
}

fn limited(name: &str, response: Fault) -> FaultCase {
    outage(name, response).status(LIMITED).hint("keep one session")
}

fn temporary() -> Vec<FaultCase> {
    vec![
        outage("408", Fault::status(408)).message("HTTP 408 request_timeout"),
        limited("429", Fault::status(429)).message("HTTP 429 too_many_requests"),
        outage("500", Fault::status(500)).message("HTTP 500 internal_error"),
        protocol("501", Fault::status(501)).status(OUTAGE).message("HTTP 501").permanent(),
        outage("502 of a proxy", Fault::status(502).body(Body::Html)).message("(HTTP 502)"),
        outage("503", Fault::status(503)).message("HTTP 503 service_unavailable"),
        outage("503 with a message", coded(503, "busy").message("tidying up")).message("tidying up"),
        outage("504", Fault::status(504).body(Body::Empty)).message("(HTTP 504)"),
        outage("599", Fault::status(599)).message("HTTP 599"),
    ]
}

fn undocumented() -> Vec<FaultCase> {
    let redirect = |status: u16| {
        let response = Fault::redirect(status, "http://127.0.0.1:1/else");
        portal(&status.to_string(), response).message("redirects to 127.0.0.1").hint("captive portal")
    };
    let nowhere = |name: &str, status| {
        portal(name, Fault::status(status)).message("redirects, which B2 never does").hint("captive portal")
    };
    vec![
        protocol("400", Fault::status(400)).message("HTTP 400 bad_request"),
        protocol("404", Fault::status(404)).message("HTTP 404 not_found"),
        protocol("404 with the code of a cap", coded(404, "cap_exceeded")).message("HTTP 404 cap_exceeded"),
        protocol("418", Fault::status(418)).message("HTTP 418"),
        protocol("201 with a session", Fault::status(201)).message("HTTP 201"),
        protocol("204", Fault::status(204)).message("HTTP 204"),
        protocol("206 with a session", Fault::status(206)).message("HTTP 206"),
        protocol("600", Fault::status(600)).message("HTTP 600"),
        protocol("407", Fault::status(407).body(Body::Html)).message("requires a login (HTTP 407").hint("option proxy"),
        protocol("511", Fault::status(511).body(Body::Html)).message("requires a login (HTTP 511").hint("log in there"),
        redirect(301),
        redirect(302),
        redirect(303),
        nowhere("304", 304),
        redirect(307),
        redirect(308),
        nowhere("302 without a location", 302),
    ]
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// The maximum that the ABI can express.
const MAX_WAIT: Duration = Duration::from_millis(i64::MAX.unsigned_abs());

fn with_retry_after() -> Vec<FaultCase> {
    let after = |status: u16, text: &str| Fault::status(status).retry_after(text);
    let dated = |seconds| Fault::status(503).retry_after_date(seconds);
    let one_second = |case: FaultCase| case.min_wait(SECOND).retry_after(SECOND);
    // The wait would outlast the deadline, so it is not begun.
    let too_long = |case: FaultCase, time| case.attempts(1).retry_after(time);
    vec![
        one_second(limited("429, Retry-After 1", after(429, "1")).message("HTTP 429")),
        one_second(outage("503, Retry-After 1", after(503, "1")).message("HTTP 503")),
        one_second(
            limited("429, Retry-After 1, cut short", after(429, "1").header("Content-Length", "9999"))
                .message("HTTP 429"),
        ),
        one_second(
            outage("503, Retry-After 1, falsely labelled as gzip", after(503, "1").header("Content-Encoding", "gzip"))
                .message("HTTP 503"),
        ),
        one_second(outage("503, Retry-After a date in 1 s", dated(1)).message("HTTP 503")),
        one_second(
            outage("503, Retry-After a date in 1 s, server clock 1 h ahead", dated(1).date(DateFault::OffsetS(3_600)))
                .message("HTTP 503"),
        ),
        // These do not block other calls.
        one_second(outage("500, Retry-After 1", after(500, "1")).message("HTTP 500")),
        too_long(outage("500, Retry-After 1 h", after(500, "3600")).message("HTTP 500"), HOUR),
        one_second(outage("408, Retry-After 1", after(408, "1")).message("HTTP 408")),
        outage("503, Retry-After 0", after(503, "0")).message("HTTP 503"),
        outage("503, Retry-After a past date", dated(-600)).message("HTTP 503"),
        outage("503, Retry-After a word", after(503, "soon")).message("HTTP 503"),
        too_long(outage("503, Retry-After 1 h", after(503, "3600")).message("HTTP 503"), HOUR),
        too_long(outage("503, Retry-After a date in 1 h", dated(3_600)).message("HTTP 503"), HOUR),
        too_long(
            limited("429, Retry-After 10^23", after(429, "99999999999999999999999")).message("HTTP 429"),
            MAX_WAIT,
        ),
    ]
}
