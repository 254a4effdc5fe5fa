//! How long a piece of work may go on: until a deadline, or until a cancel.

use std::time::Duration;

use super::Clock;
use super::cancel::Cancel;
use crate::model::timestamp::Timestamp;

/// Why a wait ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller's cancel was triggered.
    Cancelled,
    /// The deadline has passed.
    Deadline,
}

/// A deadline of the boot clock and a cancel, either of which may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    clock: &'a dyn Clock,
    cancel: Option<&'a Cancel>,
    deadline_ms: Option<u64>,
}

/// A signal handler can do no more than set the flag, so waiting threads poll it this often.
pub(crate) const CANCEL_POLL_INTERVAL: Duration = Duration::from_millis(20);

impl<'a> Limits<'a> {
    /// Limits without a deadline.
    #[must_use]
    pub(crate) fn new(clock: &'a dyn Clock, cancel: Option<&'a Cancel>) -> Self {
        Self { clock, cancel, deadline_ms: None }
    }

    /// The same, ending `span` from now at the latest.
    #[must_use]
    pub(crate) fn with_timeout(self, span: Duration) -> Self {
        let end = self.clock.now().after(span).boot_ms;
        self.with_deadline(Some(end))
    }

    /// The same, ending when the boot clock reads `end_ms` at the latest.
    #[must_use]
    pub(crate) fn with_deadline(self, end_ms: Option<u64>) -> Self {
        let deadline_ms = match (self.deadline_ms, end_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { deadline_ms, ..self }
    }

    /// The time by the clock that these limits go by.
    #[cfg_attr(not(feature = "store-file"), allow(dead_code, reason = "for stores"))]
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The reason to stop now, if there is one. A cancel takes precedence over a deadline.
    #[must_use]
    pub(crate) fn stop(&self) -> Option<Stop> {
        if self.is_cancelled() {
            Some(Stop::Cancelled)
        } else if self.remaining() == Some(Duration::ZERO) {
            Some(Stop::Deadline)
        } else {
            None
        }
    }

    /// True once the caller's cancel was triggered.
    #[must_use]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(Cancel::is_triggered)
    }

    /// Time until the deadline; `None` if there is none.
    #[must_use]
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let deadline_ms = self.deadline_ms?;
        Some(Duration::from_millis(deadline_ms.saturating_sub(self.clock.now().boot_ms)))
    }

    /// The longest that one may block before checking [`Limits::stop`] again; `None` for no limit.
    #[must_use]
    pub(crate) fn poll_interval(&self) -> Option<Duration> {
        self.poll_interval_among(1)
    }

    /// The same for one of many threads that wait for the same thing: a crowd polls less often, since it would keep a
    /// processor busy otherwise, but often enough that a cancel ends each wait within a quarter of a second.
    #[must_use]
    pub(crate) fn poll_interval_among(&self, waiting: usize) -> Option<Duration> {
        let interval = match waiting {
            0..256 => CANCEL_POLL_INTERVAL,
            256..2_048 => CANCEL_POLL_INTERVAL * 4,
            _ => CANCEL_POLL_INTERVAL * 8,
        };
        let polled = (self.cancel.is_some() || cfg!(feature = "test-hooks")).then_some(interval);
        match (self.remaining(), polled) {
            (Some(remaining), Some(interval)) => Some(remaining.min(interval)),
            (remaining, interval) => remaining.or(interval),
        }
    }

    /// Sleeps for `span`, polling often enough to notice a cancel.
    ///
    /// # Errors
    /// What ended the sleep early.
    pub(crate) fn sleep(&self, span: Duration) -> Result<(), Stop> {
        let end = self.clock.now().after(span).boot_ms;
        loop {
            if let Some(stop) = self.stop() {
                return Err(stop);
            }
            let left = Duration::from_millis(end.saturating_sub(self.clock.now().boot_ms));
            if left.is_zero() {
                return Ok(());
            }
            self.clock.sleep(self.poll_interval().map_or(left, |interval| left.min(interval)));
        }
    }
}
