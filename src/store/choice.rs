//! Which store a call uses, as its options or the environment say.

use std::sync::Arc;

use crate::diag::error::Error;
use crate::model::store_url::{StoreChoice, StoreUrl};
use crate::options::Options;
use crate::platform::environment;

/// The variable that names a store where no option does.
const VARIABLE: &str = "B2_TOKEN_STORE";

/// The store of a call, if it has one.
///
/// # Errors
/// If the environment names a store that is not valid, or one that this build has no engine for.
pub(super) fn url(options: &Options) -> Result<Option<Arc<StoreUrl>>, Error> {
    match &options.store {
        StoreChoice::None => Ok(None),
        StoreChoice::At(url) => Ok(Some(Arc::clone(url))),
        StoreChoice::Environment => from_environment(),
    }
}

/// The value may have a password in it, and is not repeated.
fn from_environment() -> Result<Option<Arc<StoreUrl>>, Error> {
    let Some(value) = environment::raw(VARIABLE) else { return Ok(None) };
    let invalid =
        |reason: &str| Error::invalid(format!("{VARIABLE} in the environment is not a token store: {reason}"));
    let text = value.to_str().ok_or_else(|| invalid("it is not UTF-8"))?.trim_ascii();
    if text.is_empty() || text == "none" {
        return Ok(None);
    }
    let url = StoreUrl::parse(text).map_err(invalid)?;
    match url.missing_engine() {
        None => Ok(Some(Arc::new(url))),
        Some((reason, hint)) => {
            let message = format!("{VARIABLE} in the environment names a token store, but {reason}");
            Err(Error::missing_engine(message).with_hint(hint))
        }
    }
}
