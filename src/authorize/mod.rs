//! One call: credentials, cache, single flight, retries, session.

mod attempt;
pub(crate) mod call;
mod classify;
pub(crate) mod clock_skew;
mod decision;
mod fetch;
#[cfg(loom)]
mod loom_tests;
mod retry;
pub(crate) mod retry_after;
mod stopped;
mod through_store;
mod wait;

use std::fmt;
use std::sync::Arc;

use crate::credentials;
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::model::cache_key::CacheKey;
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::options::{CacheMode, Options};
use crate::platform::thread::CancellationDisabled;
use crate::ports::cancel::Cancel;
use crate::ports::limits::{Limits, Stop};
use crate::ports::{Clock, Env};
use crate::state::Shared;
use crate::state::cache::Lookup;
use crate::state::near_cache::Near;

use call::{Call, Intent};

/// What every call of a process works with.
#[derive(Clone, Copy)]
pub(crate) struct Runtime<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) env: Env<'a>,
}

/// What a caller wants.
#[derive(Clone, Copy)]
pub(crate) struct AuthorizeRequest<'a> {
    /// The key ID as given; blank to have one found.
    pub(crate) key_id: &'a [u8],
    /// The application key as given; blank to have one found.
    pub(crate) key: &'a [u8],
    pub(crate) options: &'a Options,
    pub(crate) intent: Intent<'a>,
    /// When the batch ends that this belongs to, by the boot clock.
    pub(crate) batch_deadline_ms: Option<u64>,
}

impl AuthorizeRequest<'_> {
    /// The key ID that was given, for messages.
    fn shown_key_id(&self) -> Option<&str> {
        let key_id = std::str::from_utf8(self.key_id.trim_ascii()).ok()?;
        credentials::shown_key_id(key_id, std::str::from_utf8(self.key.trim_ascii()).ok())
    }

    /// Any token that is not expired will do, and nothing else ends the call.
    #[inline(always)]
    fn accepts_cached(&self) -> bool {
        matches!(self.intent, Intent::Authorize)
            && self.options.cache == CacheMode::Use
            && self.options.realm.is_ok()
            && !self.options.cancel.as_ref().is_some_and(Cancel::is_triggered)
    }

    fn limits<'a>(&'a self, clock: &'a dyn Clock) -> Limits<'a> {
        Limits::new(clock, self.options.cancel.as_ref()).with_deadline(self.batch_deadline_ms)
    }
}

/// Logs with the key that it is about, so that the calls of several keys can be told apart.
fn log_for_key(
    options: &Options,
    key_id: Option<&str>,
    level: Level,
    limits: &Limits<'_>,
    message: fmt::Arguments<'_>,
) {
    match key_id {
        Some(key_id) => options.log(level, limits, format_args!("key {key_id}: {message}")),
        None => options.log(level, limits, message),
    }
}

/// The whole job: a session for a key, from the cache or from B2.
#[inline(always)]
pub(crate) fn authorize(runtime: Runtime<'_>, request: &AuthorizeRequest<'_>) -> Result<Arc<Session>, Error> {
    match try_cached(runtime, request) {
        Some(session) => Ok(session),
        None => authorize_logged(runtime, request),
    }
}

/// The way of a call that is no hit.
#[cold]
fn authorize_logged(runtime: Runtime<'_>, request: &AuthorizeRequest<'_>) -> Result<Arc<Session>, Error> {
    let _uncancellable = CancellationDisabled::new();
    let limits = request.limits(runtime.env.clock);
    let limits = request.options.total().map_or(limits, |total| limits.with_timeout(total));
    let result = authorize_uncached(runtime, request, limits)
        .map_err(|error| with_batch_hint(runtime, request, error).with_key_id(request.shown_key_id()));
    if let Err(error) = &result {
        let name = error.status().name();
        let (key_id, options) = (error.key_id(), request.options);
        log_for_key(options, key_id, Level::Error, &limits, format_args!("the call fails with {name}: {error}"));
    }
    request.options.flush_log(runtime.env.clock);
    result
}

/// One request for this identity, in one attempt, past the cache: what a diagnosis does.
#[cfg(not(loom))]
pub(crate) fn ask_once(
    runtime: Runtime<'_>,
    options: &Options,
    identity: credentials::Identity,
    limits: &Limits<'_>,
) -> Result<Arc<Session>, Error> {
    if let Some(cancelled) = cancelled(limits) {
        return Err(cancelled);
    }
    let mut options = options.clone();
    options.cache = CacheMode::Bypass;
    options.max_attempts = 1;
    Call::new(runtime, &options, identity, *limits).run(Intent::Authorize)
}

/// The error of a call whose cancel was triggered, if it was.
#[cfg(not(loom))]
pub(crate) fn cancelled(limits: &Limits<'_>) -> Option<Error> {
    (limits.stop() == Some(Stop::Cancelled)).then(stopped::cancelled)
}

/// The path of nearly every call: given credentials, and a good token for them. No allocation, no system call.
#[inline(always)]
pub(crate) fn try_cached(runtime: Runtime<'_>, request: &AuthorizeRequest<'_>) -> Option<Arc<Session>> {
    let (key_id, key) = (trimmed(request.key_id), trimmed(request.key));
    if !request.accepts_cached() || key_id.is_empty() || key.is_empty() {
        return None;
    }
    let now = runtime.env.clock.now();
    let cache_key = CacheKey::new(request.options.scope(), key_id, key);
    let near = runtime.shared.near(&cache_key, request.options.min_remaining, now);
    let session = match near {
        Near::Hit(session) => session,
        Near::Miss => find_cached(runtime.shared, request, &cache_key, now, false)?,
        Near::MissAgain => find_cached(runtime.shared, request, &cache_key, now, true)?,
    };
    if request.options.wants_log(Level::Debug) {
        log_hit(runtime, request);
    }
    Some(session)
}

/// The text without white space around it, where there may be some.
#[inline(always)]
fn trimmed(text: &[u8]) -> &[u8] {
    match (text.first(), text.last()) {
        (Some(b'!'..), Some(b'!'..)) => text,
        _ => text.trim_ascii(),
    }
}

#[cold]
fn log_hit(runtime: Runtime<'_>, request: &AuthorizeRequest<'_>) {
    let (options, limits) = (request.options, request.limits(runtime.env.clock));
    log_for_key(options, request.shown_key_id(), Level::Debug, &limits, format_args!("cache hit"));
}

/// The same, under the lock. With `copy_near` a fresh session is copied to where this thread looks first.
fn find_cached(
    shared: &Shared,
    request: &AuthorizeRequest<'_>,
    cache_key: &CacheKey,
    now: Timestamp,
    copy_near: bool,
) -> Option<Arc<Session>> {
    let mut state = shared.lock();
    let session = match state.cache.get(cache_key, request.options.min_remaining, now) {
        Lookup::Fresh(session) => {
            if copy_near {
                state.cache.copy_near(cache_key, request.options.min_remaining);
            }
            session
        }
        Lookup::Stale { session, refresh_due } if !refresh_due || state.single_flight.contains(cache_key) => session,
        _ => return None,
    };
    state.counters.cache_hits += 1;
    Some(session)
}

fn authorize_uncached(
    runtime: Runtime<'_>,
    request: &AuthorizeRequest<'_>,
    limits: Limits<'_>,
) -> Result<Arc<Session>, Error> {
    if limits.stop() == Some(Stop::Cancelled) {
        return Err(stopped::cancelled());
    }
    let identity = credentials::resolve(request.key_id, request.key, request.options, &limits)?;
    if limits.stop() == Some(Stop::Deadline) && request.batch_deadline_ms.is_some() {
        return Err(stopped::batch_timed_out());
    }
    Call::new(runtime, request.options, identity, limits).run(request.intent)
}

/// Where the end of a batch ended a request, its own limits had no part in it.
fn with_batch_hint(runtime: Runtime<'_>, request: &AuthorizeRequest<'_>, error: Error) -> Error {
    let is_over = request.batch_deadline_ms.is_some_and(|end| runtime.env.clock.now().boot_ms >= end);
    if is_over && error.status() == Status::Timeout { error.with_hint(stopped::BATCH_HINT) } else { error }
}
