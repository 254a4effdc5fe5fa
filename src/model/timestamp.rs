//! Two clocks read together.

use std::time::Duration;

/// One reading of both clocks, in milliseconds.
///
/// The wall clock can be set back or forward at any time; the boot clock only runs forward, and counts while the machine
/// sleeps. A token's lifetime is measured by both, and the sooner end wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z, by the machine's wall clock.
    pub(crate) wall_ms: i64,
    /// Milliseconds since some fixed point in the past, sleep included.
    pub(crate) boot_ms: u64,
}

impl Timestamp {
    /// The time `span` later, by both clocks.
    #[must_use]
    pub(crate) fn after(self, span: Duration) -> Self {
        let ms = millis(span);
        Self { wall_ms: self.wall_ms.saturating_add_unsigned(ms), boot_ms: self.boot_ms.saturating_add(ms) }
    }

    /// The time `span` earlier, by both clocks.
    #[must_use]
    pub(crate) fn before(self, span: Duration) -> Self {
        let ms = millis(span);
        Self { wall_ms: self.wall_ms.saturating_sub_unsigned(ms), boot_ms: self.boot_ms.saturating_sub(ms) }
    }

    /// True once *either* clock has reached `end`.
    #[must_use]
    #[inline(always)]
    pub(crate) fn is_past(self, end: Self) -> bool {
        self.wall_ms >= end.wall_ms || self.boot_ms >= end.boot_ms
    }

    /// Milliseconds until `end` by the clock that gets there first; 0 once it is past.
    #[must_use]
    pub(crate) fn ms_until(self, end: Self) -> u64 {
        let wall = end.wall_ms.saturating_sub(self.wall_ms).max(0).unsigned_abs();
        wall.min(end.boot_ms.saturating_sub(self.boot_ms))
    }

    /// How long after `earlier` this is, by the boot clock.
    #[must_use]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.boot_ms.saturating_sub(earlier.boot_ms))
    }
}

/// Whole milliseconds of a duration, without overflow.
pub(crate) fn millis(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000).saturating_add(span.subsec_millis().into())
}
