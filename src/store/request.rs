//! What a leader asks of a store, and how that can end.

use std::fmt;
use std::time::Duration;

use crate::diag::level::Level;
use crate::options::Options;
use crate::ports::Env;
use crate::ports::limits::{Limits, Stop};
use crate::state::Shared;

/// Whose token a leader wants, and how.
pub(crate) struct StoreRequest<'a> {
    pub(crate) application_key: &'a str,
    pub(crate) key_id: &'a str,
    pub(crate) realm: &'a str,
    /// For messages.
    pub(crate) host: &'a str,
    pub(crate) options: &'a Options,
    pub(crate) env: Env<'a>,
    pub(crate) shared: &'a Shared,
    pub(crate) limits: Limits<'a>,
    /// A good token is in hand.
    pub(crate) refresh_only: bool,
    /// By earlier leaders of the same flight.
    pub(crate) attempts_made: u32,
    pub(crate) log: &'a dyn Fn(Level, fmt::Arguments<'_>),
}

/// What a record means for a call.
pub(crate) enum Judgement<T> {
    Take(T),
    PassOver,
    /// Its token was refused by B2.
    Refused,
}

/// How a leader's way through the store ended.
pub(crate) enum Entered<T> {
    /// What the store had.
    Take(T),
    /// Ask B2, with a slot if the store can be used.
    Ask,
    /// Others failed as often as this call would have tried.
    Exhausted(Waiting),
    /// Nobody may ask before this call's end.
    TooLong(Waiting),
    /// A good token is in hand, and others ask, or nobody may.
    LeaveToOthers,
    /// The store cannot be used, and it is required.
    Unusable(String),
    Stopped(Stop),
}

/// Why nobody asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) left: Duration,
    /// The HTTP status of the last failure, if that is the reason.
    pub(crate) http: Option<u16>,
}

/// What a look at a store found.
pub(crate) struct Inspection {
    /// The path, or host and port.
    pub(crate) place: String,
    pub(crate) trouble: Option<String>,
    pub(crate) is_readable: bool,
    /// How old the session in it is, if there is one.
    pub(crate) age_ms: Option<u64>,
}

/// The right to ask for all, while a request is in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u8);

/// How many may ask at once, where the earlier ones take too long.
pub(crate) const SLOTS: u8 = 5;
