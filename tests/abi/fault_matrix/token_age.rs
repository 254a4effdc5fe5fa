//! The token that is cached when a fault occurs.

use std::time::Duration;

use crate::support::fixture::STALE_AGE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAge {
    /// No call has been made before.
    None,
    /// It is not due for a refresh.
    Fresh,
    /// It is due for a refresh, but valid.
    Stale,
    Expired,
}

impl TokenAge {
    /// The ages of most rows. A fresh token is not affected by what happens to requests.
    pub const USUAL: [Self; 3] = [Self::None, Self::Stale, Self::Expired];

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no token",
            Self::Fresh => "fresh token",
            Self::Stale => "stale token",
            Self::Expired => "expired token",
        }
    }

    /// By how much to shift the boot clock. The wall clock stays, or a shift would look like a clock set wrong.
    pub fn boot_ms(self) -> i64 {
        let age = match self {
            Self::None | Self::Fresh => Duration::ZERO,
            Self::Stale => STALE_AGE,
            Self::Expired => STALE_AGE + Duration::from_secs(2 * 60 * 60),
        };
        i64::try_from(age.as_millis()).expect("a day or so")
    }
}
