//! The JSON file of the b2 tool's first versions. The tool converts it when it next runs.

use std::borrow::Cow;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::RawAccount;
use super::file_error::FileError;

#[derive(Deserialize)]
struct OldAccount<'t> {
    #[serde(borrow)]
    account_id: Cow<'t, str>,
    #[serde(borrow)]
    application_key: Cow<'t, str>,
    #[serde(borrow)]
    realm: Cow<'t, str>,
}

/// The error for any file that is not the tool's.
pub(super) fn not_a_b2_database() -> FileError {
    FileError::not_a_b2_database("is not a database of the b2 tool")
}

/// The account in such a file.
pub(super) fn read(text: &[u8]) -> Result<RawAccount, FileError> {
    // serde's own message may quote the file.
    let old: OldAccount<'_> = serde_json::from_slice(text).map_err(|_| not_a_b2_database())?;
    let zeroizing = |text: Cow<'_, str>| Zeroizing::new(text.into_owned().into_bytes());
    let realm = Some(zeroizing(old.realm)).filter(|realm| !realm.trim_ascii().is_empty());
    Ok(RawAccount { key_id: zeroizing(old.account_id), key: zeroizing(old.application_key), realm })
}
