//! Operations with single sessions and calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::api::{Operation, Session};
use crate::calls::{CallSetup, lock};
use crate::counters::Event;
use crate::run::HeldSession;
use crate::secrets::MARK;
use crate::server_log_check::Callers;
use crate::server_process;
use crate::worker::Worker;

/// A pool with more sessions than this drops one.
const POOL_SIZE: usize = 8;

impl Worker<'_> {
    fn mode(&mut self) -> &'static str {
        self.rng.weighted(&[(80, "use"), (14, "refresh"), (6, "bypass")])
    }

    pub fn authorize(&mut self) {
        let identity = self.run.identities.random(&mut self.rng);
        let mode = self.mode();
        if mode != "use" {
            self.run.counters.add(Event::Refreshed, 1);
        }
        let setup = self.setup(identity.route, mode, "authorize", Some(&identity));
        let held = self.call(&identity, &setup, Operation::Authorize);
        self.keep(held);
    }

    pub fn reauthorize(&mut self) {
        let identity = self.run.identities.random(&mut self.rng);
        let mode = self.mode();
        let setup = self.setup(identity.route, mode, "reauthorize", Some(&identity));
        let held = self.call(&identity, &setup, Operation::Reauthorize(None));
        self.keep(held);
    }

    /// Has a session replaced, as if B2 had rejected its token; sometimes by a call for another key, which it then does not
    /// affect.
    pub fn report_rejected_token(&mut self) {
        let Some(held) = self.take() else { return };
        if self.rng.chance(100) {
            let identity = self.run.identities.random(&mut self.rng);
            let setup = self.setup(identity.route, "use", "other-key", Some(&identity));
            let fresh = self.call(&identity, &setup, Operation::Reauthorize(Some(&held.session)));
            if identity.number == held.identity.number {
                self.check_replacement(&held, fresh.as_ref(), &setup);
            }
            self.keep(fresh);
        } else {
            self.replace(&held);
        }
    }

    fn replace(&mut self, held: &HeldSession) {
        let mode = self.mode();
        let setup = self.setup(held.identity.route, mode, "replace", Some(&held.identity));
        let fresh = self.call(&held.identity, &setup, Operation::Reauthorize(Some(&held.session)));
        self.check_replacement(held, fresh.as_ref(), &setup);
        self.keep(fresh);
    }

    fn check_replacement(&self, old: &HeldSession, fresh: Option<&HeldSession>, setup: &CallSetup) {
        let token = old.session.token();
        if fresh.is_some_and(|fresh| fresh.session.token() == token) {
            self.run.violation(3, "the rejected token itself was returned");
        }
        self.run.counters.add(Event::Reauthorized, 1);
        // A call that was cancelled from the start does not report the token.
        if !setup.cancel.as_ref().is_some_and(|cancel| cancel.triggered.load(Ordering::SeqCst)) {
            self.run.oracle.forbid(&token);
        }
    }

    /// Uses a token as a program would, and has it replaced if the server rejects it.
    pub fn use_token(&mut self) {
        let Some(held) = self.take() else { return };
        if held.identity.route == 2 {
            return self.put(held);
        }
        let text = |get: fn(&crate::api::Functions) -> _| held.session.text(get).unwrap_or_default();
        let (url, account) = (text(|f| f.b2_session_api_url), text(|f| f.b2_session_account_id));
        let Ok((status, code)) = server_process::use_token(&url, &account, &held.session.token()) else { return };
        self.run.counters.add(Event::TokensUsed, 1);
        if self.run.api.should_reauthorize(status.into(), code.as_deref()) == 1 {
            self.replace(&held);
        }
    }

    pub fn invalidate(&mut self) {
        let Some(held) = self.take() else { return };
        held.session.invalidate();
        self.run.oracle.forbid(&held.session.token());
        self.run.counters.add(Event::Invalidated, 1);
        if self.rng.chance(300) {
            let setup = self.setup(held.identity.route, "use", "invalidated", Some(&held.identity));
            let fresh = self.call(&held.identity, &setup, Operation::Authorize);
            self.keep(fresh);
        }
    }

    pub fn clear_cache(&mut self) {
        if self.run.clears.is_due() {
            let since = self.run.oracle.tick();
            self.run.api.clear_cache();
            self.run.oracle.cache_cleared(since);
            self.run.counters.add(Event::Cleared, 1);
        }
    }

    /// Cancels a call of another thread, if there is one with a cancel.
    pub fn cancel_a_call(&mut self) {
        for _ in 0..4 {
            let index = self.rng.index(self.run.cancels.len());
            let cancel = lock(&self.run.cancels[index]).as_ref().map(Arc::clone);
            if let Some(cancel) = cancel {
                cancel.trigger();
                self.run.counters.add(Event::Cancelled, 1);
                return;
            }
        }
    }

    /// Reads a session that another thread got, and frees it or passes it on.
    pub fn pass_on(&mut self) {
        let Some(held) = self.take() else { return };
        let (json, token) = (held.session.json(), held.session.token());
        if json["authorizationToken"] != *token || json["keyId"] != *held.identity.id {
            self.run
                .violation(2, format!("the JSON of a session of {} belongs to another key: {json}", held.identity.id));
        }
        let another = held.session.retain();
        if self.rng.chance(500) {
            self.put(HeldSession { session: another, identity: held.identity.clone() });
        }
        self.run.counters.add(Event::Retained, 1);
        drop(held);
    }

    /// A call with a key that cannot be one: refused at once, and not repeated in the error.
    pub fn call_with_invalid_key(&mut self) {
        let identity = self.run.identities.random(&mut self.rng);
        let setup = self.setup(identity.route, "use", "invalid", None);
        let key = format!("{MARK}{}{MARK}", self.rng.pick(&["\u{1}", "\t", "é", " "]));
        let result = self.run.api.call(Some(&identity.id), Some(&key), Operation::Authorize, Some(&setup.options));
        self.record(&setup, Callers::One { number: u64::MAX, id: identity.id });
        self.run.counters.add(Event::InvalidKeys, 1);
        self.check_must_fail(result, &setup, 1);
    }

    /// A call that does not trust the server's certificate authority.
    pub fn call_untrusted_server(&mut self) {
        let identity = self.run.identities.random(&mut self.rng);
        let setup = self.setup(2, "use", "untrusted", None);
        setup.options.set("ca_file", None).expect("the default can be restored");
        setup.options.set("attempt_timeout_ms", Some("20000")).expect("it is in range");
        setup.options.set("total_timeout_ms", Some("30000")).expect("it is in range");
        let result =
            self.run.api.call(Some(&identity.id), Some(&identity.key), Operation::Authorize, Some(&setup.options));
        self.record(&setup, Callers::One { number: u64::MAX, id: identity.id });
        self.run.counters.add(Event::UntrustedServers, 1);
        self.check_must_fail(result, &setup, 10);
    }

    fn check_must_fail(&self, result: Result<Session, crate::api::Failure>, setup: &CallSetup, status: i32) {
        match result {
            Ok(_) => self.run.violation(5, format!("a call succeeded that had to fail with status {status}")),
            Err(failure) => {
                // A clock shift can end a call, and its own rate limit can hold it back.
                let excused = failure.status == 11 || (failure.status == 7 && failure.attempts == 0);
                if failure.status != status && !(status == 10 && excused) {
                    self.run.violation(5, format!("{}: expected status {status}: {failure}", setup.tag));
                }
                if self.run.secrets.found_in(&failure.all_text()) {
                    self.run.violation(5, "an error contains a secret");
                }
                self.run.counters.status(failure.status);
            }
        }
    }

    /// Passes a session to other threads.
    pub fn keep(&mut self, held: Option<HeldSession>) {
        if let Some(held) = held {
            self.put(held);
        }
    }

    fn put(&mut self, held: HeldSession) {
        let index = self.rng.index(self.run.pools.len());
        let mut pool = lock(&self.run.pools[index]);
        let from = self.rng.index(pool.len());
        let dropped = (pool.len() >= POOL_SIZE).then(|| pool.swap_remove(from));
        pool.push(held);
        drop(pool);
        drop(dropped);
    }

    /// A session that some thread passed on.
    pub fn take(&mut self) -> Option<HeldSession> {
        let index = self.rng.index(self.run.pools.len());
        let mut pool = lock(&self.run.pools[index]);
        let from = self.rng.index(pool.len());
        (!pool.is_empty()).then(|| pool.swap_remove(from))
    }
}
