//! What an answer means: a grant, a refusal, or a reason to try again.

use std::time::Duration;

use super::clock_skew;
use super::retry_after;
use crate::diag::error::{Error, Status};
use crate::diag::redact::Secrets;
use crate::diag::sanitize;
use crate::model::realm::Realm;
use crate::model::timestamp::Moment;
use crate::ports::transport::{Answer, Failure, FailureKind};
use crate::reply::{self, Grant, RefusalBody};

/// B2's own have 16 characters.
const LONGEST_REQUEST_ID: usize = 64;
/// No name in the DNS is longer.
const LONGEST_HOST: usize = 253;

const NOT_B2: &str = "check that the realm is B2's and that no proxy answers in its place";

/// What to do about an answer, or about the lack of one.
pub(crate) enum Verdict<T> {
    /// B2 granted a session.
    Granted(T),
    /// B2 said no, and no retry can cure that.
    Refused(Error),
    /// The way to B2 failed as no retry can cure.
    Failed(Error),
    /// The same request may succeed later.
    Again { error: Error, asked: Option<Duration>, closes_gate: bool },
    /// The caller's cancel ended it.
    Cancelled,
}

impl<T> Verdict<T> {
    /// Makes something of a grant.
    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Granted(grant) => Verdict::Granted(make(grant)),
            Self::Refused(error) => Verdict::Refused(error),
            Self::Failed(error) => Verdict::Failed(error),
            Self::Again { error, asked, closes_gate } => Verdict::Again { error, asked, closes_gate },
            Self::Cancelled => Verdict::Cancelled,
        }
    }
}

/// Judges an answer by its status first; its code and message only say more.
pub(crate) fn of_answer(answer: &Answer, realm: &Realm, secrets: &Secrets, now: Moment) -> Verdict<Grant> {
    let clock = clock_skew::hint(realm.host(), answer.date.as_deref(), now);
    if answer.status == 200 {
        return match reply::parse(&answer.body, realm) {
            Ok(grant) => Verdict::Granted(grant),
            Err(flaw) => {
                let message = format!("{} answered 200, but not as B2 documents: {flaw}", realm.host());
                let error = Error::new(Status::ProtocolError, message)
                    .with_hint("check that the realm is B2's and that no proxy or portal answers in its place")
                    .with_hint_behind(clock);
                Verdict::Refused(about(error, answer, None, secrets))
            }
        };
    }
    let body = reply::parse_refusal(&answer.body, |text| secrets.mask(text));
    let code = body.code.as_deref();
    let asked = answer.retry_after.as_deref().and_then(|text| retry_after::parse(text, answer.date.as_deref(), now));
    let status = match answer.status {
        400 | 401 if is_about_version(answer.status, &body) => Status::KeyNotSupported,
        401 => Status::BadCredentials,
        400 | 403 if code.is_some_and(|code| code.ends_with("cap_exceeded")) => Status::CapExceeded,
        403 => Status::AccessDenied,
        429 => Status::RateLimited,
        408 | 500..=599 => Status::ServiceUnavailable,
        _ => Status::ProtocolError,
    };
    let told = Told { answer, realm, body: &body, secrets };
    let mut error = told.error(status).with_hint_behind(clock);
    if !matches!(answer.status, 408 | 429 | 500 | 502..=599) {
        if answer.status == 501 {
            error = error.not_retryable();
        }
        return Verdict::Refused(error);
    }
    if let Some(wait) = asked {
        error = error.with_retry_after(wait);
    }
    Verdict::Again { error, asked, closes_gate: matches!(answer.status, 429 | 503) }
}

/// Judges a request that got no answer.
pub(crate) fn of_failure<T>(failure: Failure, secrets: &Secrets) -> Verdict<T> {
    let status = match failure.kind {
        FailureKind::Cancelled => return Verdict::Cancelled,
        FailureKind::Network | FailureKind::Barred => Status::NetworkError,
        FailureKind::Timeout => Status::Timeout,
        FailureKind::Tls => Status::TlsError,
        FailureKind::Protocol => Status::ProtocolError,
        FailureKind::Setup => Status::InvalidArgument,
    };
    let error = Error::new(status, secrets.mask(&failure.message))
        .with_hint_behind(failure.hint.map(|hint| secrets.mask(&hint)));
    match failure.kind {
        FailureKind::Network | FailureKind::Timeout => Verdict::Again { error, asked: None, closes_gate: false },
        FailureKind::Barred => Verdict::Failed(error.not_retryable()),
        _ => Verdict::Failed(error),
    }
}

/// B2 serves keys restricted to several buckets on v4 alone. Documented is 401 `unsupported`; what it really sends is a
/// 400 that names the API version.
fn is_about_version(status: u16, body: &RefusalBody) -> bool {
    match status {
        401 => body.code.as_deref() == Some("unsupported"),
        _ => body.message.as_deref().is_some_and(|message| message.contains("not currently supported on API version")),
    }
}

/// An answer other than 200, and what is known about it.
struct Told<'a> {
    answer: &'a Answer,
    realm: &'a Realm,
    body: &'a RefusalBody,
    secrets: &'a Secrets,
}

impl Told<'_> {
    fn error(&self, status: Status) -> Error {
        let error = Error::new(status, self.message(status)).with_hint_behind(self.hint(status).map(str::to_owned));
        about(error, self.answer, self.body.code.clone(), self.secrets)
    }

    /// What happened, to which host, and what B2 said.
    fn message(&self, status: Status) -> String {
        let (host, http) = (self.realm.host(), self.answer.status);
        let what = match status {
            Status::BadCredentials => format!("{host} refused the application key (HTTP {http}"),
            Status::KeyNotSupported => format!("{host} does not serve this application key by API v4 (HTTP {http}"),
            Status::CapExceeded => format!("{host} refused: a cap of the account is reached (HTTP {http}"),
            Status::AccessDenied => format!("{host} denied access (HTTP {http}"),
            Status::RateLimited => format!("{host} asks for fewer requests (HTTP {http}"),
            Status::ServiceUnavailable => format!("{host} is not able to answer now (HTTP {http}"),
            _ if self.is_redirect() => match self.redirect_host() {
                Some(to) => format!("{host} redirects to {to}, which B2 never does, and was not followed (HTTP {http}"),
                None => format!("{host} redirects, which B2 never does, and was not followed (HTTP {http}"),
            },
            _ => format!("{host} gave an answer that B2 does not document (HTTP {http}"),
        };
        let code = self.body.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        let said = self.body.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        self.secrets.mask(&format!("{what}{code}){said}"))
    }

    fn hint(&self, status: Status) -> Option<&'static str> {
        Some(match status {
            Status::KeyNotSupported => "make a new application key in the B2 web console or with a current b2 tool",
            Status::CapExceeded => {
                "raise the cap under \"Caps & Alerts\" in the B2 web console, or wait for 00:00 UTC, when daily caps start anew"
            }
            Status::AccessDenied => "check in the B2 web console that the account is in good standing",
            Status::RateLimited => "wait before calling again, and keep one session instead of asking for many",
            Status::ServiceUnavailable if self.answer.status == 501 => NOT_B2,
            Status::ServiceUnavailable => {
                "call again later; if that does not help, see if B2 has an outage (https://status.backblaze.com)"
            }
            _ if self.is_redirect() => "check the realm, and that no captive portal or proxy answers in B2's place",
            Status::ProtocolError => NOT_B2,
            _ => return None,
        })
    }

    fn is_redirect(&self) -> bool {
        (300..400).contains(&self.answer.status)
    }

    /// The host alone: the rest of a location may hold anything. A secret in it is masked before it is taken apart,
    /// since a slash in a key makes its first half look like a host.
    fn redirect_host(&self) -> Option<String> {
        let uri: http::Uri = self.secrets.mask(self.answer.location.as_deref()?).parse().ok()?;
        uri.host().filter(|host| host.len() <= LONGEST_HOST).map(str::to_owned)
    }
}

/// Attaches what the answer says about itself. It is all somebody else's text, so it is masked.
fn about(error: Error, answer: &Answer, code: Option<String>, secrets: &Secrets) -> Error {
    error.with_code(code.map(|code| secrets.mask(&code))).with_http(answer.status, request_id(answer, secrets))
}

/// B2's name for a request, masked before it is cut.
pub(crate) fn request_id(answer: &Answer, secrets: &Secrets) -> Option<String> {
    let id = sanitize::line(answer.request_id.as_deref()?);
    Some(sanitize::shortened(secrets.mask(&id), LONGEST_REQUEST_ID))
}
