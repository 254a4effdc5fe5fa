//! What actors do with single sessions and calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::api::{Ask, Session};
use crate::calls::{How, lock};
use crate::counters::What;
use crate::run::Held;
use crate::secrets::MARK;
use crate::server_log_check::Asker;
use crate::server_process;
use crate::worker::Actor;

/// A bag with more than this gives some away.
const FULL: usize = 8;

impl Actor<'_> {
    fn mode(&mut self) -> &'static str {
        self.dice.weighed(&[(80, "use"), (14, "refresh"), (6, "bypass")])
    }

    pub fn authorize(&mut self) {
        let who = self.storm.cast.anyone(&mut self.dice);
        let mode = self.mode();
        if mode != "use" {
            self.storm.tally.add(What::Refreshed, 1);
        }
        let how = self.how(who.way, mode, "one", Some(&who));
        let held = self.call(&who, &how, Ask::Authorize);
        self.keep(held);
    }

    pub fn ask_anew(&mut self) {
        let who = self.storm.cast.anyone(&mut self.dice);
        let mode = self.mode();
        let how = self.how(who.way, mode, "anew", Some(&who));
        let held = self.call(&who, &how, Ask::Reauthorize(None));
        self.keep(held);
    }

    /// Has a session replaced, as if B2 had refused its token; now and then in the name of another key, which then has
    /// nothing to do with it.
    pub fn reject(&mut self) {
        let Some(held) = self.take() else { return };
        if self.dice.chance(100) {
            let who = self.storm.cast.anyone(&mut self.dice);
            let how = self.how(who.way, "use", "other", Some(&who));
            let fresh = self.call(&who, &how, Ask::Reauthorize(Some(&held.session)));
            if who.identity == held.who.identity {
                self.replaced(&held, fresh.as_ref(), &how);
            }
            self.keep(fresh);
        } else {
            self.replace(&held);
        }
    }

    fn replace(&mut self, held: &Held) {
        let mode = self.mode();
        let how = self.how(held.who.way, mode, "after", Some(&held.who));
        let fresh = self.call(&held.who, &how, Ask::Reauthorize(Some(&held.session)));
        self.replaced(held, fresh.as_ref(), &how);
        self.keep(fresh);
    }

    fn replaced(&self, old: &Held, fresh: Option<&Held>, how: &How) {
        let token = old.session.token();
        if fresh.is_some_and(|fresh| fresh.session.token() == token) {
            self.storm.trouble(3, "the refused token itself was handed out in its place");
        }
        self.storm.tally.add(What::Reauthorized, 1);
        // A cancel that was there before the call goes before all that it would do.
        if !how.ending.as_ref().is_some_and(|ending| ending.meant.load(Ordering::SeqCst)) {
            self.storm.ledger.kill(&token);
        }
    }

    /// Uses a token as a program would, and has it replaced if the server says that it is no good.
    pub fn spend(&mut self) {
        let Some(held) = self.take() else { return };
        if held.who.way == 2 {
            return self.put(held);
        }
        let text = |get: fn(&crate::api::Functions) -> _| held.session.text(get).unwrap_or_default();
        let (url, account) = (text(|f| f.b2_session_api_url), text(|f| f.b2_session_account_id));
        let Ok((status, code)) = server_process::spend(&url, &account, &held.session.token()) else { return };
        self.storm.tally.add(What::Spent, 1);
        if self.storm.api.should_reauthorize(status.into(), code.as_deref()) == 1 {
            self.replace(&held);
        }
    }

    pub fn invalidate(&mut self) {
        let Some(held) = self.take() else { return };
        held.session.invalidate();
        self.storm.ledger.kill(&held.session.token());
        self.storm.tally.add(What::Invalidated, 1);
        if self.dice.chance(300) {
            let how = self.how(held.who.way, "use", "again", Some(&held.who));
            let fresh = self.call(&held.who, &how, Ask::Authorize);
            self.keep(fresh);
        }
    }

    pub fn clear(&mut self) {
        if self.storm.clears.is_due() {
            let since = self.storm.ledger.tick();
            self.storm.api.clear();
            self.storm.ledger.bury(since);
            self.storm.tally.add(What::Cleared, 1);
        }
    }

    /// Ends a call of another thread, if there is one with a cancel.
    pub fn cancel(&mut self) {
        for _ in 0..4 {
            let place = self.dice.index(self.storm.endings.len());
            let ending = lock(&self.storm.endings[place]).as_ref().map(Arc::clone);
            if let Some(ending) = ending {
                ending.end();
                self.storm.tally.add(What::Cancelled, 1);
                return;
            }
        }
    }

    /// Reads a session that another thread was given, and frees it, or passes it on.
    pub fn pass_on(&mut self) {
        let Some(held) = self.take() else { return };
        let (json, token) = (held.session.json(), held.session.token());
        if json["authorizationToken"] != *token || json["keyId"] != *held.who.id {
            self.storm.trouble(2, format!("the JSON of a session of {} is another's: {json}", held.who.id));
        }
        let another = held.session.retain();
        if self.dice.chance(500) {
            self.put(Held { session: another, who: held.who.clone() });
        }
        self.storm.tally.add(What::Retained, 1);
        drop(held);
    }

    /// A key that no key can be: refused at once, and not repeated.
    pub fn misuse(&mut self) {
        let who = self.storm.cast.anyone(&mut self.dice);
        let how = self.how(who.way, "use", "bad", None);
        let key = format!("{MARK}{}{MARK}", self.dice.pick(&["\u{1}", "\t", "é", " "]));
        let answer = self.storm.api.call(Some(&who.id), Some(&key), Ask::Authorize, Some(&how.options));
        self.note(&how, Asker::One { identity: u64::MAX, id: who.id });
        self.storm.tally.add(What::Misused, 1);
        self.must_fail(answer, &how, 1);
    }

    /// Without the authority's certificate, nobody is to believe the server.
    pub fn distrust(&mut self) {
        let who = self.storm.cast.anyone(&mut self.dice);
        let how = self.how(2, "use", "doubt", None);
        how.options.set("ca_file", None).expect("the default can be put back");
        how.options.set("attempt_timeout_ms", Some("20000")).expect("it is in range");
        how.options.set("total_timeout_ms", Some("30000")).expect("it is in range");
        let answer = self.storm.api.call(Some(&who.id), Some(&who.key), Ask::Authorize, Some(&how.options));
        self.note(&how, Asker::One { identity: u64::MAX, id: who.id });
        self.storm.tally.add(What::Distrusted, 1);
        self.must_fail(answer, &how, 10);
    }

    fn must_fail(&self, answer: Result<Session, crate::api::Failure>, how: &How, status: i32) {
        match answer {
            Ok(_) => self.storm.trouble(5, format!("a call was granted that had to fail with status {status}")),
            Err(failure) => {
                // Days that go by end a call, and a limit of the call's own may hold it back.
                let excused = failure.status == 11 || (failure.status == 7 && failure.attempts == 0);
                if failure.status != status && !(status == 10 && excused) {
                    self.storm.trouble(5, format!("{}: status {status} was due: {failure}", how.tag));
                }
                let told = format!("{failure:?} {}", failure.json);
                if self.storm.secrets.stand_in(&told) {
                    self.storm.trouble(5, "a secret stands in an error");
                }
                self.storm.tally.status(failure.status);
            }
        }
    }

    /// Leaves a session for others.
    pub fn keep(&mut self, held: Option<Held>) {
        if let Some(held) = held {
            self.put(held);
        }
    }

    fn put(&mut self, held: Held) {
        let place = self.dice.index(self.storm.bags.len());
        let mut bag = lock(&self.storm.bags[place]);
        let from = self.dice.index(bag.len());
        let given_away = (bag.len() >= FULL).then(|| bag.swap_remove(from));
        bag.push(held);
        drop(bag);
        drop(given_away);
    }

    /// A session that some thread has left.
    pub fn take(&mut self) -> Option<Held> {
        let place = self.dice.index(self.storm.bags.len());
        let mut bag = lock(&self.storm.bags[place]);
        let from = self.dice.index(bag.len());
        (!bag.is_empty()).then(|| bag.swap_remove(from))
    }
}
