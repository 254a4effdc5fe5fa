//! What a store must be able to do, and how it can fail. It sees sealed bytes only.

use std::time::Duration;

use crate::ports::limits::Limits;
use crate::store::record::Tag;
use crate::store::request::Slot;

/// How a dealing with a store failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    /// What happened, in a few words without a secret.
    pub(crate) what: String,
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// The same may succeed at once or soon.
    Passing,
    /// It will not.
    Lasting,
    /// The time for the store was used up, or the caller's limits ended it.
    Slow,
}

impl Trouble {
    pub(crate) fn lasting(what: impl Into<String>) -> Self {
        Self { kind: TroubleKind::Lasting, what: what.into() }
    }

    #[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self { kind: TroubleKind::Passing, what: what.into() }
    }

    pub(crate) fn is_passing(&self) -> bool {
        self.kind == TroubleKind::Passing
    }

    pub(crate) fn slow(what: impl Into<String>) -> Self {
        Self { kind: TroubleKind::Slow, what: what.into() }
    }
}

/// What is in the store under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) record: Option<Vec<u8>>,
    /// How long the store itself will keep it, if it has a clock.
    pub(crate) ttl_ms: Option<u64>,
}

/// What a look found, if it had to read at all.
pub(crate) enum Look {
    Is(Stored),
    /// The same as at the last look.
    #[cfg_attr(not(feature = "store-file"), allow(dead_code, reason = "for files"))]
    Unchanged,
}

/// A record to write.
pub(crate) struct Sealed {
    pub(crate) record: Vec<u8>,
    #[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
    pub(crate) kept_ms: u64,
}

/// What a settling does, once it knows what is there.
pub(crate) enum SettleStep {
    Keep,
    Write(Sealed),
}

/// One leader's dealings with one name of a store.
pub(crate) trait Engine {
    /// Reads the record.
    fn look(&mut self, limits: &Limits<'_>) -> Result<Look, Trouble>;

    /// Takes a slot, if it is free, for at most `lease`; and reads the record in the same step.
    fn claim(&mut self, slot: Slot, lease: Duration, limits: &Limits<'_>) -> Result<(bool, Stored), Trouble>;

    /// Replaces the record as `decide` says of what is there now, and gives back the slot that is held. If nothing can be
    /// written, `delete_instead` removes what is there.
    fn settle(
        &mut self,
        decide: &mut dyn FnMut(&Stored) -> SettleStep,
        delete_instead: bool,
        limits: &Limits<'_>,
    ) -> Result<(), Trouble>;

    /// Gives back the slot that is held, if it still is.
    fn give_back(&mut self, limits: &Limits<'_>) -> Result<(), Trouble>;

    /// Removes the record if it has that tag.
    fn revoke(&mut self, tag: &Tag, limits: &Limits<'_>) -> Result<(), Trouble>;

    /// The longest wait between two looks.
    fn slowest_poll(&self) -> Duration;
}
