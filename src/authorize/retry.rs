//! The attempts of one call: permit, request, verdict, wait, and again, until a verdict, the last attempt, the deadline or
//! a cancel.

use std::time::Duration;

use zeroize::Zeroizing;

use super::attempt::Attempted;
use super::call::Call;
use super::classify::Verdict;
use super::decision::Requirement;
use super::fetch::Fetch;
use super::stopped;
use super::wait::{CLOCK_GRANULARITY, NoRetry, Permit};
use crate::credentials::Credentials;
use crate::diag::error::{Attempt, Error};
use crate::diag::redact::Redactor;
use crate::model::session::Session;
use crate::ports::limits::Stop;
use crate::state::progress::{AttemptPolicy, Progress};
use crate::store::{Outcome, StoreCall};

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
    pub(super) has_waited: bool,
    /// What to write into the store once the result is shared in this process.
    verdict: Option<Outcome>,
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

    /// What the last failure asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.error.as_ref().and_then(Error::retry_after)
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
                Err(reason) => return self.no_retry(reason, log),
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
                Err(reason) => return self.no_retry(reason, log),
            }
        }
    }

    fn no_retry(&self, reason: NoRetry, log: AttemptLog) -> Fetch {
        match (reason, log.error.clone()) {
            (NoRetry::WaitTooLong(wait), Some(error)) => {
                let asked = error.retry_after().unwrap_or(wait);
                self.transport_failed(error.with_retry_after(asked), log, false)
            }
            (NoRetry::WaitTooLong(_), None) => self.caller_stopped(stopped::timed_out(self.call.identity.realm()), log),
            (NoRetry::Limit(stop), _) => self.caller_stopped(self.stop_error(stop, &log), log),
        }
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
