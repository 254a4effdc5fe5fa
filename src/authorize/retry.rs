//! The attempts of one call: permit, request, verdict, wait, and again, until a verdict, the last attempt, the deadline or
//! a cancel.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::attempt::Attempted;
use super::call::Call;
use super::classify::Verdict;
use super::decision::Requirement;
use super::stopped;
use crate::credentials::Credentials;
use crate::diag::error::{Attempt, Error, Status};
use crate::diag::log::Level;
use crate::diag::redact::Redactor;
use crate::model::session::Session;
use crate::model::timestamp::millis;
use crate::ports::limits::Stop;
use crate::state::progress::{AttemptPolicy, Progress};
use crate::state::rate_limit::PermitRequest;
use crate::state::single_flight::Completion;
use crate::store::{Outcome, StoreCall};

/// The cheap clock that waits are measured with may lag by one kernel tick, 10 ms at most. Added to what B2 asks for, so
/// that no request is early by B2's own clock.
pub(super) const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// How a series of attempts ended.
pub(super) enum Fetch {
    /// B2 granted a session.
    Granted(Arc<Session>),
    /// B2's verdict against it: shared with every follower.
    Rejected(Error),
    /// The request did not get through. Shared with followers who could do no better.
    TransportFailed(Error, Progress),
    /// The caller's own deadline, cancel or limit ended it: not shared.
    CallerStopped(Error, Progress),
    /// The shared store remembers that B2 refused, that long ago.
    Remembered(Error, Duration),
    /// A good token is in hand, and another process is asking, or nobody may: not shared.
    LeftToOthers(Progress),
}

impl Fetch {
    /// The same with more advice, if it is a failure of B2 or of the way there.
    fn with_hint(self, hint: &str) -> Self {
        let more = |error: Error| match error.status() {
            Status::Cancelled | Status::StoreError => error,
            _ => error.append_hint(Some(hint.to_owned())),
        };
        match self {
            Self::TransportFailed(error, progress) => Self::TransportFailed(more(error), progress),
            Self::CallerStopped(error, progress) => Self::CallerStopped(more(error), progress),
            other => other,
        }
    }

    /// What it means for the followers of a flight.
    pub(super) fn completion(&self) -> Completion {
        match self {
            Self::Granted(session) => Completion::Result(Ok(Arc::clone(session))),
            Self::Rejected(error) | Self::Remembered(error, _) => Completion::Result(Err(error.clone())),
            Self::TransportFailed(_, progress) | Self::CallerStopped(_, progress) | Self::LeftToOthers(progress) => {
                Completion::Abandon(progress.clone())
            }
        }
    }
}

/// A series of attempts for one caller.
pub(super) struct RetryLoop<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) credentials: &'a Credentials,
    pub(super) authorization: Zeroizing<String>,
    pub(super) user_agent: String,
    pub(super) redactor: Redactor,
    /// The account that the key is known to belong to, which cannot change.
    pub(super) account_id: Option<String>,
    pub(super) policy: AttemptPolicy,
    /// A good token that is in hand: then there is one attempt, which waits for nothing.
    pub(super) stale: Option<&'a Session>,
    pub(super) requirement: Requirement<'a>,
    pub(super) store: Option<StoreCall<'a>>,
    /// Since the last attempt, for a permit.
    has_waited: bool,
    /// What to write into the store once the result is shared in this process.
    verdict: Option<Outcome>,
}

/// Whether a request may be sent now.
enum Permit {
    Acquired,
    /// Not yet when it was asked; that long was waited.
    Waited(Duration),
    Refused(Error),
}

/// What a leader is to get.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) requirement: Requirement<'a>,
    /// A good token that is due for a refresh: then there is one attempt, which waits for nothing.
    pub(super) stale: Option<&'a Session>,
    /// A token that B2 refused.
    pub(super) rejected: Option<&'a Session>,
}

/// Why there is no next attempt.
enum Stopped {
    /// The wait before it cannot end in time.
    WaitTooLong(Duration),
    Limit(Stop),
}

/// What has been tried so far.
pub(super) struct AttemptLog {
    pub(super) attempts: Vec<Attempt>,
    /// How many of them count against a follower with the same policy.
    pub(super) made: u32,
    error: Option<Error>,
}

impl AttemptLog {
    pub(super) fn error(&self) -> Option<Error> {
        self.error.clone()
    }

    pub(super) fn take(&mut self) -> Self {
        Self { attempts: std::mem::take(&mut self.attempts), made: self.made, error: self.error.take() }
    }

    fn attach(&self, error: Error) -> Error {
        error.with_attempts(self.attempts.clone())
    }
}

impl<'a> RetryLoop<'a> {
    /// `known` is a session of the same key, and `rejected` one whose token B2 refused.
    pub(super) fn new(
        call: &'a Call<'a>,
        policy: AttemptPolicy,
        wanted: Wanted<'a>,
        known: Option<&Session>,
        store: Option<StoreCall<'a>>,
    ) -> Self {
        let Wanted { stale, rejected, requirement } = wanted;
        let credentials = call.identity.credentials().expect("the leader has loaded the key");
        let authorization = credentials.basic();
        let redactor = Redactor::new(call.identity.key_id(), credentials.key(), &authorization);
        let tokens = known.into_iter().chain(rejected).map(Session::authorization_token);
        Self {
            call,
            credentials,
            redactor: tokens.fold(redactor, Redactor::with_token),
            authorization,
            user_agent: call.options.user_agent_header(),
            account_id: known.map(|session| session.account_id().to_owned()),
            policy,
            stale,
            requirement,
            store,
            has_waited: false,
            verdict: None,
        }
    }

    /// Continues where `progress` stopped. Returns what to write into a store, too.
    pub(super) fn run(mut self, progress: Progress) -> (Fetch, Option<(StoreCall<'a>, Outcome)>) {
        let fetch = self.run_attempts(progress);
        let fetch = match self.store.as_ref().and_then(StoreCall::trouble) {
            Some(trouble) => fetch.with_hint(&format!("the token store cannot be used either: {trouble}")),
            None => fetch,
        };
        (fetch, self.store.zip(self.verdict))
    }

    pub(super) fn is_refresh_only(&self) -> bool {
        self.stale.is_some()
    }

    fn run_attempts(&mut self, progress: Progress) -> Fetch {
        let max_attempts = if self.is_refresh_only() { 1 } else { self.call.options.max_attempts };
        let counted = progress.attempts_made(&self.policy);
        let mut made = if self.is_refresh_only() { 0 } else { counted };
        let mut log = AttemptLog { made: counted, attempts: progress.attempts, error: progress.error };
        let mut waited = Duration::ZERO;
        let mut may_reuse_connection = true;
        if made > 0 {
            match self.wait_before_retry(&log, made, self.next_wait(&log, made)) {
                Ok(wait) => waited = wait,
                Err(stopped) => return self.stopped(stopped, log),
            }
        }
        loop {
            loop {
                if let Some(ended) = self.go_through_store(&mut log, &mut made) {
                    return ended;
                }
                match self.acquire_permit(&log) {
                    Permit::Acquired => break,
                    Permit::Waited(wait) => waited += wait,
                    Permit::Refused(error) => return self.caller_stopped(error, log),
                }
            }
            self.has_waited = false;
            let is_retry = made > 0 || !may_reuse_connection;
            let Attempted { verdict, reply, is_sent } = self.attempt(&mut log, waited, is_retry, may_reuse_connection);
            may_reuse_connection = true;
            made += 1;
            let error = match verdict {
                Verdict::Granted(session) => {
                    self.verdict = self.granted(&session, reply);
                    return Fetch::Granted(session);
                }
                Verdict::Rejected(error) => {
                    self.verdict = self.rejected(&error, reply);
                    return Fetch::Rejected(log.attach(error));
                }
                Verdict::Failed(error) => {
                    self.settle_without_verdict(is_sent);
                    return self.transport_failed(error, log, true);
                }
                Verdict::Cancelled => {
                    self.settle_without_verdict(is_sent);
                    return self.aborted_attempt(stopped::cancelled(), log);
                }
                // It was billed, perhaps, and counts as a request; but the server has not had its attempt yet.
                Verdict::Repeat(error) => {
                    log.error = Some(error);
                    log.made = log.made.saturating_sub(1);
                    made -= 1;
                    waited = Duration::ZERO;
                    may_reuse_connection = false;
                    continue;
                }
                Verdict::Retry { error, retry_after, blocks_everyone } => {
                    if let Some(wait) = retry_after.filter(|_| blocks_everyone) {
                        self.block(wait.saturating_add(CLOCK_GRANULARITY));
                    }
                    error
                }
            };
            if self.call.limits.remaining() == Some(Duration::ZERO) {
                // With more time than this caller has, it might have succeeded.
                self.settle_without_verdict(is_sent);
                return self.aborted_attempt(error, log);
            }
            log.error = Some(error.clone());
            let wait = self.next_wait(&log, made);
            self.settle_failure(error.http_status(), wait, is_sent);
            if made >= max_attempts {
                return self.transport_failed(error, log, false);
            }
            match self.wait_before_retry(&log, made, wait) {
                Ok(wait) => waited = wait,
                Err(stopped) => return self.stopped(stopped, log),
            }
        }
    }

    fn block(&self, wait: Duration) {
        let now = self.call.runtime.env.clock.now();
        self.call.runtime.shared.lock().rate_limiter.block(self.call.rate_key(), wait, now);
        let ms = millis(wait);
        self.call.log(Level::Warn, format_args!("B2 asks every caller for this key to wait {ms} ms"));
    }

    /// The wait before the next attempt: as long as the last response asked, else a random time.
    fn next_wait(&self, log: &AttemptLog, made: u32) -> Duration {
        let asked = log.error.as_ref().and_then(Error::retry_after);
        asked.map_or_else(|| self.jitter(made), |wait| wait.saturating_add(CLOCK_GRANULARITY))
    }

    /// Waits before the next attempt. A wait that cannot end before the deadline is not begun.
    fn wait_before_retry(&self, log: &AttemptLog, made: u32, wait: Duration) -> Result<Duration, Stopped> {
        if self.call.limits.remaining().is_some_and(|left| left <= wait) {
            return Err(Stopped::WaitTooLong(wait));
        }
        let (ms, next, max) = (millis(wait), made + 1, self.call.options.max_attempts);
        let why = if log.error.as_ref().and_then(Error::retry_after).is_some() {
            "as Retry-After asks"
        } else {
            "with jitter"
        };
        self.call.log(Level::Warn, format_args!("waiting {ms} ms, {why}, before attempt {next} of {max}"));
        self.call.limits.sleep(wait).map_err(Stopped::Limit)?;
        Ok(wait)
    }

    fn stopped(&self, stopped: Stopped, log: AttemptLog) -> Fetch {
        match (stopped, log.error.clone()) {
            (Stopped::WaitTooLong(wait), Some(error)) => {
                let asked = error.retry_after().unwrap_or(wait);
                self.transport_failed(error.with_retry_after(asked), log, false)
            }
            (Stopped::WaitTooLong(_), None) => self.caller_stopped(stopped::timed_out(self.call.identity.realm()), log),
            (Stopped::Limit(stop), _) => self.caller_stopped(self.stop_error(stop, &log), log),
        }
    }

    /// Takes a permit, or waits for B2's `Retry-After` and for the local rate limit. Who has to wait holds no slot meanwhile,
    /// and looks into the store again.
    fn acquire_permit(&mut self, log: &AttemptLog) -> Permit {
        let call = self.call;
        let request = PermitRequest {
            rate_key: call.rate_key(),
            cache_key: call.cache_key(),
            per_minute: call.options.rate_limit_per_minute,
        };
        let now = call.runtime.env.clock.now();
        let (wait, is_blocked) = {
            let mut guard = call.runtime.shared.lock();
            let state = &mut *guard;
            let is_live = |short| state.cache.is_live(short, now);
            let Err(wait) = state.rate_limiter.try_acquire(&request, is_live, now) else { return Permit::Acquired };
            (wait, state.rate_limiter.is_blocked(request.rate_key, now))
        };
        if let Some(store) = self.store.as_mut().filter(|store| store.holds_slot()) {
            store.do_not_ask();
        }
        if !self.is_refresh_only() && !std::mem::replace(&mut self.has_waited, true) {
            call.runtime.shared.lock().counters.rate_waits += 1;
        }
        if self.is_refresh_only() || call.limits.remaining().is_some_and(|left| left <= wait) {
            let error = log.error.clone().unwrap_or_else(|| self.rate_limited(wait, is_blocked));
            return Permit::Refused(error.with_retry_after(wait));
        }
        let ms = millis(wait);
        let why = if is_blocked { "B2 asked every caller for this key to wait" } else { "rate limit reached" };
        call.log(Level::Warn, format_args!("waiting {ms} ms before the request: {why}"));
        match call.limits.sleep(wait) {
            Ok(()) => Permit::Waited(wait),
            Err(stop) => Permit::Refused(self.stop_error(stop, log)),
        }
    }

    pub(super) fn rate_limited(&self, wait: Duration, is_blocked: bool) -> Error {
        let (host, ms) = (self.call.identity.realm().host(), millis(wait));
        let limit = self.call.options.rate_limit_per_minute;
        let (why, cure) = if is_blocked {
            ("it asked every caller for this key to wait".to_owned(), "")
        } else {
            let why = format!("the local limit of {limit} authorize requests a minute for this key is reached");
            (why, ", or keep one session instead of asking for many")
        };
        let message = format!("no request was sent to {host}: {why}, and the next may be sent in {ms} ms");
        Error::new(Status::RateLimited, message)
            .with_hint(format!("wait that long, or allow more time (total_timeout_ms){cure}"))
    }

    fn jitter(&self, failed: u32) -> Duration {
        let options = self.call.options;
        full_jitter(options.initial_backoff, options.max_backoff, failed, self.call.runtime.env.rng.uniform())
    }

    /// A deadline that passes while waiting to try again says less than the failure that caused the wait.
    pub(super) fn stop_error(&self, stop: Stop, log: &AttemptLog) -> Error {
        match stop {
            Stop::Cancelled => stopped::cancelled(),
            Stop::Deadline => log.error.clone().unwrap_or_else(|| stopped::timed_out(self.call.identity.realm())),
        }
    }

    pub(super) fn transport_failed(&self, error: Error, log: AttemptLog, permanent: bool) -> Fetch {
        let error = log.attach(error);
        Fetch::TransportFailed(error.clone(), self.progress(log, Some(error), permanent))
    }

    /// The last attempt was ended by this caller's own limits: it says nothing to followers that have others.
    fn aborted_attempt(&self, error: Error, mut log: AttemptLog) -> Fetch {
        log.made = log.made.saturating_sub(1);
        self.caller_stopped(error, log)
    }

    pub(super) fn caller_stopped(&self, error: Error, log: AttemptLog) -> Fetch {
        let error = log.attach(error);
        // What the last attempt failed with is worth sharing; what stopped this caller is not.
        let last = log.error.as_ref().map(|last| log.attach(last.clone()));
        Fetch::CallerStopped(error, self.progress(log, last, false))
    }

    pub(super) fn progress(&self, log: AttemptLog, error: Option<Error>, permanent: bool) -> Progress {
        Progress {
            attempts: log.attempts,
            attempts_made: log.made,
            policy: Some(self.policy.clone()),
            error,
            permanent,
        }
    }
}

/// The wait after that many failed attempts: `share` (0 to 1) of a bound that doubles.
fn full_jitter(initial: Duration, max: Duration, failed: u32, share: f64) -> Duration {
    initial.saturating_mul(1 << (failed - 1).min(16)).min(max).mul_f64(share)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_a_wait_doubles_up_to_the_maximum() {
        let ms = Duration::from_millis;
        for (failed, bound) in [(1, 100), (2, 200), (3, 400), (4, 500), (99, 500)] {
            assert_eq!(full_jitter(ms(100), ms(500), failed, 1.0), ms(bound));
            assert_eq!(full_jitter(ms(100), ms(500), failed, 0.25), ms(bound / 4));
            assert_eq!(full_jitter(ms(100), ms(500), failed, 0.0), ms(0));
        }
    }
}
