//! A leader's way through the shared token store, before a request and after it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::call::Call;
use super::classify::{self, Verdict};
use super::decision::Requirement;
use super::fetch::Fetch;
use super::retry::{AttemptLog, RetryLoop};
use super::wait::CLOCK_GRANULARITY;
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::model::session::Session;
use crate::model::store_url::StoredAt;
use crate::model::timestamp::{Timestamp, millis};
use crate::model::validity::Validity;
use crate::ports::transport::HttpResponse;
use crate::reply;
use crate::store::{self, Entered, Judgement, Outcome, Reading, StoreCall, StoreRequest, Waiting};

/// What the store had for a caller.
enum Shared {
    Session(Arc<Session>),
    /// B2 refused the key, that long ago.
    Refusal(Error, Duration),
}

/// A response from the store or from the wire.
type Reply = Option<(u16, Zeroizing<Vec<u8>>)>;

impl Call<'_> {
    /// The store that this call uses, if it uses one. It is not touched yet.
    pub(super) fn open_store<'s>(
        &'s self,
        refresh_only: bool,
        attempts_made: u32,
        log: &'s dyn Fn(Level, fmt::Arguments<'_>),
    ) -> Result<Option<StoreCall<'s>>, Error> {
        let Some(credentials) = self.identity.credentials() else { return Ok(None) };
        store::open(StoreRequest {
            application_key: credentials.key(),
            key_id: self.identity.key_id(),
            realm: self.identity.realm().as_str(),
            host: self.identity.realm().host(),
            options: self.options,
            env: self.runtime.env,
            shared: self.runtime.shared,
            limits: self.limits,
            refresh_only,
            attempts_made,
            log,
        })
    }

    /// Writes a verdict into the store. A token that was refused meanwhile, by the thread that got it first in this process,
    /// must not stay there.
    pub(super) fn settle(&self, mut store: StoreCall<'_>, outcome: &Outcome, fetch: &Fetch) {
        let rejected = || match fetch {
            Fetch::Granted(session) => Some(session).filter(|session| session.is_rejected()),
            _ => None,
        };
        if rejected().is_none() {
            store.settle(outcome);
            if let Some(session) = rejected() {
                self.revoke(session);
            }
        }
    }

    /// Takes a refused token out of the store, so that no process gets it from there again.
    pub(super) fn revoke(&self, rejected: &Session) {
        if let Some(stored_at) = rejected.stored_at()
            && let Some(trouble) = store::revoke(stored_at, self.runtime.shared, &self.limits)
        {
            let url = &stored_at.url;
            self.log(Level::Warn, format_args!("a refused token may still be in the token store ({url}): {trouble}"));
        }
    }
}

impl RetryLoop<'_> {
    /// Finds out from the store whether to ask B2. Returns how the call ends, if it does.
    pub(super) fn go_through_store(&mut self, log: &mut AttemptLog, made: &mut u32) -> Option<Fetch> {
        let mut store = self.store.take()?;
        let before = store.foreign_fails();
        let place = store.place();
        let entered = store.enter(&mut |reading| self.judge(reading, &place));
        let foreign = store.foreign_fails() - before;
        self.store = Some(store);
        *made += foreign;
        log.made += foreign;
        match entered {
            Entered::Ask => None,
            Entered::Take(Shared::Session(session)) => {
                self.call.runtime.shared.lock().counters.store_hits += 1;
                Some(Fetch::Granted(session))
            }
            Entered::Take(Shared::Refusal(error, age)) => {
                self.call.runtime.shared.lock().counters.negative_hits += 1;
                Some(Fetch::Remembered(error, age))
            }
            Entered::Exhausted(waiting) => Some(self.transport_failed(self.others_failed(&waiting), log.take(), false)),
            Entered::TooLong(waiting) => {
                let error = log.error().unwrap_or_else(|| self.rate_limited(waiting.left, waiting.http.is_some()));
                Some(self.caller_stopped(error.with_retry_after(waiting.left), log.take()))
            }
            Entered::LeaveToOthers => Some(Fetch::LeftToOthers(self.progress(log.take(), None, false))),
            Entered::Unusable(what) => Some(self.caller_stopped(unusable(&what), log.take())),
            Entered::Stopped(stop) => Some(self.caller_stopped(self.stop_error(stop, log), log.take())),
        }
    }

    /// Whether a record will do for this call, by the code that judges a response from the wire.
    fn judge(&self, reading: &Reading, place: &StoredAt) -> Judgement<Shared> {
        let now = self.call.runtime.env.clock.now();
        let age = Duration::from_millis(reading.age_ms);
        // The store's clock may be finer than ours.
        let is_new = age.saturating_add(CLOCK_GRANULARITY) < now.since(self.call.started);
        match reading.record.http {
            0 => Judgement::PassOver,
            200 if matches!(self.requirement, Requirement::Fresh) && !is_new => Judgement::PassOver,
            200 => self.restored(reading, place, now),
            status => {
                let ttl = match self.requirement {
                    Requirement::Any => self.call.options.negative_ttl,
                    Requirement::Fresh | Requirement::NewerThan(_) => Duration::ZERO,
                };
                if !is_new && age >= ttl {
                    return Judgement::PassOver;
                }
                let response = HttpResponse {
                    status,
                    body: reading.record.body.clone(),
                    body_failure: None,
                    date: None,
                    retry_after: None,
                    request_id: None,
                    location: None,
                };
                match classify::response(&response, &self.call.identity, &self.redactor, now) {
                    Verdict::Rejected(error) => {
                        self.call.log(Level::Debug, format_args!("the token store has a refusal of this key"));
                        let error = if error.status().is_about_the_key() { self.with_source(error) } else { error };
                        Judgement::Take(Shared::Refusal(error.into_negative_hit(age), age))
                    }
                    _ => Judgement::PassOver,
                }
            }
        }
    }

    /// The session in a record, if this call may have it.
    fn restored(&self, reading: &Reading, place: &StoredAt, now: Timestamp) -> Judgement<Shared> {
        let (call, identity) = (self.call, &self.call.identity);
        let span = Duration::from_millis(reading.record.life_ms);
        let validity = Validity::restored(now, span, Duration::from_millis(reading.left_ms));
        if !validity.has_remaining(call.options.min_remaining, now) {
            return Judgement::PassOver;
        }
        let Ok(grant) = reply::parse(&reading.record.body, identity.realm()) else { return Judgement::PassOver };
        let cache_key = identity.cache_key();
        if call.runtime.shared.lock().refused_tokens.contains(&cache_key, &grant.token) {
            return Judgement::Refused;
        }
        let session = Session::new(identity.key_id(), identity.realm(), cache_key, grant, validity);
        let session = session.with_stored_at(Some(StoredAt { tag: reading.record.tag, ..place.clone() }));
        let is_no_better = |stale: &Session| {
            stale.is_same_grant(&session) || stale.validity().remaining_ms(now) >= session.validity().remaining_ms(now)
        };
        if self.is_another_account(&session) || self.stale.is_some_and(is_no_better) {
            return Judgement::PassOver;
        }
        let seconds = reading.age_ms / 1_000;
        call.log(Level::Debug, format_args!("the token store has a session for this key, {seconds} s old"));
        Judgement::Take(Shared::Session(Arc::new(session)))
    }

    /// What to write for a grant.
    pub(super) fn granted(&self, session: &Session, reply: Reply) -> Option<Outcome> {
        let (_, body) = reply?;
        let now = self.call.runtime.env.clock.now();
        Some(Outcome::Grant {
            tag: session.stored_at()?.tag,
            life_ms: millis(session.validity().span),
            left_ms: session.validity().remaining_ms(now),
            body,
        })
    }

    /// What to write for a refusal.
    pub(super) fn rejected(&self, error: &Error, reply: Reply) -> Option<Outcome> {
        let (http, body) = reply?;
        Some(match error.status() {
            status if status.is_about_the_key() => Outcome::Refusal { http, body },
            Status::CapExceeded => Outcome::RefusalWithoutGrant { http, body },
            // A response that only this process may have got.
            _ => Outcome::Sent,
        })
    }

    /// B2 or the way to it is in trouble, and others wait as well.
    pub(super) fn settle_failure(&mut self, http: Option<u16>, wait: Duration, is_sent: bool) {
        if let Some(store) = self.store.as_mut().filter(|store| store.holds_slot()) {
            match is_sent {
                true => store.settle(&Outcome::Failure { http: http.unwrap_or(0), pause_ms: millis(wait) }),
                false => store.was_not_sent(),
            }
        }
    }

    /// The attempt ended in a way that says nothing to others.
    pub(super) fn settle_without_verdict(&mut self, is_sent: bool) {
        if let Some(store) = self.store.as_mut().filter(|store| store.holds_slot()) {
            match is_sent {
                true => store.settle(&Outcome::Sent),
                false => store.was_not_sent(),
            }
        }
    }

    fn others_failed(&self, waiting: &Waiting) -> Error {
        let host = self.call.identity.realm().host();
        let (status, why) = match waiting.http.unwrap_or(0) {
            0 => (Status::Timeout, String::new()),
            429 => (Status::RateLimited, " (HTTP 429)".to_owned()),
            http => (Status::ServiceUnavailable, format!(" (HTTP {http})")),
        };
        let message = format!("no session from {host}: other processes that share the token store asked in vain{why}");
        let error = Error::new(status, message).with_hint("call again later");
        let error = match waiting.http {
            Some(http) if http > 0 => error.with_http(http, None),
            _ => error,
        };
        if waiting.left.is_zero() { error } else { error.with_retry_after(waiting.left) }
    }
}

fn unusable(what: &str) -> Error {
    Error::new(Status::StoreError, format!("the token store cannot be used: {what}"))
        .with_hint("mend the store, or set store_required to 0: then B2 is asked without it")
}
