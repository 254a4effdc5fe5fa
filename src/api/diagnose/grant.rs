//! What B2 said: its clock, its verdict, what the key may do, and for how long.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::human;
use super::report::Step;
use crate::authorize::{clock_skew, retry_after};
use crate::diag::error::Error;
use crate::diag::sanitize;
use crate::model::realm::Realm;
use crate::model::rfc3339;
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::net::trace::{Stage, Trace};
use crate::options::Options;

/// B2's own request IDs have 16 characters.
const MAX_REQUEST_ID: usize = 64;
/// A key that ends sooner should have a successor by now.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// As many buckets as a line has room for.
const MAX_SHOWN: usize = 5;

/// How the request went.
pub(super) struct Answer<'a> {
    pub(super) result: &'a Result<Arc<Session>, Error>,
    /// There was a key to ask with.
    pub(super) has_key: bool,
    pub(super) options: &'a Options,
    pub(super) realm: Option<&'a Realm>,
    pub(super) now: Timestamp,
}

impl Answer<'_> {
    pub(super) fn steps(&self, trace: &Trace) -> [Step; 4] {
        let [key, token] = match self.result {
            Ok(session) => [key(session, self.now), token(session, self.options, self.now)],
            Err(_) => ["key", "token"].map(|name| Step::skipped(name, "B2 granted no session")),
        };
        [clock(trace, self.realm, self.now), self.verdict(trace), key, token]
    }

    fn verdict(&self, trace: &Trace) -> Step {
        const NAME: &str = "authorize";
        let response = trace.response.as_ref();
        let request_id = response.and_then(|response| response.request_id.as_deref()).map(sanitize::single_line);
        let request_id = request_id.map(|id| sanitize::truncate(id, MAX_REQUEST_ID));
        let step = match self.result {
            Ok(session) => Step::ok(NAME, format!("B2 granted a session for the account {}", session.account_id())),
            Err(error) if trace.last() == Some(Stage::Exchange) => Step::failed_by(NAME, error),
            // Something here kept the request back: the rate limit, a pause that B2 asked for, the caller's own limits.
            Err(error) if self.has_key && error.requests() == 0 => Step::failed_by(NAME, error),
            Err(_) => Step::skipped(NAME, "nothing was asked"),
        };
        let mut step = step.took(trace.took(Stage::Exchange));
        if let Some(response) = response {
            step = step.detail("httpStatus", response.status);
        }
        if let Some(id) = request_id {
            if self.result.is_ok() {
                step.summary += &format!(" (request ID {id})");
            }
            step = step.detail("requestId", id);
        }
        step
    }
}

fn clock(trace: &Trace, realm: Option<&Realm>, now: Timestamp) -> Step {
    const NAME: &str = "clock";
    let date = trace.response.as_ref().and_then(|response| response.date.as_deref());
    let (Some(realm), Some(there)) = (realm, retry_after::server_wall_ms(date)) else {
        return Step::skipped(NAME, "no server has told its time");
    };
    // A Date has no fractions, and is as old as its response.
    let off_s = (now.wall_ms - there).div_euclid(1_000);
    let summary = match off_s {
        -1..=2 => format!("as that of {}", realm.host()),
        3.. => format!("{} ahead of {}", human(Duration::from_secs(off_s.unsigned_abs())), realm.host()),
        _ => format!("{} behind {}", human(Duration::from_secs(off_s.unsigned_abs())), realm.host()),
    };
    Step::ok(NAME, summary)
        .detail("offsetSeconds", off_s)
        .detail("server", rfc3339::from_millis(there))
        .warn_if(clock_skew::hint(realm.host(), date, now))
}

fn key(session: &Session, now: Timestamp) -> Step {
    const NAME: &str = "key";
    let capabilities: Vec<&str> = session.capabilities().collect();
    let buckets = session.buckets();
    let scope = match buckets.as_deref() {
        None => "in every bucket".to_owned(),
        Some([]) => "in no bucket".to_owned(),
        Some(some) => {
            let names: Vec<&str> = some.iter().take(MAX_SHOWN).map(|bucket| bucket.name.unwrap_or(bucket.id)).collect();
            let more = if some.len() > MAX_SHOWN { ", …" } else { "" };
            format!("in {}{more}", names.join(", "))
        }
    };
    let prefix = session.name_prefix().map(|prefix| format!(", names beginning with \"{prefix}\"")).unwrap_or_default();
    let expires = session.key_expires_at();
    let end = match expires {
        None => "never expires".to_owned(),
        Some(at) => format!("expires at {}", rfc3339::from_seconds(at.unsigned_abs())),
    };
    let listed: Option<Vec<Value>> =
        buckets.as_ref().map(|some| some.iter().map(|bucket| json!({"id": bucket.id, "name": bucket.name})).collect());
    let left = expires.map(|at| Duration::from_secs((at - now.wall_ms / 1_000).max(0).unsigned_abs()));
    let ends_soon = left.filter(|left| *left < SOON).map(|left| {
        format!("the application key expires in {}: make its successor in the B2 web console", human(left))
    });
    let is_gone = |some: &Vec<_>| some.iter().any(|bucket: &crate::model::session::Bucket<'_>| bucket.name.is_none());
    let advice = match &buckets {
        Some(some) if some.is_empty() => Some("the key may use no bucket: its buckets may be gone".to_owned()),
        Some(some) if is_gone(some) => {
            Some("a bucket of the key is gone, or its name is hidden from the key".to_owned())
        }
        _ => None,
    };
    Step::ok(NAME, format!("{} capabilities {scope}{prefix}; {end}", capabilities.len()))
        .detail("capabilities", capabilities)
        .detail("buckets", listed)
        .detail("namePrefix", session.name_prefix())
        .detail("expiresAt", expires)
        .detail("recommendedPartSize", session.recommended_part_size())
        .detail("absoluteMinimumPartSize", session.absolute_minimum_part_size())
        .warn_if(ends_soon.or(advice))
}

fn token(session: &Session, options: &Options, now: Timestamp) -> Step {
    const NAME: &str = "token";
    let left = Duration::from_secs(session.seconds_left(now));
    let short = (left < options.min_remaining)
        .then(|| format!("the token lives for less than min_remaining_s, {} s", options.min_remaining.as_secs()));
    Step::ok(NAME, format!("good for {}, at {}", human(left), session.api_url()))
        .detail("secondsLeft", left.as_secs())
        .detail("apiUrl", session.api_url())
        .detail("downloadUrl", session.download_url())
        .detail("s3ApiUrl", session.s3_api_url())
        .warn_if(short)
}
