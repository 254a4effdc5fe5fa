//! In place of the reader of the b2 tool's file, in builds without the feature b2-tool.

use super::Read;
use super::sources::{Found, NotFound};
use crate::options::Options;

/// Reports that this build cannot read it.
pub(super) fn find(options: &Options, _: Option<&str>, _: Read) -> Result<Found, NotFound> {
    let chosen = match (&options.account_info, &options.profile) {
        (Some(_), _) => " (option \"account_info\")",
        (_, Some(_)) => " (option \"profile\")",
        _ => "",
    };
    let message = format!("the b2 tool's database{chosen} was not read, since this build lacks the feature b2-tool");
    Err(NotFound { message, hint: None })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_missing_feature_is_reported_with_the_option_that_needs_it() {
        for (name, value) in [("profile", "work"), ("account_info", "/a")] {
            let mut options = Options::new();
            options.set(name, Some(value)).expect(name);
            let missing = find(&options, None, Read::UnlessCached).err().expect("nothing is read");
            assert!(missing.message.contains(name) && missing.message.contains("lacks the feature b2-tool"));
        }
    }
}
