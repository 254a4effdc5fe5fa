//! An answer before it goes on the wire.

use serde_json::{Value, json};

use crate::random;

/// What every answer of B2's API says about caching.
const CACHE_CONTROL: &str = "max-age=0, no-cache, no-store";
const JSON: &str = "application/json;charset=UTF-8";

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A JSON answer, printed as B2 prints it: two spaces deep, members in alphabetical order.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let body = serde_json::to_vec_pretty(body).expect("a JSON value can always be printed");
        Self {
            status,
            headers: vec![
                ("Cache-Control".to_owned(), CACHE_CONTROL.to_owned()),
                ("Content-Type".to_owned(), JSON.to_owned()),
            ],
            body,
        }
    }

    /// An error in B2's shape.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message, "status": status }))
    }

    /// Gives a header this value, whether it was there or not.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(had, _)| had.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Gives the answer a request id, unless it has one.
    pub(crate) fn name(&mut self) {
        if !self.has("X-Bz-Request-Id") {
            self.set("X-Bz-Request-Id", &format!("{:016x}", random::number()));
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(had, _)| had.eq_ignore_ascii_case(name))
    }
}

/// The code that B2 is known to send with a status.
pub(crate) fn usual_code(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "access_denied",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "request_timeout",
        409 => "conflict",
        416 => "range_not_satisfiable",
        429 => "too_many_requests",
        500 => "internal_error",
        501..=599 => "service_unavailable",
        _ => "bad_request",
    }
}

pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unassigned",
    }
}
