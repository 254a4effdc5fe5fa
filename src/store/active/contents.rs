//! Looks through a whole store, and removes what is dead.

use super::engine::Trouble;
use crate::diag::error::{Error, Status};
use crate::model::store_url::StorePlace;
use crate::options::Options;
use crate::ports::limits::Limits;
use crate::store::choice;
use crate::store::contents::{Contents, Purge};

/// What is in the store that calls with these options use; `None` if they use none.
///
/// # Errors
/// If the store that is named is not valid or cannot be used, or the limits ended it.
pub(crate) fn contents(options: &Options, purge: Purge, limits: &Limits<'_>) -> Result<Option<Contents>, Error> {
    let Some(url) = choice::url(options)? else { return Ok(None) };
    let found = match &url.place {
        #[cfg(feature = "store-file")]
        StorePlace::Files(folder) => super::files::contents(folder, purge, limits),
        #[cfg(feature = "store-redis")]
        StorePlace::Redis(redis) => super::redis::contents(&url, redis, options.ca_file.as_deref(), purge, limits),
        #[allow(unreachable_patterns, reason = "one engine may be left out")]
        _ => Err(Trouble::lasting("this build has no engine for it")),
    };
    let place = url.to_string();
    match found {
        Ok((entries, is_whole)) => Ok(Some(Contents { place, entries, is_whole })),
        Err(trouble) => {
            let what = trouble.what;
            let shown = if what.contains(&place) { what } else { format!("{what} ({place})") };
            Err(Error::new(Status::StoreError, format!("the token store cannot be used: {shown}")))
        }
    }
}
