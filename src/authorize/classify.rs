//! What a response means: a grant, a refusal, or a reason to try again.

use std::time::Duration;

use super::{clock_skew, retry_after};
use crate::credentials::Identity;
use crate::diag::error::{Error, Status};
use crate::diag::redact::Redactor;
use crate::diag::sanitize;
use crate::model::grant::Grant;
use crate::model::timestamp::Timestamp;
use crate::ports::transport::{Failure, FailureKind, HttpResponse};
use crate::reply::{self, RefusalBody};

/// B2's own have 16 characters.
const MAX_REQUEST_ID: usize = 64;
/// No name in the DNS is longer.
const MAX_HOST: usize = 253;

const WRONG_SERVER: &str = "check that the realm is B2's, and that no proxy or portal answers in its place";

const UNREAD: &str = "call again, to see why; if this repeats, something in between may answer in B2's place: check the realm and the \
                      network";

const NOT_SUPPORTED: &str = concat!(
    "make a new application key in the B2 web console or with a current b2 tool; if no key works any more, B2 may have \
     retired version 4 of its API: look for a newer b2auth (this is ",
    env!("CARGO_PKG_VERSION"),
    ")"
);
const OUTDATED: &str = concat!(
    "check the realm; if it is right, B2 may not take requests of version 4 of its API any more: look for a newer b2auth (this is ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// What to do about a response, or about the lack of one.
pub(super) enum Verdict<T> {
    /// B2 granted a session.
    Granted(T),
    /// B2 refused, and no retry can cure that.
    Rejected(Error),
    /// The request did not get through, and no retry can cure that.
    Failed(Error),
    /// The same request may succeed later.
    Retry { error: Error, retry_after: Option<Duration>, blocks_everyone: bool },
    /// The connection, which an earlier request had used, was dead: the same request may be sent on a new one at once.
    Repeat(Error),
    /// The caller's cancel ended it.
    Cancelled,
}

impl<T> Verdict<T> {
    /// Converts a grant.
    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Granted(grant) => Verdict::Granted(make(grant)),
            Self::Rejected(error) => Verdict::Rejected(error),
            Self::Failed(error) => Verdict::Failed(error),
            Self::Retry { error, retry_after, blocks_everyone } => {
                Verdict::Retry { error, retry_after, blocks_everyone }
            }
            Self::Repeat(error) => Verdict::Repeat(error),
            Self::Cancelled => Verdict::Cancelled,
        }
    }
}

/// Classifies a response by its status first; its code and message only add detail.
pub(super) fn response(
    response: &HttpResponse,
    identity: &Identity,
    redactor: &Redactor,
    now: Timestamp,
) -> Verdict<Grant> {
    let realm = identity.realm();
    let clock = clock_skew::hint(realm.host(), response.date.as_deref(), now);
    if response.status == 200 {
        return match reply::parse(&response.body, realm) {
            Ok(grant) => Verdict::Granted(grant),
            Err(error) => {
                let message = format!("{} returned 200, but not what B2 documents: {error}", realm.host());
                let error = Error::new(Status::ProtocolError, message).with_hint(WRONG_SERVER).append_hint(clock);
                Verdict::Rejected(with_response_info(error, response, None, redactor))
            }
        };
    }
    let body = reply::parse_refusal(&response.body, |text| redactor.redact(text));
    let code = body.code.as_deref();
    let date = response.date.as_deref();
    let retry_after = response.retry_after.as_deref().and_then(|text| retry_after::parse(text, date, now));
    let status = match response.status {
        400 | 401 if is_about_version(response.status, &body) => Status::KeyNotSupported,
        401 => Status::BadCredentials,
        400 | 403 if code.is_some_and(|code| code.ends_with("cap_exceeded")) => Status::CapExceeded,
        403 => Status::AccessDenied,
        429 => Status::RateLimited,
        408 | 500..=510 | 512..=599 => Status::ServiceUnavailable,
        _ => Status::ProtocolError,
    };
    let refusal = ErrorResponse { response, identity, body: &body, redactor };
    let mut error = refusal.error(status).append_hint(clock);
    if !matches!(response.status, 408 | 429 | 500 | 502..=510 | 512..=599) {
        if response.status == 501 {
            error = error.not_retryable();
        }
        // What B2 did not say says nothing about the key.
        return if body.is_b2 { Verdict::Rejected(error) } else { Verdict::Failed(error) };
    }
    if let Some(wait) = retry_after {
        error = error.with_retry_after(wait);
    }
    Verdict::Retry { error, retry_after, blocks_everyone: matches!(response.status, 429 | 503) }
}

/// Classifies a request that got no response.
pub(super) fn failure<T>(failure: Failure, redactor: &Redactor) -> Verdict<T> {
    let status = match failure.kind {
        FailureKind::Cancelled => return Verdict::Cancelled,
        FailureKind::Network | FailureKind::StaleConnection | FailureKind::ProxyDenied => Status::NetworkError,
        FailureKind::Timeout => Status::Timeout,
        FailureKind::Tls => Status::TlsError,
        FailureKind::Protocol => Status::ProtocolError,
        FailureKind::InvalidRequest => Status::InvalidArgument,
    };
    let error = Error::new(status, redactor.redact(&failure.message))
        .append_hint(failure.hint.map(|hint| redactor.redact(&hint)));
    match failure.kind {
        FailureKind::Network | FailureKind::Timeout => {
            Verdict::Retry { error, retry_after: None, blocks_everyone: false }
        }
        FailureKind::StaleConnection => Verdict::Repeat(error),
        FailureKind::ProxyDenied => Verdict::Failed(error.not_retryable()),
        _ => Verdict::Failed(error),
    }
}

/// Only v4 serves keys that are restricted to several buckets. B2 documents 401 `unsupported`, and really sends a 400
/// that names the API version.
fn is_about_version(status: u16, body: &RefusalBody) -> bool {
    match status {
        401 => body.code.as_deref() == Some("unsupported"),
        _ => body.message.as_deref().is_some_and(|message| message.contains("not currently supported on API version")),
    }
}

/// A response other than 200, and what is known about it.
struct ErrorResponse<'a> {
    response: &'a HttpResponse,
    identity: &'a Identity,
    body: &'a RefusalBody,
    redactor: &'a Redactor,
}

impl ErrorResponse<'_> {
    fn error(&self, status: Status) -> Error {
        let error = Error::new(status, self.message(status)).append_hint(self.hint(status).map(str::to_owned));
        with_response_info(error, self.response, self.body.code.clone(), self.redactor)
    }

    /// What happened, to which host, and what B2 said.
    fn message(&self, status: Status) -> String {
        let (host, http) = (self.identity.realm().host(), self.response.status);
        if let Some(why) = self.why_unread(status) {
            let what =
                format!("{host} refused the request (HTTP {http}), and what it says about that could not be read");
            return self.redactor.redact(&format!("{what}: {why}"));
        }
        let key_id = self.identity.shown_key_id().map(|key_id| format!(" {key_id}")).unwrap_or_default();
        let what = match (status, self.body.is_b2) {
            (Status::BadCredentials, true) => format!("{host} refused the application key{key_id} (HTTP {http}"),
            (Status::BadCredentials | Status::AccessDenied, false) => {
                format!("the request to {host} was refused, but not by B2 (HTTP {http}")
            }
            (Status::KeyNotSupported, _) => {
                format!("{host} does not serve the application key{key_id} by version 4 of the API (HTTP {http}")
            }
            (Status::CapExceeded, _) => format!("{host} refused: a cap of the account is exceeded (HTTP {http}"),
            (Status::AccessDenied, true) => format!("{host} denied access (HTTP {http}"),
            (Status::RateLimited, _) => format!("{host} limits the rate of requests (HTTP {http}"),
            (Status::ServiceUnavailable, _) => format!("{host} cannot serve the request now (HTTP {http}"),
            _ if self.is_redirect() => match self.redirect_host() {
                Some(to) => format!("{host} redirects to {to}, which B2 never does, and was not followed (HTTP {http}"),
                None => format!("{host} redirects, which B2 never does, and was not followed (HTTP {http}"),
            },
            (_, true) => format!("{host} rejected the request (HTTP {http}"),
            (_, false) if matches!(http, 407 | 511) => format!("the way to {host} requires a login (HTTP {http}"),
            _ => format!("{host} returned a response that B2 does not document (HTTP {http}"),
        };
        let code = self.body.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        let detail = self.body.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        self.redactor.redact(&format!("{what}{code}){detail}"))
    }

    fn hint(&self, status: Status) -> Option<&'static str> {
        let is_b2 = self.body.is_b2;
        if self.why_unread(status).is_some() {
            return Some(UNREAD);
        }
        Some(match (status, self.response.status, self.body.code.as_deref()) {
            (_, _, Some("email_not_verified")) if is_b2 => {
                "the e-mail address of the account is not verified: do that in the B2 web console"
            }
            (_, _, Some("no_payment_history")) if is_b2 => {
                "the account has no payment history, which this needs: add a payment method in the B2 web console"
            }
            (Status::BadCredentials | Status::AccessDenied, ..) if !is_b2 => {
                "something in between answered in B2's place (a proxy, a filter, a gateway, a portal): check the realm and the \
                 network; if a proxy is the way out, set the option proxy"
            }
            (Status::KeyNotSupported, ..) => NOT_SUPPORTED,
            (Status::CapExceeded, ..) => {
                "raise the cap under \"Caps & Alerts\" in the B2 web console, or wait for 00:00 UTC, when daily caps start anew"
            }
            (Status::AccessDenied, ..) => "check in the B2 web console that the account is in good standing",
            (Status::RateLimited, ..) => "wait before calling again, and keep one session instead of asking for many",
            (Status::ServiceUnavailable, 501, _) => WRONG_SERVER,
            (Status::ServiceUnavailable, ..) => {
                "call again later; if that does not help, see if B2 has an outage (https://status.backblaze.com)"
            }
            (_, 407, _) => "a proxy requires a login: set the option proxy to its URL with user and password",
            (_, 511, _) => "the network requires a login: open any web page in a browser on it, and log in there",
            _ if self.is_redirect() => "check the realm, and that no captive portal or proxy answers in B2's place",
            (Status::ProtocolError, 400 | 404 | 405 | 410, _) if is_b2 => OUTDATED,
            (Status::ProtocolError, ..) => WRONG_SERVER,
            _ => return None,
        })
    }

    /// Why it is not known who refused, if it is not.
    fn why_unread(&self, status: Status) -> Option<&str> {
        let is_refusal = matches!(status, Status::BadCredentials | Status::AccessDenied);
        self.response.body_failure.as_deref().filter(|_| is_refusal)
    }

    fn is_redirect(&self) -> bool {
        (300..400).contains(&self.response.status)
    }

    /// The host alone: the rest of a location may contain anything. Secrets are redacted before it is parsed, since a slash
    /// in a key makes its first half look like a host.
    fn redirect_host(&self) -> Option<String> {
        let uri: http::Uri = self.redactor.redact(self.response.location.as_deref()?).parse().ok()?;
        uri.host().filter(|host| host.len() <= MAX_HOST).map(str::to_owned)
    }
}

/// Attaches what the response says about itself, with secrets redacted.
fn with_response_info(error: Error, response: &HttpResponse, code: Option<String>, redactor: &Redactor) -> Error {
    error.with_code(code.map(|code| redactor.redact(&code))).with_http(response.status, request_id(response, redactor))
}

/// B2's ID of a request, redacted before it is truncated.
pub(super) fn request_id(response: &HttpResponse, redactor: &Redactor) -> Option<String> {
    let id = sanitize::single_line(response.request_id.as_deref()?);
    Some(sanitize::truncate(redactor.redact(&id), MAX_REQUEST_ID))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_the_words_of_the_network_are_redacted() {
        let redactor = Redactor::new("id", "K001secretsecret", "Basic abcdefghijkl");
        let failed = Failure {
            kind: FailureKind::Tls,
            message: "the certificate is for another name: K001secretsecret".to_owned(),
            hint: Some("check abcdefghijkl".to_owned()),
            is_sent: true,
        };
        let Verdict::<()>::Failed(error) = failure(failed, &redactor) else { panic!("TLS failures are permanent") };
        assert_eq!(error.message(), "the certificate is for another name: ***");
        assert_eq!(error.hint(), Some("check ***"));
    }
}
