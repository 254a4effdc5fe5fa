//! The flow of one call, once it is known whose session is wanted.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Runtime;
use super::decision::{Decision, Requirement};
use super::fetch::Fetch;
use super::retry::{RetryLoop, Wanted};
use super::stopped;
use crate::credentials::Identity;
use crate::diag::error::{Error, Status};
use crate::diag::log::Level;
use crate::model::cache_key::{CacheKey, RateKey};
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::options::{CacheMode, Options};
use crate::ports::limits::{Limits, Stop};
use crate::state::State;
use crate::state::progress::{AttemptPolicy, Progress};
use crate::state::single_flight::{Completion, Leader, Wait};
use crate::store::{Outcome, StoreCall};

/// The most that a refresh may cost a caller who has a good token in hand.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the caller calls.
#[derive(Clone, Copy)]
pub(crate) enum Intent<'a> {
    /// To have a session; the options say whether a cached one will do.
    Authorize,
    /// To have a new one from B2.
    ForceRefresh,
    /// B2 refused this one.
    Reauthorize(&'a Session),
}

/// How leading a flight ended.
enum Led {
    Session(Arc<Session>),
    /// The situation has changed: decide again.
    Again,
    /// The source of the key holds another one by now.
    OtherKey(Identity),
}

/// One call, once it is known whose session is wanted.
pub(super) struct Call<'a> {
    pub(super) runtime: Runtime<'a>,
    pub(super) options: &'a Options,
    pub(super) identity: Identity,
    pub(super) limits: Limits<'a>,
    /// When this began: a record written since is as good as a response.
    pub(super) started: Timestamp,
    /// Requests made so far. A call whose token is refused while it refreshes may lead more than once.
    pub(super) requests_sent: Cell<u32>,
}

impl<'a> Call<'a> {
    pub(super) fn new(runtime: Runtime<'a>, options: &'a Options, identity: Identity, limits: Limits<'a>) -> Self {
        let started = runtime.env.clock.now();
        Self { runtime, options, identity, limits, started, requests_sent: Cell::new(0) }
    }

    pub(super) fn run(mut self, intent: Intent<'_>) -> Result<Arc<Session>, Error> {
        let result = match self.run_loop(intent) {
            // A triggered cancel always wins. What was granted stays in the cache.
            Ok(_) if self.limits.stop() == Some(Stop::Cancelled) => Err(stopped::cancelled()),
            result => result,
        };
        result.map_err(|error| {
            let error = error.with_request_count(self.requests_sent.get()).with_key_id(self.identity.shown_key_id());
            error.with_whole_time()
        })
    }

    fn run_loop(&mut self, intent: Intent<'_>) -> Result<Arc<Session>, Error> {
        if self.options.cache == CacheMode::Bypass && self.identity.credentials().is_none() {
            self.identity = self.identity.load(self.options, &self.limits)?;
        }
        self.log_source();
        let mut is_first = true;
        loop {
            let rejected = match intent {
                Intent::Reauthorize(session) if session.cache_key() == self.identity.cache_key() => Some(session),
                _ => None,
            };
            if is_first && let Some(session) = rejected {
                self.reject(session);
            }
            let requirement = match (self.options.cache, intent, rejected) {
                (CacheMode::Bypass, ..) => return self.bypass(rejected),
                (CacheMode::Refresh, ..) | (_, Intent::ForceRefresh, _) => Requirement::Fresh,
                (CacheMode::Use, _, Some(session)) => Requirement::NewerThan(session),
                (CacheMode::Use, _, None) => Requirement::Any,
            };
            let decision = self.decide(requirement, std::mem::take(&mut is_first));
            self.log_decision(&decision, requirement);
            let led = match decision {
                Decision::Hit(session) => Led::Session(session),
                Decision::NegativeHit(error) => return Err(error),
                Decision::Lead { leader, stale } => self.lead(Some(leader), stale, rejected, requirement)?,
                Decision::Alone { stale } => self.lead(None, stale, rejected, requirement)?,
                Decision::Follow(follower) => {
                    match follower.wait(&self.policy(), self.options.max_attempts, &self.limits) {
                        Wait::Done(result) => Led::Session(result?),
                        Wait::Promoted(leader) => {
                            self.log(
                                Level::Info,
                                format_args!("the call that was asking B2 has left: this one continues"),
                            );
                            self.lead(Some(leader), None, rejected, requirement)?
                        }
                        Wait::Stopped(Stop::Cancelled) => return Err(stopped::cancelled()),
                        Wait::Stopped(Stop::Deadline) => return Err(stopped::timed_out(self.identity.realm())),
                    }
                }
            };
            match led {
                // Another call may have used the token and been refused before this thread woke.
                Led::Session(session) if session.is_rejected() => {}
                Led::Session(session) => return Ok(session),
                Led::Again => {}
                Led::OtherKey(identity) => {
                    self.identity = identity;
                    self.log_source();
                    is_first = true;
                }
            }
        }
    }

    pub(super) fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        super::log_for_key(self.options, self.identity.shown_key_id(), level, &self.limits, message);
    }

    fn log_source(&self) {
        if let Some(credentials) = self.identity.credentials() {
            self.log(Level::Debug, format_args!("the application key comes from {}", credentials.source()));
        }
    }

    /// B2 refused this session's token: no caller gets it again.
    fn reject(&self, rejected: &Session) {
        rejected.mark_rejected();
        let was_cached = {
            let mut state = self.runtime.shared.lock();
            state.refused_tokens.add(rejected.cache_key(), rejected.authorization_token());
            state.cache.remove_if_same(rejected)
        };
        if was_cached {
            self.log(Level::Info, format_args!("B2 refused the cached token: it is dropped"));
        }
        if self.options.cache != CacheMode::Bypass {
            self.revoke(rejected);
        }
    }

    /// Asks B2 for all who wait; without a `leader`, for this call alone.
    fn lead(
        &mut self,
        mut leader: Option<Leader<'_>>,
        stale: Option<Arc<Session>>,
        rejected: Option<&Session>,
        requirement: Requirement<'_>,
    ) -> Result<Led, Error> {
        let progress = leader.as_mut().map(Leader::take_progress).unwrap_or_default();
        let loaded = self.load_key(stale.is_some());
        let this = &*self;
        let log = |level: Level, message: fmt::Arguments<'_>| this.log(level, message);
        let mut to_settle = None;
        let fetch = match loaded {
            Ok(None) => {
                let wanted = Wanted { requirement, stale: stale.as_deref(), rejected };
                // A caller that must not wait for the request in flight must not wait for its slot either.
                let store = leader
                    .as_ref()
                    .map(|_| this.open_store(stale.is_some(), progress.attempts_made(&this.policy()), &log));
                match store.transpose() {
                    Ok(store) => {
                        let (fetch, settlement) = this.fetch(wanted, progress, store.flatten());
                        to_settle = settlement;
                        fetch
                    }
                    Err(error) => Fetch::CallerStopped(error, progress),
                }
            }
            Ok(Some(other)) => {
                if let Some(leader) = leader {
                    leader.complete(Completion::Abandon(progress), |_, _| {});
                }
                return Ok(Led::OtherKey(other));
            }
            Err(error) => Fetch::CallerStopped(error, progress),
        };
        let jitter = self.runtime.env.rng.uniform();
        let now = self.runtime.env.clock.now();
        let mut may_settle = true;
        match leader {
            Some(leader) => leader.complete(fetch.completion(), |state, may_cache| {
                may_settle = may_cache;
                this.apply(state, may_cache, &fetch, jitter, now);
            }),
            None => this.apply(&mut this.runtime.shared.lock(), true, &fetch, jitter, now),
        }
        // Nobody in this process has to wait for the store. What was cleared meanwhile is not written, and the slot given back.
        if let Some((store, outcome)) = to_settle.filter(|_| may_settle) {
            this.settle(store, &outcome, &fetch);
        }
        let (error, is_verdict) = match fetch {
            Fetch::Granted(session) => return Ok(Led::Session(session)),
            Fetch::Rejected(error) | Fetch::Remembered(error, _) => (error, true),
            Fetch::LeftToOthers(_) => {
                // Nothing failed, so nothing is said.
                let stale = stale.filter(|stale| !stale.is_rejected() && !stale.validity().is_expired(now));
                return Ok(stale.map_or(Led::Again, Led::Session));
            }
            Fetch::TransportFailed(error, _) | Fetch::CallerStopped(error, _) => (error, false),
        };
        let is_final = (is_verdict && error.status().is_about_the_key()) || error.status() == Status::Cancelled;
        let Some(stale) = stale.filter(|_| !is_final) else { return Err(error) };
        if stale.is_rejected() || stale.validity().is_expired(now) {
            return Ok(Led::Again);
        }
        self.runtime.shared.lock().counters.stale_served += 1;
        self.log(Level::Warn, format_args!("the stale token is used, since its refresh failed: {error}"));
        Ok(Led::Session(stale))
    }

    /// Writes a result into the shared state.
    fn apply(&self, state: &mut State, may_cache: bool, fetch: &Fetch, jitter: f64, now: Timestamp) {
        let cache_key = self.identity.cache_key();
        match fetch {
            Fetch::Granted(session) => {
                if may_cache && !session.validity().is_expired(now) {
                    state.cache.insert(session, jitter);
                    state.rate_limiter.reserve_for(self.rate_key(), cache_key, now);
                }
            }
            Fetch::LeftToOthers(_) => state.cache.pause_refresh(&cache_key, now),
            Fetch::Rejected(error) | Fetch::Remembered(error, _) => {
                // A refusal is as old as it is: being read renews nothing.
                let now = match fetch {
                    Fetch::Remembered(_, age) => now.before(*age),
                    _ => now,
                };
                let status = error.status();
                state.cache.defer_refresh(&cache_key, error.retry_after(), now);
                if status.is_about_the_key() {
                    state.cache.remove(&cache_key);
                }
                if may_cache && (status.is_about_the_key() || status == Status::CapExceeded) {
                    state.cache.insert_negative(cache_key, error.clone(), now);
                }
            }
            // A cancelled refresh has not failed: the next caller may try.
            Fetch::CallerStopped(error, _) if error.status() == Status::Cancelled => {}
            Fetch::TransportFailed(error, _) | Fetch::CallerStopped(error, _) => {
                state.cache.defer_refresh(&cache_key, error.retry_after(), now);
            }
        }
    }

    /// Asks B2 for this caller alone, without the cache.
    fn bypass(&self, rejected: Option<&Session>) -> Result<Arc<Session>, Error> {
        self.runtime.shared.lock().counters.cache_misses += 1;
        self.log(Level::Info, format_args!("the cache is bypassed: asking {}", self.identity.realm().host()));
        let wanted = Wanted { requirement: Requirement::Fresh, stale: None, rejected };
        match self.fetch(wanted, Progress::default(), None).0 {
            Fetch::Granted(session) => Ok(session),
            Fetch::Rejected(error)
            | Fetch::Remembered(error, _)
            | Fetch::TransportFailed(error, _)
            | Fetch::CallerStopped(error, _) => Err(error),
            Fetch::LeftToOthers(_) => Err(Error::internal("a call without a token left it to others to ask")),
        }
    }

    /// Reads the key from its source, if that was put off so far. Returns the other identity that the source has by now.
    fn load_key(&mut self, refresh_only: bool) -> Result<Option<Identity>, Error> {
        if self.identity.credentials().is_some() {
            return Ok(None);
        }
        let limits = if refresh_only { self.limits.with_timeout(REFRESH_TIMEOUT) } else { self.limits };
        let loaded = self.identity.load(self.options, &limits)?;
        if loaded.cache_key() != self.identity.cache_key() {
            return Ok(Some(loaded));
        }
        self.identity = loaded;
        self.log_source();
        Ok(None)
    }

    /// The attempts of this call, and what to write into the store when their result is shared in this process.
    fn fetch<'s>(
        &'s self,
        wanted: Wanted<'s>,
        progress: Progress,
        store: Option<StoreCall<'s>>,
    ) -> (Fetch, Option<(StoreCall<'s>, Outcome)>) {
        let cached = self.runtime.shared.lock().cache.peek(&self.identity.cache_key()).cloned();
        let mut policy = self.policy();
        if wanted.stale.is_some() {
            policy.attempt_timeout = policy.attempt_timeout.min(REFRESH_TIMEOUT);
        }
        let known = cached.as_deref().or(wanted.rejected);
        RetryLoop::new(self, policy, wanted, known, store).run(progress)
    }

    pub(super) fn cache_key(&self) -> CacheKey {
        self.identity.cache_key()
    }

    pub(super) fn rate_key(&self) -> RateKey {
        RateKey::new(self.identity.realm(), self.identity.key_id().as_bytes())
    }

    fn policy(&self) -> AttemptPolicy {
        AttemptPolicy {
            proxy: self.options.proxy.clone(),
            connect_timeout: self.options.connect_timeout,
            attempt_timeout: self.options.attempt_timeout,
        }
    }
}
