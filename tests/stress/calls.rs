//! Calls that are watched from all sides: what each may answer, and what it must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::api::{Ask, Failure, Options, Session};
use crate::counters::What;
use crate::identities::{STRANGER, Who};
use crate::log_capture::{Ear, Heard};
use crate::run::{Ending, Held, Storm};
use crate::server_log_check::{Asker, Record};
use crate::token_oracle::{Began, Handed, Manner};
use crate::worker::Actor;

const DAY_S: i64 = 86_400;
/// What a machine busy with other things may lose between two readings of a clock.
const SLACK_S: i64 = 60;

/// How a call goes about it.
pub struct How {
    pub options: Options,
    pub heard: Arc<Heard>,
    pub tag: String,
    pub mode: &'static str,
    pub min_remaining_s: i64,
    pub ending: Option<Arc<Ending>>,
}

/// What a call's log told that its caller wants to know.
pub struct Noted {
    /// How many requests it made.
    pub asked: u32,
    /// When the one was begun that ended it with a session.
    pub granted: Option<u64>,
}

/// The moment before a call, for the rules about what it may hand out.
pub struct Before {
    pub began: Began,
    pub started: Instant,
    pub still: Option<u64>,
}

impl Before {
    pub fn now(storm: &Storm, who: &Who) -> Self {
        let still = storm.clocks.still();
        Self { began: storm.ledger.begin(who), started: Instant::now(), still }
    }
}

impl Actor<'_> {
    /// Options by lot. `alone`: for a call that is alone with its log, for this identity.
    pub fn how(&mut self, way: usize, mode: &'static str, kind: &str, alone: Option<&Who>) -> How {
        let tag = self.tag(kind);
        let min_remaining_s = self.dice.pick(&[300, 300, 0, 3_600, 82_800]);
        let settings = [
            ("user_agent", tag.clone()),
            ("cache", mode.to_owned()),
            ("min_remaining_s", min_remaining_s.to_string()),
            ("max_attempts", self.dice.between(1, 3).to_string()),
            ("initial_backoff_ms", self.dice.between(1, 20).to_string()),
            ("max_backoff_ms", "50".to_owned()),
            ("attempt_timeout_ms", self.dice.pick(&["60", "150", "400", "400", "1000", "5000"]).to_owned()),
            ("total_timeout_ms", self.dice.pick(&["30", "200", "800", "800", "1500", "3000"]).to_owned()),
            ("negative_ttl_s", self.dice.pick(&["0", "0", "1", "10"]).to_owned()),
            ("rate_limit_per_minute", self.dice.pick(&["0", "0", "0", "0", "6000", "600", "20"]).to_owned()),
        ];
        let options = self.options[way].with(&settings.each_ref().map(|(name, value)| (*name, value.as_str())));
        let heard = Arc::<Heard>::default();
        let ear = Ear {
            heard: Arc::clone(&heard),
            secrets: Arc::clone(&self.storm.secrets),
            ledger: Arc::clone(&self.storm.ledger),
            air: alone.filter(|_| mode != "bypass").map(|who| (Arc::clone(&self.storm.air), who.slot())),
        };
        let logs = Lent::new(&self.storm.logs);
        options.set_log(Some(Box::new(move |_, message| {
            let _ = &logs;
            ear.hear(message);
        })));
        let ending =
            self.dice.chance(150).then(|| Arc::new(Ending { cancel: options.cancel(), meant: AtomicBool::new(false) }));
        How { options, heard, tag, mode, min_remaining_s, ending }
    }

    /// One call for one identity. `fresh`: it asks B2 whatever the cache holds.
    pub fn call(&mut self, who: &Who, how: &How, ask: Ask<'_>) -> Option<Held> {
        let storm = self.storm;
        let fresh = how.mode != "use" || matches!(ask, Ask::Reauthorize(None));
        let too_late = how.ending.is_some() && self.dice.chance(150);
        if let Some(ending) = &how.ending {
            if too_late {
                ending.end();
                storm.tally.add(What::TooLate, 1);
            }
            *lock(&storm.endings[self.number]) = Some(Arc::clone(ending));
        }
        let before = Before::now(storm, who);
        let answer = storm.api.call(Some(&who.id), Some(&who.key), ask, Some(&how.options));
        *lock(&storm.endings[self.number]) = None;
        storm.tally.add(What::Calls, 1);
        let Noted { asked, granted } = self.note(how, Asker::One { identity: who.identity, id: who.id.clone() });
        match answer {
            Ok(_) if too_late => storm.trouble(5, "a call was answered though its cancel was triggered before"),
            Ok(session) => {
                return self.receive(
                    who,
                    session,
                    &before,
                    Manner { fresh, bypass: how.mode == "bypass", asked: granted },
                    how,
                );
            }
            Err(failure) => {
                if failure.attempts != asked {
                    storm.trouble(4, format!("{} requests in the error, {asked} in the log", failure.attempts));
                }
                if too_late && failure.status != 12 {
                    storm.trouble(5, format!("triggered before, and not cancelled: {failure}"));
                }
                self.suffer(who, &failure, &before, how);
            }
        }
        None
    }

    /// Writes down what the call's log told.
    pub fn note(&self, how: &How, asker: Asker) -> Noted {
        let told = how.heard.take();
        if let Some((rule, what)) = told.wrong {
            self.storm.trouble(rule, what);
        }
        if told.asked != told.told {
            self.storm.trouble(4, format!("{} requests begun, {} brought to an end", told.asked, told.told));
        }
        let (asked, granted) = (told.asked, told.granted);
        if asked > 0 || told.old > 0 || told.remembered > 0 {
            let record = Record {
                tag: how.tag.clone(),
                asker,
                bypass: how.mode == "bypass",
                most: asked,
                asked,
                old: told.old,
                remembered: told.remembered,
                answered: told.answered,
            };
            lock(&self.storm.records[self.number]).push(record);
        }
        Noted { asked, granted }
    }

    /// A session is handed out: is it the right one, and alive?
    pub fn receive(&self, who: &Who, session: Session, before: &Before, manner: Manner, how: &How) -> Option<Held> {
        let storm = self.storm;
        storm.tally.add(What::Granted, 1);
        storm.tally.status(0);
        let text = |get: fn(&crate::api::Functions) -> _| session.text(get).unwrap_or_default();
        let (id, account) = (text(|f| f.b2_session_key_id), text(|f| f.b2_session_account_id));
        let (realm, api_url) = (text(|f| f.b2_session_realm), text(|f| f.b2_session_api_url));
        let (token, way) = (session.token(), &storm.cast.ways[who.way].realm);
        self.belongs(who, &token, &account);
        if id != who.id || realm != *way || api_url != *way {
            storm.trouble(2, format!("asked for {} of {way}, and got {id} of {realm} at {api_url}", who.id));
        }
        match storm.ledger.hand_out(who, &token, before.began, manner) {
            Err(what) => storm.trouble(if what.contains("identity") { 2 } else { 3 }, what),
            Ok(handed) if !who.ending => self.lives(&session, before, handed, manner, how),
            Ok(_) => {}
        }
        Some(Held { session, who: who.clone() })
    }

    /// A session of a key that does not end has as much of a day left as it must have.
    fn lives(&self, session: &Session, before: &Before, handed: Handed, manner: Manner, how: &How) {
        let (storm, clocks) = (self.storm, &self.storm.clocks);
        // In this order: a turn after the reading does no harm.
        let left = session.seconds_left();
        let asked = session.number(|f| f.b2_session_expires_at) - DAY_S;
        let (ago, turned) = (clocks.now_s() - asked, clocks.turned_s(before.started));
        let still = before.still.is_some() && before.still == clocks.still();
        let elapsed = i64::try_from(before.started.elapsed().as_secs()).unwrap_or(i64::MAX);
        if handed.cached {
            storm.tally.add(What::Cached, 1);
            if still && (left <= 0 || left < how.min_remaining_s - elapsed - SLACK_S) {
                let wanted = how.min_remaining_s;
                storm.trouble(3, format!("{left} s left of a cached token, {wanted} s wanted"));
            }
        } else if left + turned + elapsed + SLACK_S < DAY_S {
            storm.trouble(3, format!("{left} s left of a token asked for just now"));
        }
        // The library's clock is the machine's, as it was set meanwhile, and as far ahead as it was turned.
        if still && manner.asked.is_some() && !(-SLACK_S..=elapsed + SLACK_S).contains(&ago) {
            storm.trouble(3, format!("a token asked for just now was asked for {ago} s ago, by its own account"));
        }
    }

    /// The server writes the key id into its tokens, and each key has an account of its own.
    pub fn belongs(&self, who: &Who, token: &str, account: &str) {
        let right = who.account.as_deref().is_some_and(|own| own == account || account == STRANGER);
        if !right || !token.starts_with(&format!("4_{}_", who.id)) {
            let own = who.account.as_deref().unwrap_or("no account");
            self.storm.trouble(2, format!("asked for {} of {own}, and got {token} of {account}", who.id));
        }
    }

    /// A failure is handed out: may it be this one?
    pub fn suffer(&self, who: &Who, failure: &Failure, before: &Before, how: &How) {
        self.storm.tally.add(What::Failed, 1);
        self.well_told(failure);
        let meant = how.ending.as_ref().is_some_and(|ending| ending.meant.load(Ordering::SeqCst));
        match failure.status {
            12 if !meant => self.storm.trouble(5, "cancelled, and nobody meant it"),
            1 => self.storm.trouble(5, format!("nothing was wrong with the call: {failure}")),
            // B2's verdict on the key, just now: what was handed out for it before is not to be trusted.
            3 | 4 | 6 if how.mode != "bypass" && !failure.message.contains("remembered from") => {
                self.storm.ledger.bury_of(who, before.began.at);
            }
            _ => {}
        }
    }

    /// Every error has a known status and a message, and tells no secret.
    pub fn well_told(&self, failure: &Failure) {
        let told = format!("{failure:?} {}", failure.json);
        if self.storm.secrets.stand_in(&told) {
            self.storm.trouble(5, "a secret stands in an error");
        }
        let known = self.storm.tally.status(failure.status) && failure.name != "B2_UNKNOWN";
        if !known || failure.message.is_empty() || matches!(failure.status, 0 | 2 | 14 | 15) {
            self.storm.trouble(5, format!("an error that must not be: {failure}"));
        }
    }
}

/// Counts a log for as long as the library holds it.
struct Lent(Arc<std::sync::atomic::AtomicU64>);

impl Lent {
    fn new(count: &Arc<std::sync::atomic::AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
