//! In the place of the b2 tool's database, where the library was built without it.

use super::{Absent, Found, Look};
use crate::options::Options;
use crate::state::Shared;

/// Nothing, which is held through a fork.
#[cfg(not(loom))]
pub(crate) struct Held;

#[cfg(not(loom))]
pub(crate) fn hold() -> Held {
    Held
}

/// Says so.
pub(super) fn find(_: &Shared, options: &Options, _: Option<&str>, _: Look) -> Result<Found, Absent> {
    let chosen = match (&options.account_info, &options.profile) {
        (Some(_), _) => " (option \"account_info\")",
        (_, Some(_)) => " (option \"profile\")",
        _ => "",
    };
    let said = format!("the b2 tool's database{chosen} was not looked at, since this build has no part that reads it");
    Err(Absent { said, hint: None })
}
