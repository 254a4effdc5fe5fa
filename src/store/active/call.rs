//! A leader's dealings with a store: within the time that a store may take, and with a way out of every trouble.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::{BREAKER, Use};
use super::engine::{Engine, Look, Sealed, SettleStep, Stored, Trouble, TroubleKind};
use super::open;
use super::seal::Keys;
use crate::diag::level::Level;
use crate::model::cache_key::digest;
use crate::model::store_url::{StoreUrl, StoredAt};
use crate::model::timestamp::millis;
use crate::platform::{boot, random};
use crate::ports::limits::{Limits, Stop};
use crate::store::flow::{End, Flow, Pace, Sight, Step};
use crate::store::record::{Reading, Tag};
use crate::store::request::{Entered, Judgement, StoreRequest, Waiting};
use crate::store::settle::{Change, Outcome, Settler};

/// The most that all dealings with a store may take in one call, or a quarter of the call's own time.
const MAX_TIME: Duration = Duration::from_secs(5);
/// The same where the caller has a good token in hand.
pub(super) const REFRESH_TIME: Duration = Duration::from_secs(1);
/// A call without an end of its own waits this long for others.
const HALF_OF_ENDLESS: Duration = Duration::from_secs(30);
/// A slot is given back even after the call's own end, if that can be done so quickly.
const GRACE: Duration = Duration::from_millis(100);
/// The first wait between two tries after a passing trouble; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(50);
/// A lease in a store that does not notice the death of its holder lasts longer than any request.
const LEASE_MARGIN: Duration = Duration::from_secs(2);
/// The clocks of this machine and of a store may differ by so much.
const MAX_SKEW_MS: u64 = 5 * 60 * 1_000;

/// One leader's dealings with a store.
pub(crate) struct StoreCall<'a> {
    pub(super) request: StoreRequest<'a>,
    pub(super) url: Arc<StoreUrl>,
    pub(super) keys: Keys,
    engine: Option<Box<dyn Engine>>,
    flow: Flow,
    /// What is left of the time that the store may take.
    allowance: Duration,
    /// Why the store is not used.
    trouble: Option<String>,
    holds_slot: bool,
    last: Option<Seen>,
    refused: Vec<Tag>,
    said: Said,
}

/// The record as it was last seen.
#[derive(Clone, Copy, Default)]
struct Seen {
    generation: u64,
    fails: u32,
    fail_http: u16,
    pause: Duration,
    budget: Duration,
}

/// What was logged already.
#[derive(Default)]
struct Said {
    waiting: bool,
    overtaking: bool,
    unopened: bool,
}

/// How a dealing ended that did not succeed.
pub(super) enum Failed {
    Trouble(Trouble),
    Stopped(Stop),
}

impl<'a> StoreCall<'a> {
    /// `keys` belong to the request; the store itself is not touched yet.
    pub(super) fn new(request: StoreRequest<'a>, url: Arc<StoreUrl>, keys: Keys) -> Self {
        let left = request.limits.remaining();
        let most = if request.refresh_only { REFRESH_TIME } else { MAX_TIME };
        let allowance = left.map_or(most, |left| most.min(left / 4));
        let pace = Pace {
            refresh_only: request.refresh_only,
            half: left.map_or(HALF_OF_ENDLESS, |left| left / 2),
            slowest_poll: Duration::ZERO,
            max_attempts: request.options.max_attempts,
        };
        let flow = Flow::new(pace, request.attempts_made);
        let (trouble, said) = (None, Said::default());
        Self {
            request,
            url,
            keys,
            engine: None,
            flow,
            allowance,
            trouble,
            holds_slot: false,
            last: None,
            refused: Vec::new(),
            said,
        }
    }

    /// Where a session with this token is kept, whether or not it is there yet.
    pub(crate) fn stored_at(&self, token: &str) -> StoredAt {
        StoredAt { tag: self.keys.tag(token), ..self.place() }
    }

    /// Where the sessions of this call are kept.
    pub(crate) fn place(&self) -> StoredAt {
        StoredAt {
            url: Arc::clone(&self.url),
            ca_file: self.request.options.ca_file.clone(),
            name: self.keys.name().0,
            tag: Tag::default(),
        }
    }

    /// Why the store is not used, if it is not.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// True while a slot is held, so that the request may be sent.
    pub(crate) fn holds_slot(&self) -> bool {
        self.holds_slot
    }

    /// Failures of others that this call waited for.
    pub(crate) fn foreign_fails(&self) -> u32 {
        self.flow.foreign_fails()
    }

    /// Looks into the store, claims a slot, or waits for others, until it is known what to do. `judge` says whether a record
    /// will do.
    pub(crate) fn enter<T>(&mut self, judge: &mut dyn FnMut(&Reading) -> Judgement<T>) -> Entered<T> {
        if self.holds_slot {
            return Entered::Ask;
        }
        match self.walk(judge) {
            Ok(entered) => entered,
            Err(Failed::Stopped(stop)) => Entered::Stopped(stop),
            Err(Failed::Trouble(trouble)) => self.without(trouble.what),
        }
    }

    fn walk<T>(&mut self, judge: &mut dyn FnMut(&Reading) -> Judgement<T>) -> Result<Entered<T>, Failed> {
        if let Some(what) = self.trouble.clone() {
            return Ok(self.without(what));
        }
        let store = self.url.id();
        if self.engine.is_none()
            && let Some((what, _)) = BREAKER.trouble(store, Use::Reading, self.request.env.clock.now())
        {
            return Ok(self.without(what));
        }
        let mut taken = None;
        loop {
            let rng = self.request.env.rng;
            match self.flow.step(|| rng.uniform()) {
                Step::Look => match self.deal(Use::Reading, |engine, limits| engine.look(limits))? {
                    Look::Unchanged => self.flow.looked_in_vain(),
                    Look::Is(stored) => {
                        let sight = self.see(&stored, judge, &mut taken);
                        self.flow.looked(sight);
                    }
                },
                Step::Claim(slot) => {
                    if let Some((what, _)) = BREAKER.trouble(store, Use::Writing, self.request.env.clock.now()) {
                        return Ok(self.without(what));
                    }
                    if slot.0 > 0 && !std::mem::replace(&mut self.said.overtaking, true) {
                        self.log(Level::Info, format_args!("no answer from it for 3 s: this call asks as well"));
                    }
                    let lease = self.request.options.attempt_timeout + LEASE_MARGIN;
                    let (is_ours, stored) =
                        self.deal(Use::Writing, |engine, limits| engine.claim(slot, lease, limits))?;
                    self.holds_slot |= is_ours;
                    let sight = self.see(&stored, judge, &mut taken);
                    self.flow.claimed(is_ours, sight);
                }
                Step::GiveBack => {
                    self.give_back();
                    self.flow.gave_back();
                }
                Step::WaitForOthers(span) => {
                    if !std::mem::replace(&mut self.said.waiting, true) {
                        let host = self.request.host;
                        let line = format_args!("another process is asking {host} for this key: waiting for that");
                        self.log(Level::Info, line);
                    }
                    self.wait(span)?;
                }
                Step::WaitForTurn(span) => {
                    let seen = self.last.unwrap_or_default();
                    if self.request.limits.remaining().is_some_and(|left| left <= span) {
                        self.flow.waited(Duration::ZERO);
                        return Ok(Entered::TooLong(seen.waiting(span)));
                    }
                    let (ms, why) = (millis(span), seen.reason());
                    self.log(Level::Warn, format_args!("waiting {ms} ms before the request: {why}"));
                    self.request.shared.lock().counters.rate_waits += 1;
                    self.wait(span)?;
                }
                Step::Done(End::Take) => {
                    self.flow.begin_anew();
                    if let Some(taken) = taken.take() {
                        return Ok(Entered::Take(taken));
                    }
                }
                Step::Done(End::Ask) => return Ok(Entered::Ask),
                Step::Done(End::Exhausted) => {
                    let seen = self.last.unwrap_or_default();
                    return Ok(Entered::Exhausted(seen.waiting(seen.pause)));
                }
                Step::Done(End::LeaveToOthers) => return Ok(Entered::LeaveToOthers),
                Step::Done(End::WaitedHalf) => {
                    let line = "waited half of the time for other processes: going on without them";
                    self.log(Level::Warn, format_args!("{line}"));
                    return Ok(
                        self.without("other processes held every lease of the token store for too long".to_owned())
                    );
                }
            }
        }
    }

    /// The slot that is held is not used: no request is sent now.
    pub(crate) fn do_not_ask(&mut self) {
        self.give_back();
        self.flow.did_not_ask();
    }

    /// The request failed before it was sent: nobody else hears of that.
    pub(crate) fn was_not_sent(&mut self) {
        self.give_back();
        let seen = self.last.unwrap_or_default();
        self.flow.asked_in_vain(seen.fails, seen.generation);
    }

    /// Writes what came of a request, and gives the slot back.
    pub(crate) fn settle(&mut self, outcome: &Outcome) {
        if !self.holds_slot {
            return;
        }
        let now = self.request.env.clock.now();
        let seen = self.last.unwrap_or_default();
        let settler = Settler {
            now,
            boot_id: boot::id().unwrap_or_default(),
            seen_generation: seen.generation,
            per_minute: self.request.options.rate_limit_per_minute,
        };
        let (keys, refused) = (&self.keys, &self.refused);
        let mut after = (seen.fails, seen.generation);
        let mut is_written = false;
        let mut decide = |stored: &Stored| {
            let current = reading(keys, stored, now);
            let change = settler.settle(current.as_ref(), |tag| refused.contains(tag), outcome);
            is_written = false;
            match change {
                Change::Keep => {
                    after = current.map_or(after, |current| (current.record.fails, current.record.generation));
                    SettleStep::Keep
                }
                Change::Write(next) => {
                    after = (next.fails, next.generation);
                    let sealed = random::secret_bytes().and_then(|nonce| keys.seal_record(&next, nonce));
                    let Some(record) = sealed else { return SettleStep::Keep };
                    is_written = true;
                    SettleStep::Write(Sealed { record, kept_ms: next.kept_ms })
                }
            }
        };
        let has_refused = !refused.is_empty();
        let engine = self.engine.as_mut();
        let request = &self.request;
        let result = match engine {
            Some(engine) => within(request, &mut self.allowance, AtTheEnd::Grace, &mut |limits| {
                engine.settle(&mut decide, has_refused, limits)
            }),
            None => Ok(()),
        };
        self.holds_slot = false;
        self.flow.asked_in_vain(after.0, after.1);
        match result {
            Ok(()) => {
                BREAKER.worked(self.url.id(), Use::Writing);
                if is_written && matches!(outcome, Outcome::Grant { .. }) {
                    self.log(Level::Debug, format_args!("the session is in the token store"));
                }
            }
            Err(Failed::Stopped(_)) => {}
            // What was granted is good all the same, and what comes next looks for itself.
            Err(Failed::Trouble(trouble)) => self.report(Use::Writing, &trouble.what),
        }
    }

    /// Gives the slot back without a word, if one is held.
    pub(crate) fn give_back(&mut self) {
        if std::mem::take(&mut self.holds_slot)
            && let Some(engine) = &mut self.engine
        {
            drop(within(&self.request, &mut self.allowance, AtTheEnd::Grace, &mut |limits| engine.give_back(limits)));
        }
    }

    fn wait(&mut self, span: Duration) -> Result<(), Failed> {
        let before = self.request.env.clock.now();
        self.request.limits.sleep(span).map_err(Failed::Stopped)?;
        // The cheap clock may not have moved.
        self.flow.waited(self.request.env.clock.now().since(before).max(span));
        Ok(())
    }

    /// What the record means for this call.
    fn see<T>(
        &mut self,
        stored: &Stored,
        judge: &mut dyn FnMut(&Reading) -> Judgement<T>,
        taken: &mut Option<T>,
    ) -> Sight {
        let now = self.request.env.clock.now();
        let Some(reading) = reading(&self.keys, stored, now) else {
            if stored.record.is_some() && !std::mem::replace(&mut self.said.unopened, true) {
                self.log(Level::Debug, format_args!("a record in the token store does not open: passed over"));
            }
            self.last = Some(Seen::default());
            return Sight::default();
        };
        self.compare_clocks(&reading, stored);
        let per_minute = self.request.options.rate_limit_per_minute;
        let seen = Seen {
            generation: reading.record.generation,
            fails: reading.record.fails,
            fail_http: reading.record.fail_http,
            pause: Duration::from_millis(reading.pause_left_ms()),
            budget: Duration::from_millis(reading.budget_wait_ms(per_minute)),
        };
        self.last = Some(seen);
        *taken = match judge(&reading) {
            Judgement::Take(good) => Some(good),
            Judgement::PassOver => None,
            Judgement::Refused => {
                self.refused.push(reading.record.tag);
                None
            }
        };
        Sight {
            good: taken.is_some(),
            wait: seen.pause.max(seen.budget),
            fails: seen.fails,
            generation: seen.generation,
        }
    }

    fn compare_clocks(&self, reading: &Reading, stored: &Stored) {
        if stored.ttl_ms.is_none() {
            return;
        }
        let now = self.request.env.clock.now();
        let by_wall = now.wall_ms.saturating_sub(reading.record.written_wall_ms);
        let by_store = i64::try_from(reading.age_ms).unwrap_or(i64::MAX);
        let skew = by_wall.abs_diff(by_store);
        if skew > MAX_SKEW_MS && BREAKER.may_say_once(digest(b"clocks"), now) {
            let line = format_args!("the clock here and that of the token store differ by {} s", skew / 1_000);
            self.log(Level::Warn, line);
        }
    }

    /// Does something with the store, again after a passing trouble, in the time that is left for that.
    pub(super) fn deal<T>(
        &mut self,
        usage: Use,
        mut work: impl FnMut(&mut dyn Engine, &Limits<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Failed> {
        let (request, url, keys) = (&self.request, &self.url, &self.keys);
        let engine = &mut self.engine;
        let mut opened = None;
        let result = within(request, &mut self.allowance, AtTheEnd::Stop, &mut |limits| {
            if engine.is_none() {
                let new = open::engine(url, keys.name(), request.options.ca_file.as_deref(), limits)?;
                opened = Some(new.slowest_poll());
                *engine = Some(new);
            }
            match engine {
                Some(engine) => work(&mut **engine, limits),
                None => Err(Trouble::lasting("it was not opened")),
            }
        });
        if let Some(slowest) = opened {
            self.flow.set_slowest_poll(slowest);
        }
        match result {
            Ok(done) => {
                BREAKER.worked(self.url.id(), usage);
                Ok(done)
            }
            Err(Failed::Trouble(trouble)) => {
                self.report(usage, &trouble.what);
                Err(Failed::Trouble(trouble))
            }
            stopped => stopped,
        }
    }

    /// The store is in trouble: it is left alone for a while, and that is said once in a while.
    fn report(&self, usage: Use, what: &str) {
        let now = self.request.env.clock.now();
        BREAKER.failed(self.url.id(), usage, what, now);
        self.request.shared.lock().counters.store_errors += 1;
        let shown = self.with_place(what);
        if BREAKER.may_say(digest(shown.as_bytes()), now) {
            self.log(Level::Warn, format_args!("the token store cannot be used: {shown}: going on without it"));
        }
    }

    /// What is wrong, and where.
    fn with_place(&self, what: &str) -> String {
        let place = self.url.to_string();
        if what.contains(&place) { what.to_owned() } else { format!("{what} ({place})") }
    }

    fn without<T>(&mut self, what: String) -> Entered<T> {
        self.give_back();
        let what = self.with_place(&what);
        self.trouble = Some(what.clone());
        if self.request.options.store_required { Entered::Unusable(what) } else { Entered::Ask }
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        (self.request.log)(level, message);
    }
}

impl Drop for StoreCall<'_> {
    /// A leader that panics gives its slot back.
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Seen {
    fn waiting(&self, left: Duration) -> Waiting {
        Waiting { left, http: (!self.pause.is_zero()).then_some(self.fail_http) }
    }

    fn reason(&self) -> String {
        if self.pause < self.budget {
            return "the rate limit of all who share the token store is reached".to_owned();
        }
        match self.fail_http {
            0 => "a request of another process failed".to_owned(),
            http => format!("a request of another process failed (HTTP {http})"),
        }
    }
}

/// What to do once the call's own time is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtTheEnd {
    Stop,
    /// There is a little time, to give back what others wait for.
    Grace,
}

/// Runs `work` within the time left for the store, and again after a passing trouble.
fn within<T>(
    request: &StoreRequest<'_>,
    allowance: &mut Duration,
    at_the_end: AtTheEnd,
    work: &mut dyn FnMut(&Limits<'_>) -> Result<T, Trouble>,
) -> Result<T, Failed> {
    let clock = request.env.clock;
    if at_the_end == AtTheEnd::Grace && (request.limits.stop().is_some() || *allowance < GRACE) {
        return work(&Limits::new(clock, None).with_timeout(GRACE)).map_err(Failed::Trouble);
    }
    if let Some(stop) = request.limits.stop() {
        return Err(Failed::Stopped(stop));
    }
    let mut pause = Duration::ZERO;
    loop {
        if allowance.is_zero() {
            return Err(Failed::Trouble(Trouble::slow("it takes too long")));
        }
        let before = clock.now();
        let limits = request.limits.with_timeout(*allowance);
        let result = work(&limits);
        *allowance = allowance.saturating_sub(clock.now().since(before));
        let trouble = match result {
            Ok(done) => return Ok(done),
            Err(trouble) => trouble,
        };
        if let Some(stop) = request.limits.stop() {
            return Err(Failed::Stopped(stop));
        }
        if trouble.kind != TroubleKind::Passing || *allowance <= pause {
            return Err(Failed::Trouble(trouble));
        }
        request.limits.sleep(pause).map_err(Failed::Stopped)?;
        *allowance -= pause;
        pause = FIRST_RETRY.max(pause * 2);
    }
}

/// What is in a store, for whoever has the keys.
pub(super) fn reading(keys: &Keys, stored: &Stored, now: crate::model::timestamp::Timestamp) -> Option<Reading> {
    let record = keys.open_record(stored.record.as_deref()?)?;
    let age = stored.ttl_ms.map(|ttl| record.kept_ms.saturating_sub(ttl));
    Some(Reading::new(record, now, age, || boot::id().unwrap_or_default()))
}
