//! What went wrong, for a program that must decide and a person who must act.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::sanitize::{MAX_LINE, single_line, truncate};
pub use super::status::Status;
use crate::model::human_duration::HumanDuration;
use crate::model::rfc3339;
use crate::model::timestamp::{Timestamp, millis};

const MAX_HINTS: u8 = 2;

/// A failed call: a status to branch on, a message and a hint for a person, and the log of its attempts.
///
/// No part of it contains a key, a token, a Basic header or the user part of a URL.
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
    key_id: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    retryable: bool,
    retry_after_ms: Option<u64>,
    #[serde(skip)]
    hints: u8,
    #[serde(skip)]
    requests: u32,
    attempts: Vec<Attempt>,
}

/// One request of a call, as the run log shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// When it was sent.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) started_at: Timestamp,
    /// From the name look-up to the last byte, or to giving up.
    pub(crate) duration_ms: u64,
    /// The HTTP status, if there was a response.
    pub(crate) http_status: Option<u16>,
    /// B2's code in a refusal.
    pub(crate) code: Option<String>,
    /// The response's `X-Bz-Request-Id`.
    pub(crate) request_id: Option<String>,
    /// How long the call had waited before it.
    pub(crate) wait_ms: u64,
}

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            status,
            code: None,
            message: line(&message.into()),
            hint: None,
            key_id: None,
            hints: 0,
            http_status: None,
            request_id: None,
            retryable: status.is_retryable(),
            retry_after_ms: None,
            requests: 0,
            attempts: Vec::new(),
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, message)
    }

    /// A token store that this build or system has no engine for.
    pub(crate) fn missing_engine(message: impl Into<String>) -> Self {
        Self::new(Status::StoreError, message).not_retryable()
    }

    /// A bug in this library.
    pub(crate) fn internal(what: &str) -> Self {
        Self::new(Status::InternalError, what).with_hint("this is a bug in b2auth: please report it")
    }

    /// For a panic that was caught.
    pub(crate) fn from_panic() -> Self {
        Self::internal("internal error: a panic was caught")
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(line(&hint.into()));
        self.0.hints = 1;
        self
    }

    /// Adds `more` after the hint, or in its place if there is none. Of a third hint nobody would know what to do first.
    pub(crate) fn append_hint(mut self, more: Option<String>) -> Self {
        match (more, self.0.hint.take()) {
            (Some(more), None) => self.with_hint(more),
            (Some(more), Some(first)) if self.0.hints < MAX_HINTS => {
                self.0.hint = Some(line(&format!("{first}; {more}")));
                self.0.hints += 1;
                self
            }
            (_, first) => {
                self.0.hint = first;
                self
            }
        }
    }

    /// The key that the call was for, if that is not known yet.
    pub(crate) fn with_key_id(mut self, key_id: Option<&str>) -> Self {
        if self.0.key_id.is_none() {
            self.0.key_id = key_id.map(str::to_owned);
        }
        self
    }

    /// Says more at the end of the message.
    pub(crate) fn append(mut self, more: &str) -> Self {
        self.0.message = line(&format!("{}{more}", self.0.message));
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
        // The C border has signed 64 bits, and so have many readers of JSON.
        self.0.retry_after_ms = Some(millis(wait).min(i64::MAX.unsigned_abs()));
        self
    }

    /// No later call can succeed.
    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// The same refusal, returned again from the negative cache.
    pub(crate) fn into_negative_hit(mut self, age: Duration) -> Self {
        let seconds = age.as_secs();
        self.0.message = format!("{} (remembered from {seconds} s ago; B2 was not asked again)", self.0.message);
        self.0.attempts = Vec::new();
        self
    }

    /// The attempts that led here.
    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Says how long the call took, if it ran out of time in more than one attempt: the message is about the last one.
    pub(crate) fn with_whole_time(self) -> Self {
        let attempts = &self.0.attempts;
        if self.0.status != Status::Timeout || attempts.len() < 2 {
            return self;
        }
        let ms = attempts.iter().map(|attempt| attempt.wait_ms.saturating_add(attempt.duration_ms)).sum();
        let whole = format!("; {} attempts in {}", attempts.len(), HumanDuration(Duration::from_millis(ms)));
        self.append(&whole)
    }

    /// The number of requests that this very call made.
    pub(crate) fn with_request_count(mut self, requests: u32) -> Self {
        self.0.requests = requests;
        self
    }

    /// What to branch on.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The ID of the key that the call was for, as far as it is known and looks like one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// B2's own code, such as `bad_auth_token`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the last response.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The `X-Bz-Request-Id` of the last response.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// True if the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long to wait before calling again, if that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after_ms.map(Duration::from_millis)
    }

    /// The number of requests that this call made: 0 if it waited for another call's result.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.0.requests
    }

    /// The run log: all of the above as JSON, and every attempt that led here.
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

/// One line of bounded length.
fn line(text: &str) -> String {
    truncate(single_line(text), MAX_LINE)
}

fn by_name<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339::from_millis(time.wall_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_log_is_json_with_each_attempt() {
        let attempt = Attempt {
            started_at: Timestamp { wall_ms: 1_790_000_000_123, boot_ms: 0 },
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
}
