//! The database of the b2 command-line tool, where `b2 account authorize` leaves a key.
//!
//! It is only read: never created, migrated, or locked for longer than a read takes. What was read is remembered without
//! the key, so that a call which needs no request does not open it again.

mod cache;
mod file_error;
mod fingerprint;
mod json_format;
mod location;
mod reader;
mod sqlite;
#[cfg(feature = "c-library")]
mod sqlite_alloc;

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::sources::{Found, NotFound};
use super::validate::Field;
use super::{Credentials, Read, Source, cache_key};
use crate::diag::error::Error;
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::environment;

use cache::{Cached, FileKey};
use file_error::FileError;
use fingerprint::Fingerprint;
use location::{Candidate, LookupEnv};

pub(crate) use cache::FILES;
pub(crate) use reader::READER;
#[cfg(feature = "test-hooks")]
pub(crate) use reader::count;

/// A thousand times the size of the tool's database.
const MAX_SIZE: u64 = 16 * 1024 * 1024;
/// How long a reader waits for a writer.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);

/// What a file contains, not yet validated.
struct RawAccount {
    key_id: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    realm: Option<Zeroizing<Vec<u8>>>,
}

/// Reads the first file that exists; `wanted` is the only key ID that will do.
pub(super) fn find(options: &Options, wanted: Option<&str>, read: Read) -> Result<Found, NotFound> {
    let env = LookupEnv { variable: &environment::raw, home: &reader::home };
    let candidates = location::candidates(options, &env);
    if candidates.is_empty() {
        let message = "the b2 tool's database was not looked for, since no home directory is known".into();
        return Err(NotFound { message, hint: None });
    }
    let mut reasons = Vec::new();
    for candidate in &candidates {
        match fs::metadata(&candidate.path) {
            Ok(metadata) => {
                let error = match look_into(options, wanted, read, &candidate.path, &metadata) {
                    Ok(found) => return Ok(found),
                    Err(error) => error,
                };
                reasons.push(describe(candidate, &error));
                return Err(not_found(&reasons, error.hint, options));
            }
            Err(error) => reasons.push(describe(candidate, &FileError::io(&error))),
        }
    }
    Err(not_found(&reasons, Some(file_error::AUTHORIZE), options))
}

fn describe(candidate: &Candidate, error: &FileError) -> String {
    let named_by = candidate.named_by.map_or(String::new(), |name| format!(" ({name})"));
    format!("{}{named_by} {}", candidate.path.display(), error.reason)
}

fn not_found(reasons: &[String], hint: Option<&str>, options: &Options) -> NotFound {
    let hint = hint.map(|hint| match &options.profile {
        Some(profile) if hint == file_error::AUTHORIZE => format!("{hint} --profile {profile}"),
        _ => hint.to_owned(),
    });
    NotFound { message: format!("the b2 tool's database {}", reasons.join("; ")), hint }
}

fn look_into(
    options: &Options,
    wanted: Option<&str>,
    read: Read,
    path: &Path,
    metadata: &Metadata,
) -> Result<Found, FileError> {
    if !metadata.is_file() {
        return Err(FileError::not_a_b2_database("is not a file"));
    }
    if metadata.len() == 0 {
        return Err(FileError { reason: "is empty".into(), ..FileError::unauthorized() });
    }
    if metadata.len() > MAX_SIZE {
        return Err(FileError::not_a_b2_database("is too large to be one"));
    }
    let check_key_id = |key_id: &str| match wanted {
        Some(wanted) if wanted != key_id => Err(FileError::another_key()),
        _ => Ok(()),
    };
    let file_key = FileKey::new(options, path);
    let fingerprint = Fingerprint::of(metadata);
    // A statement of its own, so that the lock is not held while a file is read.
    let cached = FILES.lock().get(file_key, &fingerprint);
    match (cached, read) {
        (Some(Err(error)), _) => return Err(error),
        (Some(Ok(Cached { key_id, cache_key, realm })), Read::UnlessCached) => {
            check_key_id(&key_id)?;
            return Ok(Found::Cached { key_id, cache_key, realm });
        }
        _ => {}
    }
    let read_at = SystemTime::now();
    let busy_timeout = options.total().map_or(BUSY_TIMEOUT, |total| total.min(BUSY_TIMEOUT));
    let result = reader::read(path, metadata, busy_timeout).and_then(|account| credentials(&account, options, path));
    let content = match &result {
        Ok((credentials, realm)) => {
            let key_id = credentials.key_id().to_owned();
            let cache_key = cache_key(options, realm.as_ref(), credentials);
            Some(Ok(Cached { key_id, cache_key, realm: realm.clone() }))
        }
        Err(error) => error.cacheable.then(|| Err(error.clone())),
    };
    if let Some(content) = content {
        FILES.lock().insert(file_key, fingerprint, read_at, content);
    }
    let (credentials, realm) = result?;
    check_key_id(credentials.key_id())?;
    Ok(Found::Pair { credentials, realm })
}

/// The key ID and the key in a file, or all that is reported of one without them.
#[cfg(fuzzing)]
pub(crate) fn read_alone(path: &Path) -> Result<(String, Zeroizing<String>), String> {
    let options = Options::new();
    let read = fs::metadata(path).map_err(|error| FileError::io(&error)).and_then(|metadata| {
        let account = reader::read(path, &metadata, Duration::ZERO)?;
        credentials(&account, &options, path)
    });
    match read {
        Ok((found, _)) => Ok((found.key_id().to_owned(), Zeroizing::new(found.key().to_owned()))),
        Err(error) => Err(format!("{} {}", error.reason, error.hint.unwrap_or_default())),
    }
}

/// Validates what the file contains by the rules for what a caller gives.
fn credentials(
    account: &RawAccount,
    options: &Options,
    path: &Path,
) -> Result<(Credentials, Option<Realm>), FileError> {
    let invalid = |error: Error| {
        let detail = error.hint().map_or(String::new(), |hint| format!(" ({hint})"));
        FileError::unusable(format!("{}{detail}", error.message()))
    };
    let value = |bytes: &'_ [u8], name: &str| {
        if bytes.trim_ascii().is_empty() { Err(FileError::unusable(format!("{name} is blank"))) } else { Ok(()) }
    };
    value(&account.key_id, "its key ID")?;
    value(&account.key, "its application key")?;
    let (key_id, key) = (account.key_id.trim_ascii(), account.key.trim_ascii());
    let source = Source::File(path.into());
    let credentials = Credentials::new(key_id, Field::FILED_KEY_ID, key, Field::FILED_KEY, source).map_err(invalid)?;
    let realm = if options.realm_is_default { Some(realm(account)?) } else { None };
    Ok((credentials, realm))
}

fn realm(account: &RawAccount) -> Result<Realm, FileError> {
    let Some(bytes) = &account.realm else { return Err(FileError::realm("it is blank")) };
    match std::str::from_utf8(bytes).map(str::trim_ascii) {
        // The tool's name for a server that speaks plain http.
        Ok("dev") => Err(FileError::realm("dev is not served over https")),
        Ok(name) => Realm::parse(name).map_err(|invalid| FileError::realm(invalid.reason)),
        Err(_) => Err(FileError::realm("it is not a URL")),
    }
}
