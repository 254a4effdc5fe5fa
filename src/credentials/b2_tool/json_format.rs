//! The file of the b2 tool's first versions, which was JSON. The tool converts it when it next runs.

use std::borrow::Cow;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Account;
use super::file_error::Problem;

#[derive(Deserialize)]
struct Old<'t> {
    #[serde(borrow)]
    account_id: Cow<'t, str>,
    #[serde(borrow)]
    application_key: Cow<'t, str>,
    #[serde(borrow)]
    realm: Cow<'t, str>,
}

/// What is said of any file that is not the tool's.
pub(super) fn foreign() -> Problem {
    Problem::foreign("is no database of the b2 tool")
}

/// The account in such a text.
pub(super) fn read(text: &[u8]) -> Result<Account, Problem> {
    // What serde has to say of it may quote it.
    let old: Old<'_> = serde_json::from_slice(text).map_err(|_| foreign())?;
    let wiped = |text: Cow<'_, str>| Zeroizing::new(text.into_owned().into_bytes());
    let realm = Some(wiped(old.realm)).filter(|realm| !realm.trim_ascii().is_empty());
    Ok(Account { key_id: wiped(old.account_id), key: wiped(old.application_key), realm })
}
