//! Time as the rules see it: two clocks read together.

use std::time::Duration;

/// One reading of both clocks, in milliseconds.
///
/// The wall clock can be set back or forward by anyone; the boot clock only runs, and counts while the machine
/// sleeps. A token's life is measured by both, and the sooner end wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since 1970-01-01T00:00:00Z, as the machine believes.
    pub wall_ms: i64,
    /// Milliseconds since some fixed point in the past, sleep included. Never goes back.
    pub boot_ms: u64,
}

impl Moment {
    /// The moment `span` later, by both clocks.
    #[must_use]
    pub(crate) fn after(self, span: Duration) -> Self {
        let ms = millis(span);
        Self { wall_ms: self.wall_ms.saturating_add_unsigned(ms), boot_ms: self.boot_ms.saturating_add(ms) }
    }

    /// True once *either* clock has reached `end`.
    #[must_use]
    pub(crate) fn reached(self, end: Self) -> bool {
        self.wall_ms >= end.wall_ms || self.boot_ms >= end.boot_ms
    }

    /// Milliseconds until `end` by the clock that gets there first; 0 once reached.
    #[must_use]
    pub(crate) fn until_ms(self, end: Self) -> u64 {
        let wall = end.wall_ms.saturating_sub(self.wall_ms).max(0).unsigned_abs();
        wall.min(end.boot_ms.saturating_sub(self.boot_ms))
    }
}

/// Where the time comes from. Tests bring a clock that they turn.
pub(crate) trait Clock: Send + Sync {
    /// Reads both clocks. Cheap: a few nanoseconds, at the price of a few milliseconds of precision.
    fn now(&self) -> Moment;

    /// Blocks this thread for about `span`. A turned clock may return sooner, so callers look again.
    fn sleep(&self, span: Duration);
}

/// Whole milliseconds of a span, without overflow.
pub(crate) fn millis(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000).saturating_add(span.subsec_millis().into())
}
