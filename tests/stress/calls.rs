//! Calls, and the checks of everything that they return.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::api::{Failure, Operation, Options, Session};
use crate::counters::Event;
use crate::identities::{FOREIGN_ACCOUNT, Identity};
use crate::log_capture::{CallLog, LogObserver};
use crate::run::{CancelHandle, HeldSession, Run};
use crate::server_log_check::{CallRecord, Callers};
use crate::token_oracle::{CallKind, Source, Start};
use crate::worker::Worker;

const DAY_S: i64 = 86_400;
/// The time that may pass between two readings of a clock on a busy machine.
const SLACK_S: i64 = 60;

/// The options of a call, and what it logs.
pub struct CallSetup {
    pub options: Options,
    pub log: Arc<CallLog>,
    pub tag: String,
    pub mode: &'static str,
    pub min_remaining_s: i64,
    pub cancel: Option<Arc<CancelHandle>>,
}

/// What a call's log says about its requests.
pub struct Logged {
    /// The number of its requests.
    pub requests: u32,
    /// When the request began that was granted a session.
    pub granted_at: Option<u64>,
}

/// The moment before a call, on which it depends what the call may return.
pub struct CallStart {
    pub start: Start,
    pub time: Instant,
    pub clock_shifts: Option<u64>,
}

impl CallStart {
    pub fn now(run: &Run, identity: &Identity) -> Self {
        let clock_shifts = run.clocks.shifts_if_idle();
        Self { start: run.oracle.start_call(identity), time: Instant::now(), clock_shifts }
    }
}

impl Worker<'_> {
    /// Random options. `only`: the log is that of a single call for this identity.
    pub fn setup(&mut self, route: usize, mode: &'static str, kind: &str, only: Option<&Identity>) -> CallSetup {
        let tag = self.tag(kind);
        let min_remaining_s = self.rng.pick(&[300, 300, 0, 3_600, 82_800]);
        let settings = [
            ("user_agent", tag.clone()),
            ("cache", mode.to_owned()),
            ("min_remaining_s", min_remaining_s.to_string()),
            ("max_attempts", self.rng.between(1, 3).to_string()),
            ("initial_backoff_ms", self.rng.between(1, 20).to_string()),
            ("max_backoff_ms", "50".to_owned()),
            ("attempt_timeout_ms", self.rng.pick(&["60", "150", "400", "400", "1000", "5000"]).to_owned()),
            ("total_timeout_ms", self.rng.pick(&["30", "200", "800", "800", "1500", "3000"]).to_owned()),
            ("negative_ttl_s", self.rng.pick(&["0", "0", "1", "10"]).to_owned()),
            ("rate_limit_per_minute", self.rng.pick(&["0", "0", "0", "0", "6000", "600", "20"]).to_owned()),
        ];
        let options = self.options[route].with(&settings.each_ref().map(|(name, value)| (*name, value.as_str())));
        let log = Arc::<CallLog>::default();
        let observer = LogObserver {
            log: Arc::clone(&log),
            secrets: Arc::clone(&self.run.secrets),
            oracle: Arc::clone(&self.run.oracle),
            in_flight: only
                .filter(|_| mode != "bypass")
                .map(|identity| (Arc::clone(&self.run.in_flight), identity.slot())),
        };
        let counted = CountedLog::new(&self.run.logs);
        options.set_log(Some(Box::new(move |_, message| {
            let _ = &counted;
            observer.observe(message);
        })));
        let cancel = self
            .rng
            .chance(150)
            .then(|| Arc::new(CancelHandle { cancel: options.attach_cancel(), triggered: AtomicBool::new(false) }));
        CallSetup { options, log, tag, mode, min_remaining_s, cancel }
    }

    /// One call for one identity.
    pub fn call(&mut self, identity: &Identity, setup: &CallSetup, operation: Operation<'_>) -> Option<HeldSession> {
        let run = self.run;
        let fresh = setup.mode != "use" || matches!(operation, Operation::Reauthorize(None));
        let cancelled_before = setup.cancel.is_some() && self.rng.chance(150);
        if let Some(cancel) = &setup.cancel {
            if cancelled_before {
                cancel.trigger();
                run.counters.add(Event::CancelledBefore, 1);
            }
            *lock(&run.cancels[self.number]) = Some(Arc::clone(cancel));
        }
        let before = CallStart::now(run, identity);
        let result = run.api.call(Some(&identity.id), Some(&identity.key), operation, Some(&setup.options));
        *lock(&run.cancels[self.number]) = None;
        run.counters.add(Event::Calls, 1);
        let Logged { requests, granted_at } =
            self.record(setup, Callers::One { number: identity.number, id: identity.id.clone() });
        match result {
            Ok(_) if cancelled_before => run.violation(5, "a call succeeded though its cancel was triggered before"),
            Ok(session) => {
                return self.check_session(
                    identity,
                    session,
                    &before,
                    CallKind { fresh, bypass: setup.mode == "bypass", requested_at: granted_at },
                    setup,
                );
            }
            Err(failure) => {
                if failure.attempts != requests {
                    run.violation(4, format!("{} requests in the error, {requests} in the log", failure.attempts));
                }
                if cancelled_before && failure.status != 12 {
                    run.violation(5, format!("its cancel was triggered before, and it was not cancelled: {failure}"));
                }
                self.check_failure(identity, &failure, &before, setup);
            }
        }
        None
    }

    /// Records the requests in the call's log.
    pub fn record(&self, setup: &CallSetup, callers: Callers) -> Logged {
        let log = setup.log.take();
        if let Some((invariant, what)) = log.violation {
            self.run.violation(invariant, what);
        }
        if log.requests != log.finished {
            self.run.violation(4, format!("{} requests begun, {} finished", log.requests, log.finished));
        }
        let (requests, granted_at) = (log.requests, log.granted_at);
        if requests > 0 || log.stale_served > 0 || log.negative_hits > 0 {
            let record = CallRecord {
                tag: setup.tag.clone(),
                callers,
                bypass: setup.mode == "bypass",
                max_requests: requests,
                requests,
                stale_served: log.stale_served,
                negative_hits: log.negative_hits,
                answered: log.answered,
            };
            lock(&self.run.records[self.number]).push(record);
        }
        Logged { requests, granted_at }
    }

    /// Checks a session that a call returned.
    pub fn check_session(
        &self,
        identity: &Identity,
        session: Session,
        before: &CallStart,
        kind: CallKind,
        setup: &CallSetup,
    ) -> Option<HeldSession> {
        let run = self.run;
        run.counters.add(Event::Granted, 1);
        run.counters.status(0);
        let text = |get: fn(&crate::api::Functions) -> _| session.text(get).unwrap_or_default();
        let (id, account) = (text(|f| f.b2_session_key_id), text(|f| f.b2_session_account_id));
        let (realm, api_url) = (text(|f| f.b2_session_realm), text(|f| f.b2_session_api_url));
        let (token, route) = (session.token(), &run.identities.routes[identity.route].realm);
        self.check_owner(identity, &token, &account);
        if id != identity.id || realm != *route || api_url != *route {
            run.violation(2, format!("expected {} of {route}, and got {id} of {realm} at {api_url}", identity.id));
        }
        match run.oracle.check_returned(identity, &token, before.start, kind) {
            Err((invariant, what)) => run.violation(invariant, what),
            Ok(source) if !identity.expires => self.check_lifetime(&session, before, source, kind, setup),
            Ok(_) => {}
        }
        Some(HeldSession { session, identity: identity.clone() })
    }

    /// Checks the remaining lifetime of a session whose key does not expire.
    fn check_lifetime(&self, session: &Session, before: &CallStart, source: Source, kind: CallKind, setup: &CallSetup) {
        let (run, clocks) = (self.run, &self.run.clocks);
        // In this order: a clock shift after the reading does no harm.
        let left = session.seconds_left();
        let requested_at = session.number(|f| f.b2_session_expires_at) - DAY_S;
        let (ago, shifted) = (clocks.now_s() - requested_at, clocks.shifted_s(before.time));
        let no_shift = before.clock_shifts.is_some() && before.clock_shifts == clocks.shifts_if_idle();
        let elapsed = i64::try_from(before.time.elapsed().as_secs()).unwrap_or(i64::MAX);
        if source.cached {
            run.counters.add(Event::Cached, 1);
            if no_shift && (left <= 0 || left < setup.min_remaining_s - elapsed - SLACK_S) {
                let wanted = setup.min_remaining_s;
                run.violation(3, format!("{left} s left of a cached token, {wanted} s required"));
            }
        } else if left + shifted + elapsed + SLACK_S < DAY_S {
            run.violation(3, format!("{left} s left of a token granted just now"));
        }
        // The library's clock is the machine's plus the shifts.
        if no_shift && kind.requested_at.is_some() && !(-SLACK_S..=elapsed + SLACK_S).contains(&ago) {
            run.violation(3, format!("the expiry of a token granted just now says that it was granted {ago} s ago"));
        }
    }

    /// Checks whose token it is: the server writes the key ID into its tokens, and each key has its own account.
    pub fn check_owner(&self, identity: &Identity, token: &str, account: &str) {
        let right = identity.account.as_deref().is_some_and(|own| own == account || account == FOREIGN_ACCOUNT);
        if !right || !token.starts_with(&format!("4_{}_", identity.id)) {
            let own = identity.account.as_deref().unwrap_or("no account");
            self.run.violation(2, format!("expected {} of {own}, and got {token} of {account}", identity.id));
        }
    }

    /// Checks a failure that a call returned.
    pub fn check_failure(&self, identity: &Identity, failure: &Failure, before: &CallStart, setup: &CallSetup) {
        self.run.counters.add(Event::Failed, 1);
        self.check_error(failure);
        let triggered = setup.cancel.as_ref().is_some_and(|cancel| cancel.triggered.load(Ordering::SeqCst));
        match failure.status {
            12 if !triggered => self.run.violation(5, "cancelled, and no cancel was triggered"),
            1 => self.run.violation(5, format!("the arguments were valid: {failure}")),
            // B2 rejected the key just now, so earlier tokens must not be returned. Without its code nobody knows that it was B2:
            // the time for the response may have ended between head and body.
            3 | 4 | 6
                if setup.mode != "bypass" && failure.code.is_some() && !failure.message.contains("remembered from") =>
            {
                self.run.oracle.key_rejected(identity, before.start.at);
            }
            _ => {}
        }
    }

    /// Checks that an error has a known status and a message, and no secret.
    pub fn check_error(&self, failure: &Failure) {
        if self.run.secrets.found_in(&failure.all_text()) {
            self.run.violation(5, "an error contains a secret");
        }
        let known = self.run.counters.status(failure.status) && failure.name != "B2_UNKNOWN";
        if !known || failure.message.is_empty() || matches!(failure.status, 0 | 2 | 14 | 15) {
            self.run.violation(5, format!("an unexpected error: {failure}"));
        }
    }
}

/// Counts a log handler for as long as the library holds it.
struct CountedLog(Arc<std::sync::atomic::AtomicU64>);

impl CountedLog {
    fn new(count: &Arc<std::sync::atomic::AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for CountedLog {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
