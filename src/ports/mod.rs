//! What the rules need from outside: time, chance and the network.

pub(crate) mod cancel;
pub(crate) mod transport;

use self::transport::Transport;
use crate::model::timestamp::Clock;

/// Where chance comes from: jitter, and the spread of refreshes.
pub(crate) trait Dice: Send + Sync {
    /// A number from 0 to just below 1, each as likely as the next.
    fn roll(&self) -> f64;
}

/// The three together. The shipped ones are in [`crate::process`]; tests bring their own.
#[derive(Clone, Copy)]
pub(crate) struct World<'w> {
    /// Time.
    pub clock: &'w dyn Clock,
    /// Chance.
    pub dice: &'w dyn Dice,
    /// The way to B2.
    pub transport: &'w dyn Transport,
}
