//! In place of the reader of the b2 tool's file, in builds without the feature b2-tool.

use super::Read;
use super::sources::{Found, NotFound, Unavailable};
use crate::options::Options;
use crate::ports::limits::Limits;

/// A file that was read: there is none.
#[derive(Clone)]
pub(crate) enum Place {}

impl Place {
    pub(super) fn is_unchanged(&self) -> bool {
        match *self {}
    }
}

/// Reports that this build cannot read it.
pub(super) fn find(options: &Options, _: Option<&str>, _: Read, _: &Limits<'_>) -> Result<Found, Unavailable> {
    let chosen = match (&options.account_info, &options.profile) {
        (Some(_), _) => " (option \"account_info\")",
        (_, Some(_)) => " (option \"profile\")",
        _ => "",
    };
    let message = format!("the b2 tool's database{chosen} was not read, since this build lacks the feature b2-tool");
    Err(Unavailable::NotFound(NotFound { message, hint: None, is_temporary: false }))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::timestamp::Timestamp;
    use crate::ports::Clock;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp { wall_ms: 0, boot_ms: 0 }
        }

        fn sleep(&self, _: Duration) {}
    }

    #[test]
    fn the_missing_feature_is_reported_with_the_option_that_needs_it() {
        for (name, value) in [("profile", "work"), ("account_info", "/a")] {
            let mut options = Options::new();
            options.set(name, Some(value)).expect(name);
            let result = find(&options, None, Read::UnlessCached, &Limits::new(&Stopped, None));
            let Err(Unavailable::NotFound(missing)) = result else { panic!("nothing is read") };
            assert!(missing.message.contains(name) && missing.message.contains("lacks the feature b2-tool"));
        }
    }
}
