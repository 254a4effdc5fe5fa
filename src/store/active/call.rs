//! A leader's dealings with a store: within the time that a store may take, and with a way out of every trouble.

mod dealing;
mod settling;
mod sight;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::{BREAKER, Use};
use super::engine::{Engine, Look};
use super::seal::Keys;
use crate::diag::level::Level;
use crate::model::store_url::{StoreUrl, StoredAt};
use crate::model::timestamp::millis;
use crate::store::flow::{End, Flow, Pace, Step};
use crate::store::record::{Reading, Tag};
use crate::store::request::{Entered, Judgement, StoreRequest};

pub(super) use dealing::Failed;
pub(super) use sight::reading;

use sight::Seen;

/// The most that all dealings with a store may take in one call, or a quarter of the call's own time.
const MAX_TIME: Duration = Duration::from_secs(5);
/// The same where the caller has a good token in hand.
pub(super) const REFRESH_TIME: Duration = Duration::from_secs(1);
/// A call without an end of its own waits this long for others.
const HALF_OF_ENDLESS: Duration = Duration::from_secs(30);
/// A lease in a store that does not notice the death of its holder lasts longer than any request.
const LEASE_MARGIN: Duration = Duration::from_secs(2);

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

/// What was logged already.
#[derive(Default)]
struct Said {
    waiting: bool,
    overtaking: bool,
    unopened: bool,
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

    fn wait(&mut self, span: Duration) -> Result<(), Failed> {
        let before = self.request.env.clock.now();
        self.request.limits.sleep(span).map_err(Failed::Stopped)?;
        // The cheap clock may not have moved.
        self.flow.waited(self.request.env.clock.now().since(before).max(span));
        Ok(())
    }

    fn log(&self, level: Level, message: fmt::Arguments<'_>) {
        (self.request.log)(level, message);
    }
}
