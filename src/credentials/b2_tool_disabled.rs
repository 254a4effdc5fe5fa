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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_option_that_asks_for_it() {
        for (name, value) in [("profile", "work"), ("account_info", "/a")] {
            let mut options = Options::new();
            options.set(name, Some(value)).expect(name);
            let absent = find(&Shared::default(), &options, None, Look::Remember).err().expect("nothing is read");
            assert!(absent.said.contains(name) && absent.said.contains("this build has no part that reads it"));
        }
    }
}
