//! What went wrong, for a program that must decide and a person who must act.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use super::sanitize;
pub use super::status::Status;
use crate::model::timestamp::Moment;

/// A failed call: a status to decide by, a message and a hint to act on, and the log of its attempts.
///
/// No part of it holds a key, a token, a Basic header or the user part of a URL.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Error(Box<Detail>);

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(serialize_with = "by_name")]
    status: Status,
    code: Option<String>,
    message: String,
    hint: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    retryable: bool,
    retry_after_ms: Option<u64>,
    #[serde(skip)]
    requests: u32,
    attempts: Vec<Attempt>,
}

/// One request of a call, as the run log tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// When it was sent.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) started_at: Moment,
    /// From look-up to last byte, or to giving up.
    pub(crate) duration_ms: u64,
    /// The HTTP status, if there was an answer.
    pub(crate) http_status: Option<u16>,
    /// B2's code in a refusal.
    pub(crate) code: Option<String>,
    /// B2's name for the request.
    pub(crate) request_id: Option<String>,
    /// How long the call had waited before it.
    pub(crate) wait_ms: u64,
}

impl Error {
    /// An error of this status. Whether a retry may help is what the status says by itself.
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        let retryable =
            matches!(status, Status::RateLimited | Status::ServiceUnavailable | Status::NetworkError | Status::Timeout);
        Self(Box::new(Detail {
            status,
            code: None,
            message: sanitize::line(&message.into()),
            hint: None,
            http_status: None,
            request_id: None,
            retryable,
            retry_after_ms: None,
            requests: 0,
            attempts: Vec::new(),
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, message)
    }

    /// A bug of this library.
    pub(crate) fn internal(what: &str) -> Self {
        Self::new(Status::InternalError, what).with_hint("this is a bug in b2auth: please report it")
    }

    /// What a caller hears of a panic.
    pub(crate) fn caught() -> Self {
        Self::internal("the library caught a bug of its own")
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(sanitize::line(&hint.into()));
        self
    }

    /// Puts `more` behind the hint that there is, or in its place if there is none.
    pub(crate) fn with_hint_behind(mut self, more: Option<String>) -> Self {
        if let Some(more) = more {
            let first = self.0.hint.take().map(|hint| hint + "; ").unwrap_or_default();
            self.0.hint = Some(first + &sanitize::line(&more));
        }
        self
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Self {
        self.0.code = code;
        self
    }

    pub(crate) fn with_http(mut self, status: u16, request_id: Option<String>) -> Self {
        self.0.http_status = Some(status);
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        // The C border counts in 64 bits with a sign, and so do many who read JSON.
        self.0.retry_after_ms = Some(crate::model::timestamp::millis(wait).min(i64::MAX.unsigned_abs()));
        self
    }

    /// No later call will fare better.
    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// The same refusal, given again without asking B2.
    pub(crate) fn remembered(mut self, age: Duration) -> Self {
        let ago = age.as_secs();
        self.0.message = format!("{} (remembered from {ago} s ago; B2 was not asked again)", self.0.message);
        self.0.attempts = Vec::new();
        self.0.requests = 0;
        self
    }

    /// The attempts that led here.
    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// So many requests were made by this very call.
    pub(crate) fn after_requests(mut self, requests: u32) -> Self {
        self.0.requests = requests;
        self
    }

    /// The same verdict for a caller who made no request for it.
    pub(crate) fn for_waiter(mut self) -> Self {
        self.0.requests = 0;
        self
    }

    /// What to decide by.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// B2's own code, such as `bad_auth_token`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the last answer.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// B2's name for the last request, from `X-Bz-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// True if the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long to wait before calling again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after_ms.map(Duration::from_millis)
    }

    /// The requests that this call made. A call that waited for another's verdict made none.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.0.requests
    }

    /// The run log: all of the above as JSON, and every attempt of the series that led here.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: &'a Error,
        }
        serde_json::to_string(&Envelope { error: self }).expect("strings and numbers always serialise")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

fn by_name<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&status.name().to_string_lossy())
}

fn rfc3339<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    let time = u64::try_from(moment.wall_ms).map(|ms| UNIX_EPOCH + Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH);
    // Years past 9999 have no RFC 3339 form.
    let latest: SystemTime = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    serializer.collect_str(&humantime::format_rfc3339_millis(time.min(latest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_log_is_json_with_each_attempt() {
        let attempt = Attempt {
            started_at: Moment { wall_ms: 1_790_000_000_123, boot_ms: 0 },
            duration_ms: 12,
            http_status: Some(401),
            code: Some("bad_auth_token".into()),
            request_id: None,
            wait_ms: 0,
        };
        let error = Error::new(Status::BadCredentials, "B2\nrefused\0it").with_attempts(vec![attempt]);
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).expect("valid JSON");
        assert_eq!(json["error"]["status"], "B2_BAD_CREDENTIALS");
        assert_eq!(json["error"]["message"], "B2 refused it");
        assert_eq!(json["error"]["retryAfterMs"], serde_json::Value::Null);
        assert_eq!(json["error"]["attempts"][0]["startedAt"], "2026-09-21T14:13:20.123Z");
        assert_eq!(json["error"]["attempts"][0]["waitMs"], 0);
    }

    #[test]
    fn a_time_out_of_range_is_still_a_time() {
        for wall_ms in [i64::MIN, -1, i64::MAX] {
            let attempt = Attempt {
                started_at: Moment { wall_ms, boot_ms: 0 },
                duration_ms: 0,
                http_status: None,
                code: None,
                request_id: None,
                wait_ms: 0,
            };
            assert!(Error::new(Status::Timeout, "").with_attempts(vec![attempt]).to_json().contains("startedAt"));
        }
    }
}
