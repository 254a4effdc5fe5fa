//! The library for Rust hosts, without the C border.

use std::sync::Arc;

use super::batch::{self, BatchLimits, Item};
use super::json;
use crate::authorize::call::Intent;
use crate::authorize::{self, AuthorizeRequest};
use crate::diag::log;
use crate::ports::limits::Limits;
use crate::reply;
use crate::{Error, Options, Session, Status, process, store};

/// Turns an application key into a session: from the cache if it has a good token, else by asking B2.
///
/// Blank for both means: take `B2_APPLICATION_KEY_ID` and `B2_APPLICATION_KEY` from the environment, else the key in the
/// b2 tool's database.
///
/// # Errors
/// Whatever kept B2 from granting one, with what to do about it.
pub fn authorize(key_id: &str, key: &str, options: &Options) -> Result<Arc<Session>, Error> {
    call(key_id, key, options, Intent::Authorize)
}

/// Requests a session in place of one that B2 refused, or a new one in any case.
///
/// If the cache already holds a newer token than `rejected`, that one is returned without a request.
///
/// # Errors
/// As [`authorize()`].
pub fn reauthorize(
    key_id: &str,
    key: &str,
    rejected: Option<&Session>,
    options: &Options,
) -> Result<Arc<Session>, Error> {
    call(key_id, key, options, rejected.map_or(Intent::ForceRefresh, Intent::Reauthorize))
}

/// Many at once: pairs of key ID and key, each as in [`authorize()`]. The results are in the order of the pairs; equal pairs
/// share one request, and one that fails affects no other.
#[must_use]
pub fn authorize_many(pairs: &[(&str, &str)], options: &Options) -> Vec<Result<Arc<Session>, Error>> {
    let items: Vec<_> =
        pairs.iter().map(|(key_id, key)| Item { key_id: key_id.as_bytes(), key: key.as_bytes(), options }).collect();
    let limits = BatchLimits { concurrency: options.concurrency, timeout: options.batch_timeout };
    batch::authorize_many(process::runtime(), &items, limits)
}

/// The workflow action: a JSON request, or an array of them, and the JSON response with its status. It contains tokens.
#[must_use]
pub fn authorize_json(request: &str) -> (Status, String) {
    let response = json::respond(process::runtime(), request.as_bytes());
    (response.status, response.text.as_str().to_owned())
}

/// Forgets a session's token: the next call for its key asks B2. Does nothing if the cache has a newer one.
pub fn invalidate(session: &Session) {
    let shared = process::shared();
    shared.invalidate(session);
    if let Some(stored_at) = session.stored_at() {
        // There is nobody to tell of trouble: it is counted.
        let _ = store::revoke(stored_at, shared, &Limits::new(process::ENV.clock, None));
    }
}

/// Drops and wipes every cached token, and forgets every remembered refusal.
pub fn cache_clear() {
    process::shared().clear();
}

/// Whether a new token is the cure, after B2 refused a call of the host's own with this HTTP status and B2's code: 401 with
/// `bad_auth_token`, `expired_auth_token`, or no code.
#[must_use]
pub fn should_reauthorize(http_status: u16, code: &str) -> bool {
    http_status == 401 && matches!(code.trim_ascii(), "" | "bad_auth_token" | "expired_auth_token")
}

/// The same from the body of B2's response, which may be cut, empty, or no JSON at all: where no code can be read, there
/// is none.
#[must_use]
pub fn should_reauthorize_body(http_status: u16, body: &[u8]) -> bool {
    http_status == 401 && should_reauthorize(http_status, &reply::refusal_code(body).unwrap_or_default())
}

/// How often something happened since the process began, such as `requests` or `cache_hits`; `None` for an unknown name.
#[must_use]
pub fn counter(name: &str) -> Option<u64> {
    match name {
        "log_dropped" => Some(log::dropped()),
        _ => process::shared().counters().by_name(name),
    }
}

/// Seconds until a session's token expires, by the sooner of the wall clock and the boot clock; 0 from a minute before that.
#[must_use]
pub fn seconds_left(session: &Session) -> u64 {
    session.seconds_left(process::ENV.clock.now())
}

fn call(key_id: &str, key: &str, options: &Options, intent: Intent<'_>) -> Result<Arc<Session>, Error> {
    let request =
        AuthorizeRequest { key_id: key_id.as_bytes(), key: key.as_bytes(), options, intent, batch_deadline_ms: None };
    authorize::authorize(process::runtime(), &request)
}
