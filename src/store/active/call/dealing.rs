//! Work with a store within the time that it may take, and what follows from trouble with it.

use std::time::Duration;

use super::StoreCall;
use crate::diag::level::Level;
use crate::model::cache_key::digest;
use crate::ports::limits::{Limits, Stop};
use crate::store::active::breaker::{BREAKER, Use};
use crate::store::active::engine::{Engine, Trouble, TroubleKind};
use crate::store::active::open;
use crate::store::request::{Entered, StoreRequest};

/// A slot is given back even after the call's own end, if that can be done so quickly.
const GRACE: Duration = Duration::from_millis(100);
/// The first wait between two tries after a passing trouble; it doubles.
const FIRST_RETRY: Duration = Duration::from_millis(50);

/// How a dealing ended that did not succeed.
pub(in crate::store::active) enum Failed {
    Trouble(Trouble),
    Stopped(Stop),
}

impl StoreCall<'_> {
    /// Does something with the store, again after a passing trouble, in the time that is left for that.
    pub(in crate::store::active) fn deal<T>(
        &mut self,
        usage: Use,
        mut work: impl FnMut(&mut dyn Engine, &Limits<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Failed> {
        let mut done = None;
        self.deal_with(usage, &mut |engine, limits| {
            done = Some(work(engine, limits)?);
            Ok(())
        })?;
        done.ok_or_else(|| Failed::Trouble(Trouble::lasting("it was not opened")))
    }

    /// Apart from what the work brings, since this is much code.
    fn deal_with(
        &mut self,
        usage: Use,
        work: &mut dyn FnMut(&mut dyn Engine, &Limits<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Failed> {
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
            Ok(()) => {
                BREAKER.worked(self.url.id(), usage);
                Ok(())
            }
            Err(Failed::Trouble(trouble)) => {
                self.report(usage, &trouble.what);
                Err(Failed::Trouble(trouble))
            }
            stopped => stopped,
        }
    }

    /// The store is in trouble: it is left alone for a while, and that is said once in a while.
    pub(super) fn report(&self, usage: Use, what: &str) {
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

    pub(super) fn without<T>(&mut self, what: String) -> Entered<T> {
        self.give_back();
        let what = self.with_place(&what);
        self.trouble = Some(what.clone());
        if self.request.options.store_required { Entered::Unusable(what) } else { Entered::Ask }
    }
}

/// What to do once the call's own time is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AtTheEnd {
    Stop,
    /// There is a little time, to give back what others wait for.
    Grace,
}

/// Runs `work` within the time left for the store, and again after a passing trouble.
pub(super) fn within(
    request: &StoreRequest<'_>,
    allowance: &mut Duration,
    at_the_end: AtTheEnd,
    work: &mut dyn FnMut(&Limits<'_>) -> Result<(), Trouble>,
) -> Result<(), Failed> {
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
            Ok(()) => return Ok(()),
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
