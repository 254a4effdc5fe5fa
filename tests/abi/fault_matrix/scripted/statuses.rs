//! Statuses and codes of HTTP's and of B2's, with and without a time to come again.

use std::time::Duration;

use b2_sandbox::{Body, DateFault, Fault};

use super::{BAD, CAP, DENIED, LIMITED, OTHER_KEY, OUTAGE, PROTOCOL};
use crate::fault_matrix::case::Case;

pub fn cases() -> Vec<Case> {
    [about_the_key(), about_the_account(), that_pass(), that_b2_never_gives(), with_a_time()]
        .into_iter()
        .flatten()
        .collect()
}

fn coded(status: u16, code: &str) -> Fault {
    Fault::status(status).code(code)
}

fn about_the_key() -> Vec<Case> {
    const HINT: &str = "Application Keys";
    let old = "This request is not currently supported on API version number 4";
    vec![
        Case::ends("401 bad_auth_token", coded(401, "bad_auth_token"), BAD, "HTTP 401 bad_auth_token", HINT),
        Case::ends("401 expired_auth_token", coded(401, "expired_auth_token"), BAD, "HTTP 401 expired", HINT),
        Case::ends("401 unauthorized", coded(401, "unauthorized"), BAD, "HTTP 401 unauthorized", HINT),
        Case::ends("401 missing_auth_token", coded(401, "missing_auth_token"), BAD, "HTTP 401 missing", HINT),
        Case::ends("401 email_not_verified", coded(401, "email_not_verified"), BAD, "HTTP 401 email", HINT),
        Case::ends("401 no_payment_history", coded(401, "no_payment_history"), BAD, "HTTP 401 no_payment", HINT),
        Case::ends("401 of a code unheard of", coded(401, "something_new"), BAD, "HTTP 401 something_new", HINT),
        Case::ends("401 without a code", Fault::status(401).body(Body::Empty), BAD, "(HTTP 401)", HINT),
        Case::ends("401 of a proxy", Fault::status(401).body(Body::Html), BAD, "(HTTP 401)", HINT),
        Case::ends(
            "401 unsupported",
            coded(401, "unsupported"),
            OTHER_KEY,
            "HTTP 401 unsupported",
            "new application key",
        ),
        Case::ends(
            "400 about the version",
            coded(400, "bad_request").message(old),
            OTHER_KEY,
            "not currently supported",
            "new application key",
        ),
        Case::ends("403 access_denied", coded(403, "access_denied"), DENIED, "HTTP 403 access_denied", "good standing"),
        Case::ends("403 without a code", Fault::status(403).body(Body::Empty), DENIED, "(HTTP 403)", "good standing"),
    ]
}

fn about_the_account() -> Vec<Case> {
    const HINT: &str = "Caps & Alerts";
    vec![
        Case::ends("403 transaction cap", coded(403, "transaction_cap_exceeded"), CAP, "HTTP 403 transaction", HINT),
        Case::ends("403 storage cap", coded(403, "storage_cap_exceeded"), CAP, "HTTP 403 storage_cap", HINT),
        Case::ends("403 download cap", coded(403, "download_cap_exceeded"), CAP, "HTTP 403 download_cap", HINT),
        Case::ends("403 cap", coded(403, "cap_exceeded"), CAP, "HTTP 403 cap_exceeded", HINT),
        Case::ends("400 cap", coded(400, "cap_exceeded"), CAP, "HTTP 400 cap_exceeded", HINT),
    ]
}

fn that_pass() -> Vec<Case> {
    const HINT: &str = "outage";
    vec![
        Case::retried("408", Fault::status(408), OUTAGE, "HTTP 408 request_timeout", HINT),
        Case::retried("429", Fault::status(429), LIMITED, "HTTP 429 too_many_requests", "keep one session"),
        Case::retried("500", Fault::status(500), OUTAGE, "HTTP 500 internal_error", HINT),
        Case::ends("501", Fault::status(501), OUTAGE, "HTTP 501", "realm").for_good(),
        Case::retried("502 of a proxy", Fault::status(502).body(Body::Html), OUTAGE, "(HTTP 502)", HINT),
        Case::retried("503", Fault::status(503), OUTAGE, "HTTP 503 service_unavailable", HINT),
        Case::retried("503 with a word", coded(503, "busy").message("tidying up"), OUTAGE, "tidying up", HINT),
        Case::retried("504", Fault::status(504).body(Body::Empty), OUTAGE, "(HTTP 504)", HINT),
        Case::retried("599", Fault::status(599), OUTAGE, "HTTP 599", HINT),
    ]
}

fn that_b2_never_gives() -> Vec<Case> {
    let redirect = |status| Fault::redirect(status, "http://127.0.0.1:1/else");
    let (moved, no_place) = ("redirects to 127.0.0.1", "redirects, which B2 never does");
    vec![
        Case::ends("400", Fault::status(400), PROTOCOL, "HTTP 400 bad_request", "realm"),
        Case::ends("404", Fault::status(404), PROTOCOL, "HTTP 404 not_found", "realm"),
        Case::ends("404 with a cap's code", coded(404, "cap_exceeded"), PROTOCOL, "HTTP 404 cap_exceeded", "realm"),
        Case::ends("418", Fault::status(418), PROTOCOL, "HTTP 418", "realm"),
        Case::ends("201 with a grant", Fault::status(201), PROTOCOL, "HTTP 201", "realm"),
        Case::ends("204", Fault::status(204), PROTOCOL, "HTTP 204", "realm"),
        Case::ends("206 with a grant", Fault::status(206), PROTOCOL, "HTTP 206", "realm"),
        Case::ends("600", Fault::status(600), PROTOCOL, "HTTP 600", "realm"),
        Case::ends("301", redirect(301), PROTOCOL, moved, "captive portal"),
        Case::ends("302", redirect(302), PROTOCOL, moved, "captive portal"),
        Case::ends("303", redirect(303), PROTOCOL, moved, "captive portal"),
        Case::ends("304", Fault::status(304), PROTOCOL, no_place, "captive portal"),
        Case::ends("307", redirect(307), PROTOCOL, moved, "captive portal"),
        Case::ends("308", redirect(308), PROTOCOL, moved, "captive portal"),
        Case::ends("302 to nowhere", Fault::status(302), PROTOCOL, no_place, "captive portal"),
    ]
}

const SECOND: Duration = Duration::from_secs(1);

const HOUR: Duration = Duration::from_secs(3_600);
/// The most that the border can say, and the JSON beside it.
const AGE: Duration = Duration::from_millis(i64::MAX.unsigned_abs());

fn with_a_time() -> Vec<Case> {
    let put_off = |status: u16, text: &str| Fault::status(status).retry_after(text);
    let dated = |seconds| Fault::status(503).retry_after_date(seconds);
    let hint = "outage";
    vec![
        Case::retried("429, in 1 s", put_off(429, "1"), LIMITED, "HTTP 429", "keep one session")
            .after(SECOND)
            .tells(SECOND),
        Case::retried("503, in 1 s", put_off(503, "1"), OUTAGE, "HTTP 503", hint).after(SECOND).tells(SECOND),
        Case::retried("503, at a time in 1 s", dated(1), OUTAGE, "HTTP 503", hint).after(SECOND).tells(SECOND),
        Case::retried(
            "503, at a time in 1 s of a clock that is an hour ahead",
            dated(1).date(DateFault::OffsetS(3_600)),
            OUTAGE,
            "HTTP 503",
            hint,
        )
        .after(SECOND)
        .tells(SECOND),
        // No gate is closed by these: the call alone waits.
        Case::retried("500, in 1 s", put_off(500, "1"), OUTAGE, "HTTP 500", hint).after(SECOND).tells(SECOND),
        Case::ends("500, in an hour", put_off(500, "3600"), OUTAGE, "HTTP 500", hint).tells(HOUR),
        Case::retried("408, in 1 s", put_off(408, "1"), OUTAGE, "HTTP 408", hint).after(SECOND).tells(SECOND),
        Case::retried("503, in 0 s", put_off(503, "0"), OUTAGE, "HTTP 503", hint),
        Case::retried("503, a while ago", dated(-600), OUTAGE, "HTTP 503", hint),
        Case::retried("503, some time", put_off(503, "soon"), OUTAGE, "HTTP 503", hint),
        // The wait can't end in the time that the call has, so it is not begun.
        Case::ends("503, in an hour", put_off(503, "3600"), OUTAGE, "HTTP 503", hint).tells(HOUR),
        Case::ends("503, at a time in an hour", dated(3_600), OUTAGE, "HTTP 503", hint).tells(HOUR),
        Case::ends("429, in an age", put_off(429, "99999999999999999999999"), LIMITED, "HTTP 429", "keep one session")
            .tells(AGE),
    ]
}
