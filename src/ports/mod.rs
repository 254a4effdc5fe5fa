//! What the rules need from outside: time, randomness and the network. Tests bring their own.

pub(crate) mod cancel;
pub(crate) mod limits;
pub(crate) mod transport;

use std::time::Duration;

use crate::model::timestamp::Timestamp;
use transport::Transport;

/// Where the time comes from.
pub(crate) trait Clock: Send + Sync {
    /// Reads both clocks. Costs a few nanoseconds, at the price of a few milliseconds of precision.
    fn now(&self) -> Timestamp;

    /// Blocks this thread for about `span`. A test's clock may return sooner, so callers check the time again.
    fn sleep(&self, span: Duration);
}

/// Where randomness comes from: jitter, and the spread of refreshes.
pub(crate) trait Rng: Send + Sync {
    /// Uniformly distributed from 0 to just below 1.
    fn uniform(&self) -> f64;
}

/// The three together.
#[derive(Clone, Copy)]
pub(crate) struct Env<'e> {
    pub(crate) clock: &'e dyn Clock,
    pub(crate) rng: &'e dyn Rng,
    pub(crate) transport: &'e dyn Transport,
}
