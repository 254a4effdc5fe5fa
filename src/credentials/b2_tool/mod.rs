//! The database of the b2 command-line tool, where `b2 account authorize` leaves a key.
//!
//! It is read and nothing else: not made, not migrated, and locked no longer than a read takes. What was read is
//! remembered without the key, so that a call which needs no request does not open it again.

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

use super::validate::{Field, checked};
use super::{Absent, Credentials, Found, Look, Source};
use crate::diag::error::Error;
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::environment;
use crate::state::Shared;

use cache::{Known, Question};
use file_error::Problem;
use fingerprint::Stamp;
use location::{Place, Surroundings};

pub(crate) use cache::Memory;
#[cfg(feature = "test-hooks")]
pub(crate) use reader::count;
pub(crate) use reader::{Held, hold};

/// A thousand times what the tool's database has.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How long a reader waits for a writer.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a file says, unchecked.
struct Account {
    key_id: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    realm: Option<Zeroizing<Vec<u8>>>,
}

/// Looks into the first database that is there; `wanted` is the only key ID that will do.
pub(super) fn find(shared: &Shared, options: &Options, wanted: Option<&str>, look: Look) -> Result<Found, Absent> {
    let around = Surroundings { variable: &environment::raw, home: &reader::home };
    let places = location::places(options, &around);
    if places.is_empty() {
        let said = "the b2 tool's database was not looked for, since no home directory is known".into();
        return Err(Absent { said, hint: None });
    }
    let mut reasons = Vec::new();
    for place in &places {
        match fs::metadata(&place.path) {
            Ok(data) => {
                let problem = match look_into(shared, options, wanted, look, &place.path, &data) {
                    Ok(found) => return Ok(found),
                    Err(problem) => problem,
                };
                reasons.push(told(place, &problem));
                return Err(absent(&reasons, problem.hint, options));
            }
            Err(error) => {
                let problem = Problem::io(&error);
                reasons.push(told(place, &problem));
            }
        }
    }
    Err(absent(&reasons, Some(file_error::AUTHORIZE), options))
}

fn told(place: &Place, problem: &Problem) -> String {
    let named_by = place.named_by.map_or(String::new(), |name| format!(" ({name})"));
    format!("{}{named_by} {}", place.path.display(), problem.reason)
}

fn absent(reasons: &[String], hint: Option<&str>, options: &Options) -> Absent {
    let hint = hint.map(|hint| match &options.profile {
        Some(profile) if hint == file_error::AUTHORIZE => format!("{hint} --profile {profile}"),
        _ => hint.to_owned(),
    });
    Absent { said: format!("the b2 tool's database {}", reasons.join("; ")), hint }
}

fn look_into(
    shared: &Shared,
    options: &Options,
    wanted: Option<&str>,
    look: Look,
    path: &Path,
    data: &Metadata,
) -> Result<Found, Problem> {
    if !data.is_file() {
        return Err(Problem::foreign("is not a file"));
    }
    if data.len() == 0 {
        return Err(Problem { reason: "is empty".into(), ..Problem::unauthorized() });
    }
    if data.len() > LARGEST {
        return Err(Problem::foreign("is too large to be one"));
    }
    let right = |key_id: &str| match wanted {
        Some(wanted) if wanted != key_id => Err(Problem::another_key()),
        _ => Ok(()),
    };
    let question = Question::new(options, path);
    let stamp = Stamp::of(data);
    // Bound first, so that the lock is not held while a file is read.
    let known = shared.lock().databases.recall(question, &stamp);
    match (known, look) {
        (Some(Err(problem)), _) => return Err(problem),
        (Some(Ok(known)), Look::Remember) => {
            right(&known.key_id)?;
            return Ok(Found::Known(known.cache_key));
        }
        _ => {}
    }
    let settled = stamp.is_settled(SystemTime::now());
    let patience = options.total().map_or(PATIENCE, |total| total.min(PATIENCE));
    let read = reader::read(path, data, patience).and_then(|account| credentials(&account, options, path));
    let to_remember = match &read {
        Ok(found) => Some(Ok(Known { key_id: found.key_id.clone(), cache_key: found.cache_key(options) })),
        Err(problem) => problem.lasts.then(|| Err(problem.clone())),
    };
    if let Some(content) = to_remember.filter(|_| settled) {
        shared.lock().databases.remember(question, stamp, content);
    }
    let found = read?;
    right(&found.key_id)?;
    Ok(Found::Pair(found))
}

/// The key ID and the key in a file, or all that is said of one that serves for nothing.
#[cfg(fuzzing)]
pub(crate) fn read_alone(path: &Path) -> Result<(String, Zeroizing<String>), String> {
    let options = Options::new();
    let read = fs::metadata(path).map_err(|error| Problem::io(&error)).and_then(|data| {
        let account = reader::read(path, &data, Duration::ZERO)?;
        credentials(&account, &options, path)
    });
    match read {
        Ok(found) => Ok((found.key_id, found.key)),
        Err(problem) => Err(format!("{} {}", problem.reason, problem.hint.unwrap_or_default())),
    }
}

/// Checks what the file says by the rules for what a caller gives.
fn credentials(account: &Account, options: &Options, path: &Path) -> Result<Credentials, Problem> {
    let refused = |error: Error| {
        let detail = error.hint().map_or(String::new(), |hint| format!(" ({hint})"));
        Problem::unusable(format!("{}{detail}", error.message()))
    };
    let value = |bytes: &[u8], field: Field, name: &str| {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Err(Problem::unusable(format!("{name} is blank")));
        }
        checked(bytes, field).map(str::to_owned).map_err(refused)
    };
    let key_id = value(&account.key_id, Field::FILED_KEY_ID, "its key ID")?;
    let key = Zeroizing::new(value(&account.key, Field::FILED_KEY, "its application key")?);
    let realm = if options.realm_is_default { Some(realm(account)?) } else { None };
    Ok(Credentials { key_id, key, realm, source: Source::Database(path.into()) })
}

fn realm(account: &Account) -> Result<Realm, Problem> {
    let Some(bytes) = &account.realm else { return Err(Problem::realm("it is blank")) };
    match std::str::from_utf8(bytes).map(str::trim_ascii) {
        // The tool's name for a server that speaks plain http.
        Ok("dev") => Err(Problem::realm("dev is not served over https")),
        Ok(name) => Realm::parse(name).map_err(|not| Problem::realm(not.problem)),
        Err(_) => Err(Problem::realm("it is not a URL")),
    }
}
