//! The step that shows all that is in a token store, and removes what is dead.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::human;
use super::report::Step;
use super::store::NAME;
use crate::diag::error::{Error, Status};
use crate::options::{Diagnosed, Options};
use crate::ports::limits::Limits;
use crate::store::{self, Contents, Entry, Purge};

/// Looks through the store. It takes no key, and nobody is asked for a token.
///
/// # Errors
/// If there is no store, or it cannot be used.
pub(super) fn step(options: &Options, limits: &Limits<'_>) -> Result<Step, Error> {
    let start = Instant::now();
    let purge = if options.diagnose == Diagnosed::Purge { Purge::Yes } else { Purge::No };
    let Some(contents) = store::contents(options, purge, limits)? else {
        return Err(Error::new(Status::InvalidArgument, "no token store is set")
            .with_hint("set the option store, or B2_TOKEN_STORE"));
    };
    Ok(shown(&contents).took(Some(start.elapsed())))
}

fn shown(contents: &Contents) -> Step {
    let count = |is: fn(&&Entry) -> bool| contents.entries.iter().filter(is).count();
    let records = || contents.entries.iter().filter(|entry| entry.is_record());
    let (number, bytes) = (records().count(), records().map(|entry| entry.bytes).sum::<u64>());
    let (dead, removed) = (count(|entry| entry.is_dead), count(|entry| entry.is_removed));
    let mut summary = format!("{} has {number} records of {bytes} bytes", contents.place);
    if let Some(oldest) = records().filter_map(|entry| entry.age_ms).max() {
        summary += &format!(", the oldest {} old", human(Duration::from_millis(oldest)));
    }
    summary += &format!("; {dead} dead, {removed} removed");
    Step::ok(NAME, summary)
        .detail("place", contents.place.as_str())
        .detail("records", number)
        .detail("bytes", bytes)
        .detail("dead", dead)
        .detail("removed", removed)
        .detail("whole", contents.is_whole)
        .detail("entries", contents.entries.iter().map(described).collect::<Value>())
}

fn described(entry: &Entry) -> Value {
    let members = [
        ("name", entry.name.as_str().into()),
        ("kind", entry.kind.name().into()),
        ("bytes", entry.bytes.into()),
        ("ageMs", entry.age_ms.into()),
        ("endsInMs", entry.left_ms.into()),
        ("dead", entry.is_dead.into()),
        ("removed", entry.is_removed.into()),
    ];
    Value::Object(members.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect())
}
