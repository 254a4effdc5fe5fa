//! The attempts of one call: leave to ask, the request, its judgement, a wait, and again, until a verdict, the last
//! attempt, the deadline or a cancel.

use std::cell::Cell;
use std::ffi::CString;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::classify::Verdict;
use crate::credentials::Credentials;
use crate::diag::error::{Attempt, Error, Status};
use crate::diag::log::Level;
use crate::diag::redact::Secrets;
use crate::model::realm::Realm;
use crate::model::session::Owner;
use crate::model::timestamp::millis;
use crate::options::Options;
use crate::ports::World;
use crate::ports::cancel::{Bounds, Stop};
use crate::state::Shared;
use crate::state::flight::{Outcome, Spent, Way};
use crate::state::rate_limit::Applicant;

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
    /// The call's count of its requests.
    pub(crate) asked: &'a Cell<u32>,
}

impl Series<'_> {
    /// Goes on where `spent` stopped.
    pub(crate) fn run(&self, spent: Spent) -> Outcome {
        let most = if self.quick { 1 } else { self.options.max_attempts };
        // Whoever takes over a series that its own limits would end gets one attempt all the same.
        let mut made = if self.quick { 0 } else { spent.made(&self.way).min(most - 1) };
        let mut log = Log { made: spent.made(&self.way), attempts: spent.attempts, error: spent.error };
        let mut waited = Duration::ZERO;
        if made > 0 {
            match self.back_off(&log, made) {
                Ok(wait) => waited = wait,
                Err(halt) => return self.halted(halt, log),
            }
        }
        loop {
            match self.leave(&log) {
                Ok(held) => waited += held,
                Err(error) => return self.own(error, log),
            }
            let verdict = self.ask(&mut log, waited, made > 0);
            made += 1;
            let error = match verdict {
                Verdict::Granted(session) => return Outcome::Granted(session),
                Verdict::Refused(error) => return Outcome::Refused(log.close(error)),
                Verdict::Failed(error) => return self.lost(error, log, true),
                Verdict::Cancelled => return self.cut_short(cancelled(), log),
                Verdict::Again { error, asked, closes_gate } => {
                    if let Some(wait) = asked.filter(|_| closes_gate) {
                        self.close_gate(wait.saturating_add(TICK));
                    }
                    error
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
            match self.back_off(&log, made) {
                Ok(wait) => waited = wait,
                Err(halt) => return self.halted(halt, log),
            }
        }
    }

    fn close_gate(&self, wait: Duration) {
        self.shared.lock().budget.close_gate(self.applicant.lane, wait, self.world.clock.now());
        let ms = millis(wait);
        self.say(Level::Warn, format_args!("B2 asks every caller for this key to wait {ms} ms"));
    }

    /// Waits before the next attempt: as long as the last answer asked, else by lot. A wait that can't end before the
    /// deadline is not begun.
    fn back_off(&self, log: &Log, made: u32) -> Result<Duration, Halt> {
        let asked = log.error.as_ref().and_then(Error::retry_after).map(|wait| wait.saturating_add(TICK));
        let wait = asked.unwrap_or_else(|| self.jitter(made));
        if self.bounds.left().is_some_and(|left| left <= wait) {
            return Err(Halt::TooLong(wait));
        }
        let (ms, next, most) = (millis(wait), made + 1, self.options.max_attempts);
        let why = if asked.is_some() { "as Retry-After asks" } else { "drawn at random" };
        self.say(Level::Warn, format_args!("waiting {ms} ms, {why}, before attempt {next} of {most}"));
        self.bounds.pause(wait).map_err(Halt::Stopped)?;
        Ok(wait)
    }

    fn halted(&self, halt: Halt, log: Log) -> Outcome {
        match (halt, log.error.clone()) {
            (Halt::TooLong(wait), Some(error)) => {
                let asked = error.retry_after().unwrap_or(wait);
                self.lost(error.with_retry_after(asked), log, false)
            }
            (Halt::TooLong(_), None) => self.own(timed_out(self.owner.realm), log),
            (Halt::Stopped(stop), _) => self.own(self.stop_error(stop, &log), log),
        }
    }

    pub(super) fn say(&self, level: Level, message: fmt::Arguments<'_>) {
        self.options.say(level, message);
    }

    /// Waits for the gate and the budget. Answers how long that took.
    fn leave(&self, log: &Log) -> Result<Duration, Error> {
        let mut held = Duration::ZERO;
        loop {
            let now = self.world.clock.now();
            let (wait, at_gate) = {
                let mut guard = self.shared.lock();
                let state = &mut *guard;
                let Err(wait) = state.budget.take(&self.applicant, |key| state.cache.is_live(key, now), now) else {
                    return Ok(held);
                };
                state.counters.rate_waits += u64::from(held.is_zero() && !self.quick);
                (wait, state.budget.is_gate_closed(self.applicant.lane, now))
            };
            if self.quick || self.bounds.left().is_some_and(|left| left <= wait) {
                let error = log.error.clone().unwrap_or_else(|| self.held_back(wait, at_gate));
                return Err(error.with_retry_after(wait));
            }
            let ms = millis(wait);
            let why = if at_gate {
                "B2 asked every caller for this key to wait"
            } else {
                "too many requests for this key of late"
            };
            self.say(Level::Warn, format_args!("waiting {ms} ms for leave to ask: {why}"));
            self.bounds.pause(wait).map_err(|stop| self.stop_error(stop, log))?;
            held += wait;
        }
    }

    fn held_back(&self, wait: Duration, at_gate: bool) -> Error {
        let (host, ms) = (self.owner.realm.host(), millis(wait));
        let (why, cure) = if at_gate {
            ("it asked every caller for this key to wait", "")
        } else {
            ("it has had its share of authorize requests for this key", ", or keep one session instead of asking anew")
        };
        let message = format!("no request was sent to {host}: {why}, and the next may go out in {ms} ms");
        Error::new(Status::RateLimited, message)
            .with_hint(format!("wait that long, or allow more time (total_timeout_ms){cure}"))
    }

    /// The wait after that many failed attempts: anything from 0 to a bound that doubles.
    fn jitter(&self, failed: u32) -> Duration {
        let doubled = self.options.initial_backoff.saturating_mul(1 << (failed - 1).min(16));
        doubled.min(self.options.max_backoff).mul_f64(self.world.dice.roll())
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

/// Why there is no next attempt.
enum Halt {
    /// The wait before it can't end in time.
    TooLong(Duration),
    Stopped(Stop),
}

/// What has been tried so far.
pub(super) struct Log {
    pub(super) attempts: Vec<Attempt>,
    /// How many of them count against whoever takes over by the same way.
    pub(super) made: u32,
    error: Option<Error>,
}

impl Log {
    fn close(&self, error: Error) -> Error {
        error.with_attempts(self.attempts.clone())
    }
}

/// What a caller hears whose cancel was triggered.
pub(crate) fn cancelled() -> Error {
    Error::new(Status::Cancelled, "the call was cancelled")
}

/// What a place of a batch hears that had no turn before the batch ended.
pub(crate) fn out_of_turn() -> Error {
    Error::new(Status::Timeout, "the time of the batch ran out before this place had its turn")
        .with_hint("allow more time (batch_timeout_ms) or more requests at once (concurrency)")
}

/// What a caller hears whose time ran out before there was anything better to say.
pub(crate) fn timed_out(realm: &Realm) -> Error {
    Error::new(Status::Timeout, format!("no session from {} in the time allowed", realm.host()))
        .with_hint("allow more time (total_timeout_ms), or find out why B2 is slow to reach")
}
