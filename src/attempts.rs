//! The attempts of one call: leave to ask, the request, its judgement, a wait, and again, until a verdict, the last
//! attempt, the deadline or a cancel.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::budget::Applicant;
use crate::cancel::{Bounds, Stop};
use crate::clock::millis;
use crate::credentials::Credentials;
use crate::error::{Attempt, Error, Status};
use crate::flight::{Outcome, Spent, Way};
use crate::life::Life;
use crate::options::Options;
use crate::realm::Realm;
use crate::retry_after;
use crate::secret::Secrets;
use crate::session::{Owner, Session};
use crate::state::Shared;
use crate::transport::Request;
use crate::verdict::{self, Verdict};
use crate::world::World;

/// By so much the cheap clock that waits are measured with may lag behind: a tick of the kernel's, 10 ms at most. Added to
/// what B2 asks for, so that by its own clock nobody comes back too early.
const TICK: Duration = Duration::from_millis(10);

/// A series of attempts for one caller.
pub(crate) struct Series<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) world: World<'a>,
    pub(crate) options: &'a Options,
    pub(crate) owner: Owner<'a>,
    pub(crate) credentials: &'a Credentials,
    pub(crate) authorization: Zeroizing<String>,
    pub(crate) user_agent: String,
    pub(crate) secrets: Secrets,
    /// The account that the key is known to belong to, which can't change.
    pub(crate) account_id: Option<CString>,
    pub(crate) applicant: Applicant,
    pub(crate) bounds: Bounds<'a>,
    pub(crate) way: Way,
    /// One attempt that waits for nothing: the caller has a good token in hand.
    pub(crate) quick: bool,
}

impl Series<'_> {
    /// Goes on where `spent` stopped.
    pub(crate) fn run(&self, spent: Spent) -> Outcome {
        let most = if self.quick { 1 } else { self.options.max_attempts };
        // Whoever takes over a series that its own limits would end gets one attempt all the same.
        let mut made = if self.quick { 0 } else { spent.made(&self.way).min(most - 1) };
        let mut log = Log { made: spent.made(&self.way), attempts: spent.attempts, own: 0, error: spent.error };
        let mut waited = Duration::ZERO;
        if made > 0 {
            waited = self.jitter(made);
            if let Err(stop) = self.bounds.pause(waited) {
                return self.stopped(stop, log);
            }
        }
        loop {
            match self.leave(&log) {
                Ok(held) => waited += held,
                Err(error) => return self.own(error, log),
            }
            let verdict = self.ask(&mut log, waited, made > 0);
            made += 1;
            let (error, asked) = match verdict {
                Verdict::Granted(session) => return Outcome::Granted(session),
                Verdict::Refused(error) => return Outcome::Refused(log.close(error)),
                Verdict::Failed(error) => return self.lost(error, log, true),
                Verdict::Cancelled => return self.cut_short(cancelled(), log),
                Verdict::Again { error, asked, closes_gate } => {
                    let asked = asked.map(|wait| wait.saturating_add(TICK));
                    if let Some(wait) = asked.filter(|_| closes_gate) {
                        self.shared.lock().budget.close_gate(self.applicant.lane, wait, self.world.clock.now());
                    }
                    (error, asked)
                }
            };
            if self.bounds.left() == Some(Duration::ZERO) {
                // With more time than this caller has, it might have gone well.
                return self.cut_short(error, log);
            }
            log.error = Some(error.clone());
            if made >= most {
                return self.lost(error, log, false);
            }
            waited = asked.unwrap_or_else(|| self.jitter(made));
            if self.bounds.left().is_some_and(|left| left <= waited) {
                let error = if asked.is_some() { error } else { error.with_retry_after(waited) };
                return self.lost(error, log, false);
            }
            if let Err(stop) = self.bounds.pause(waited) {
                return self.stopped(stop, log);
            }
        }
    }

    /// Sends one request and judges what comes of it.
    fn ask(&self, log: &mut Log, waited: Duration, again: bool) -> Verdict<Arc<Session>> {
        {
            let mut state = self.shared.lock();
            state.counters.requests += 1;
            state.counters.retries += u64::from(again);
        }
        let sent = self.world.clock.now();
        let answer = self.world.transport.send(&self.request(), &self.bounds.within(self.way.attempt));
        let now = self.world.clock.now();
        let mut entry = Attempt {
            started_at: sent,
            duration_ms: now.boot_ms.saturating_sub(sent.boot_ms),
            http_status: None,
            code: None,
            request_id: None,
            wait_ms: millis(waited),
        };
        log.own += 1;
        log.made = log.made.saturating_add(1);
        let verdict = match answer {
            Err(failure) => verdict::of_failure(failure, &self.secrets),
            Ok(answer) => {
                entry.http_status = Some(answer.status);
                entry.request_id = answer.request_id.as_deref().map(|id| self.secrets.mask(id));
                verdict::of_answer(&answer, self.owner.realm, &self.secrets, now).map(|grant| {
                    let server_wall_ms = retry_after::server_wall_ms(answer.date.as_deref());
                    let life = Life::new(sent, server_wall_ms, grant.key_expires_ms);
                    Arc::new(Session::new(&self.owner, grant, life))
                })
            }
        };
        if let Verdict::Refused(error) | Verdict::Again { error, .. } = &verdict {
            entry.code = error.code().map(str::to_owned);
        }
        log.attempts.push(entry);
        match verdict {
            Verdict::Granted(session) if self.is_another_account(&session) => Verdict::Refused(self.another_account()),
            Verdict::Refused(error) if error.status() == Status::BadCredentials => {
                // The answer itself may have given a hint, which comes second.
                let more = error.hint().map(str::to_owned);
                Verdict::Refused(error.with_hint(self.credentials.hint_if_refused()).with_hint_behind(more))
            }
            other => other,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            realm: self.owner.realm,
            authorization: &self.authorization,
            user_agent: &self.user_agent,
            proxy: &self.options.proxy,
            ca_file: self.options.ca_file.as_deref(),
            connect_timeout: self.options.connect_timeout,
        }
    }

    fn is_another_account(&self, session: &Session) -> bool {
        self.account_id.as_deref().is_some_and(|known| known != session.account_id())
    }

    fn another_account(&self) -> Error {
        let message = format!("{} answered for another account than before", self.owner.realm.host());
        Error::new(Status::ProtocolError, message)
            .with_hint("the account of an application key can't change: check what answers in B2's place")
    }

    /// Waits for the gate and the budget. Answers how long that took.
    fn leave(&self, log: &Log) -> Result<Duration, Error> {
        let mut held = Duration::ZERO;
        loop {
            let now = self.world.clock.now();
            let wait = {
                let mut guard = self.shared.lock();
                let state = &mut *guard;
                let Err(wait) = state.budget.take(&self.applicant, |key| state.cache.is_live(key, now), now) else {
                    return Ok(held);
                };
                state.counters.rate_waits += u64::from(held.is_zero() && !self.quick);
                wait
            };
            if self.quick || self.bounds.left().is_some_and(|left| left <= wait) {
                let error = log.error.clone().unwrap_or_else(|| self.over_the_limit(wait));
                return Err(error.with_retry_after(wait));
            }
            self.bounds.pause(wait).map_err(|stop| self.stop_error(stop, log))?;
            held += wait;
        }
    }

    fn over_the_limit(&self, wait: Duration) -> Error {
        let message = format!(
            "no request was sent to {}: it has had its share of authorize requests for this key, and the next may go out in {} ms",
            self.owner.realm.host(),
            millis(wait)
        );
        Error::new(Status::RateLimited, message)
            .with_hint("wait that long, allow more time (total_timeout_ms), or keep one session instead of asking anew")
    }

    /// The wait after that many failed attempts: anything from 0 to a bound that doubles.
    fn jitter(&self, failed: u32) -> Duration {
        let doubled = self.options.initial_backoff.saturating_mul(1 << (failed - 1).min(16));
        doubled.min(self.options.max_backoff).mul_f64(self.world.dice.roll())
    }

    fn stopped(&self, stop: Stop, log: Log) -> Outcome {
        self.own(self.stop_error(stop, &log), log)
    }

    /// A deadline that comes while waiting to try again says less than the failure that made us wait.
    fn stop_error(&self, stop: Stop, log: &Log) -> Error {
        match stop {
            Stop::Cancelled => cancelled(),
            Stop::Deadline => log.error.clone().unwrap_or_else(|| timed_out(self.owner.realm)),
        }
    }

    fn lost(&self, error: Error, log: Log, for_good: bool) -> Outcome {
        let error = log.close(error);
        Outcome::Lost(error.clone(), self.spent(log, Some(error), for_good))
    }

    /// The last attempt was ended by this caller's own bounds: it says nothing to those who have others.
    fn cut_short(&self, error: Error, mut log: Log) -> Outcome {
        log.made = log.made.saturating_sub(1);
        self.own(error, log)
    }

    fn own(&self, error: Error, log: Log) -> Outcome {
        let error = log.close(error);
        // What the last attempt failed with is worth sharing; what ended this caller is not.
        let last = log.error.as_ref().map(|last| log.close(last.clone()));
        Outcome::Own(error, self.spent(log, last, false))
    }

    fn spent(&self, log: Log, error: Option<Error>, for_good: bool) -> Spent {
        Spent { attempts: log.attempts, made: log.made, way: Some(self.way.clone()), error, for_good }
    }
}

/// What has been tried so far.
struct Log {
    attempts: Vec<Attempt>,
    /// How many of them this very call made.
    own: u32,
    /// How many of them count against whoever takes over by the same way.
    made: u32,
    error: Option<Error>,
}

impl Log {
    fn close(&self, error: Error) -> Error {
        error.with_attempts(self.attempts.clone(), self.own)
    }
}

/// What a caller hears whose cancel was triggered.
pub(crate) fn cancelled() -> Error {
    Error::new(Status::Cancelled, "the call was cancelled")
}

/// What a caller hears whose time ran out before there was anything better to say.
pub(crate) fn timed_out(realm: &Realm) -> Error {
    Error::new(Status::Timeout, format!("no session from {} in the time allowed", realm.host()))
        .with_hint("allow more time (total_timeout_ms), or find out why B2 is slow to reach")
}
