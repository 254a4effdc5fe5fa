//! What can end a call early: a flag that somebody sets, and a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::model::timestamp::Clock;

/// A flag that ends calls. Clones share it, and once triggered it stays triggered.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A cancel that nobody has triggered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every call that holds this cancel. Safe in a signal handler: one atomic store.
    pub fn trigger(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True once [`Cancel::trigger`] was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why a wait ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller's cancel was triggered.
    Cancelled,
    /// The deadline has passed.
    Deadline,
}

/// How long one piece of work may go on: until a deadline of the boot clock, or until a cancel.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    clock: &'a dyn Clock,
    cancel: Option<&'a Cancel>,
    deadline_ms: Option<u64>,
}

/// A signal handler can do no more than set the flag, so whoever waits looks at it this often.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

impl<'a> Bounds<'a> {
    /// Bounds without a deadline.
    #[must_use]
    pub(crate) fn new(clock: &'a dyn Clock, cancel: Option<&'a Cancel>) -> Self {
        Self { clock, cancel, deadline_ms: None }
    }

    /// The same, ending `span` from now at the latest.
    #[must_use]
    pub(crate) fn within(self, span: Duration) -> Self {
        let end = self.clock.now().after(span).boot_ms;
        self.until(Some(end))
    }

    /// The same, ending when the boot clock reads `end_ms` at the latest.
    #[must_use]
    pub(crate) fn until(self, end_ms: Option<u64>) -> Self {
        let deadline_ms = match (self.deadline_ms, end_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { deadline_ms, ..self }
    }

    /// The reason to stop now, if there is one. A cancel goes before a deadline.
    #[must_use]
    pub(crate) fn stop(&self) -> Option<Stop> {
        if self.cancel.is_some_and(Cancel::is_triggered) {
            Some(Stop::Cancelled)
        } else if self.left() == Some(Duration::ZERO) {
            Some(Stop::Deadline)
        } else {
            None
        }
    }

    /// Time until the deadline; `None` means there is none.
    #[must_use]
    pub(crate) fn left(&self) -> Option<Duration> {
        let now = self.clock.now().boot_ms;
        self.deadline_ms.map(|end| Duration::from_millis(end.saturating_sub(now)))
    }

    /// The longest one may block before looking at [`Bounds::stop`] again; `None` means for ever.
    #[must_use]
    pub(crate) fn slice(&self) -> Option<Duration> {
        let watched = (self.cancel.is_some() || cfg!(feature = "test-hooks")).then_some(LOOK_EVERY);
        match (self.left(), watched) {
            (Some(left), Some(look)) => Some(left.min(look)),
            (left, look) => left.or(look),
        }
    }

    /// Sleeps for `span`, looking up often enough to notice a cancel.
    ///
    /// # Errors
    /// What ended the sleep early.
    pub(crate) fn pause(&self, span: Duration) -> Result<(), Stop> {
        let end = self.clock.now().after(span).boot_ms;
        loop {
            if let Some(stop) = self.stop() {
                return Err(stop);
            }
            let left = Duration::from_millis(end.saturating_sub(self.clock.now().boot_ms));
            if left.is_zero() {
                return Ok(());
            }
            self.clock.sleep(self.slice().map_or(left, |slice| left.min(slice)));
        }
    }
}
