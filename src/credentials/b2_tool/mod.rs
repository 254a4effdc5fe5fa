//! The database of the b2 command-line tool, where `b2 account authorize` leaves a key.
//!
//! It is only read: never created, migrated, or locked for longer than a read takes. What was read is remembered without
//! the key, so that a call which needs no request does not open it again.

mod cache;
mod file_error;
mod home;
mod json_format;
mod location;
mod reader;
mod sqlite;
#[cfg(feature = "c-library")]
mod sqlite_alloc;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::sources::{Found, NotFound, Unavailable};
use super::validate::Field;
use super::{Credentials, Read, Source, cache_key};
use crate::diag::error::Error;
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::blocking::{BlockingError, BlockingTasks};
use crate::platform::environment;
use crate::platform::fingerprint::Fingerprint;
use crate::platform::fork_mutex::AtFork;
use crate::ports::limits::{Limits, Stop};

use cache::{Cached, FileKey};
use file_error::FileError;
use location::Candidate;

#[cfg(feature = "test-hooks")]
pub(crate) use reader::count;

/// Some fifty times the size of the tool's database.
const MAX_SIZE: u64 = 1024 * 1024;

/// Files that are being read: a file system that hangs hangs a thread of ours, and no caller for longer than it allows.
static READS: BlockingTasks<u128, Arc<Result<Found, NotFound>>> = BlockingTasks::new("b2auth file", 4, Duration::ZERO);

/// What a fork locks. First the barrier: a thread that is inside may need the others to get out.
pub(crate) static LOCKS: [&dyn AtFork; 4] = [&reader::BARRIER, &READS, &home::HOME, &cache::FILES];

/// What a file contains, not yet validated.
struct RawAccount {
    key_id: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    realm: Option<Zeroizing<Vec<u8>>>,
}

/// What to look for. It is all that a thread needs to find it.
#[derive(Clone)]
struct Search {
    options: Options,
    /// The variables that say where the file is.
    variables: Vec<(&'static str, Option<OsString>)>,
    /// The only key ID that will do.
    wanted: Option<String>,
    read: Read,
}

/// Reads the first file that exists; `wanted` is the only key ID that will do.
pub(super) fn find(
    options: &Options,
    wanted: Option<&str>,
    read: Read,
    limits: &Limits<'_>,
) -> Result<Found, Unavailable> {
    let variables = location::VARIABLES.map(|name| (name, environment::raw(name)));
    let options = options.detached();
    let search = Search { options, variables: variables.to_vec(), wanted: wanted.map(str::to_owned), read };
    let key = search.digest();
    let check = || limits.stop().map_or_else(|| Ok(limits.poll_interval()), Err);
    let failed = |message: String, hint: &str| {
        Unavailable::NotFound(NotFound { message, hint: Some(hint.to_owned()), is_temporary: true })
    };
    match READS.run(key, check, move || Arc::new(search.run())) {
        Ok(result) => Result::clone(&result).map_err(Unavailable::NotFound),
        Err(BlockingError::Stopped(Stop::Cancelled)) => Err(Unavailable::Stopped(Stop::Cancelled)),
        Err(BlockingError::Stopped(Stop::Deadline)) => Err(Unavailable::Stopped(Stop::Deadline)),
        Err(BlockingError::TooMany(count)) => Err(failed(
            format!("the b2 tool's database was not read, since {count} such reads hang already"),
            "check the file system that it lies on, and the user database",
        )),
        Err(BlockingError::NoThread(_)) => Err(failed(
            "the b2 tool's database was not read, since no thread could be started".to_owned(),
            "find what starts so many, or raise the limit (ulimit -u)",
        )),
    }
}

impl Search {
    fn run(&self) -> Result<Found, NotFound> {
        let variable = |name: &str| {
            let row = self.variables.iter().find(|(known, _)| *known == name)?;
            row.1.clone()
        };
        let candidates = location::candidates(&self.options, &variable, &home::of);
        if candidates.is_empty() && reader::BARRIER.enter().is_none() {
            let message =
                "the b2 tool's database was not looked for: this process was forked while its parent was asking for \
                           the home directory"
                    .into();
            return Err(NotFound { message, hint: Some(file_error::FORKED.into()), is_temporary: true });
        }
        if candidates.is_empty() {
            let message = "the b2 tool's database was not looked for, since no home directory is known".into();
            return Err(NotFound { message, hint: None, is_temporary: true });
        }
        let mut reasons = Vec::new();
        for candidate in &candidates {
            let error = match self.look_into(&candidate.path) {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            reasons.push(describe(candidate, &error));
            if !error.is_absent {
                let is_temporary = !error.cacheable;
                return Err(NotFound { is_temporary, ..not_found(&reasons, error.hint, &self.options) });
            }
        }
        Err(not_found(&reasons, Some(file_error::AUTHORIZE), &self.options))
    }

    /// Equal for equal searches. Within the scope, which stands for the realm and the trust.
    fn digest(&self) -> u128 {
        let mut text = Vec::new();
        let mut add = |part: Option<&[u8]>| {
            text.extend_from_slice(&part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
            text.extend_from_slice(part.unwrap_or_default());
        };
        let Options { profile, account_info, realm_is_default, .. } = &self.options;
        add(profile.as_deref().map(str::as_bytes));
        add(account_info.as_deref().map(|path| path.as_os_str().as_encoded_bytes()));
        for (_, value) in &self.variables {
            add(value.as_deref().map(|value| value.as_encoded_bytes()));
        }
        add(self.wanted.as_deref().map(str::as_bytes));
        add(Some(&[u8::from(*realm_is_default), u8::from(self.read == Read::Always)]));
        self.options.scope().digest(&text)
    }

    fn look_into(&self, path: &Path) -> Result<Found, FileError> {
        let opened = reader::open(path)?;
        let (fingerprint, is_local) = (opened.fingerprint, opened.is_local);
        let file_key = FileKey::new(&self.options, path);
        let cached = cache::FILES.lock().get(file_key, &fingerprint);
        match (cached, self.read) {
            (Some(Err(error)), _) => return Err(error),
            (Some(Ok(Cached { key_id, cache_key, realm })), Read::UnlessCached) => {
                self.check_key_id(&key_id)?;
                let place = Place { path: path.to_owned(), fingerprint, is_local };
                return Ok(Found::Cached { key_id, cache_key, realm, place });
            }
            _ => {}
        }
        let read_at = SystemTime::now();
        let result = reader::read(opened, path).and_then(|account| credentials(&account, &self.options, path));
        let content = match &result {
            Ok((credentials, realm)) => {
                let key_id = credentials.key_id().to_owned();
                let cache_key = cache_key(&self.options, realm.as_ref(), credentials);
                Some(Ok(Cached { key_id, cache_key, realm: realm.clone() }))
            }
            Err(error) => error.cacheable.then(|| Err(error.clone())),
        };
        let is_stable = fingerprint.is_stable(read_at);
        if let Some(content) = content {
            cache::FILES.lock().insert(file_key, fingerprint, read_at, content);
        }
        let (credentials, realm) = result?;
        self.check_key_id(credentials.key_id())?;
        let place = is_stable.then(|| Place { path: path.to_owned(), fingerprint, is_local });
        Ok(Found::Pair { credentials: Arc::new(credentials), realm, place })
    }

    fn check_key_id(&self, key_id: &str) -> Result<(), FileError> {
        match &self.wanted {
            Some(wanted) if wanted != key_id => Err(FileError::another_key()),
            _ => Ok(()),
        }
    }
}

/// A file that was read, by which a later call tells whether it has changed.
#[derive(Clone)]
pub(crate) struct Place {
    path: PathBuf,
    fingerprint: Fingerprint,
    is_local: bool,
}

impl Place {
    /// True if the file is unchanged, and asking that could not hang.
    pub(super) fn is_unchanged(&self) -> bool {
        let metadata = || std::fs::metadata(&self.path);
        self.is_local && metadata().is_ok_and(|metadata| Fingerprint::of(&metadata) == self.fingerprint)
    }
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
    NotFound { message: format!("the b2 tool's database {}", reasons.join("; ")), hint, is_temporary: false }
}

/// The key ID and the key in a file, or all that is reported of one without them.
#[cfg(fuzzing)]
pub(crate) fn read_alone(path: &Path) -> Result<(String, Zeroizing<String>), String> {
    let options = Options::new();
    let read = reader::open(path).and_then(|opened| {
        let account = reader::read(opened, path)?;
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
