//! Whether the token store works, if one is set.

use std::time::{Duration, Instant};

use super::human;
use super::report::Step;
use crate::authorize::Runtime;
use crate::credentials::Identity;
use crate::diag::error::Error;
use crate::options::Options;
use crate::ports::limits::Limits;
use crate::store::{self, Inspection, StoreRequest};

pub(super) const NAME: &str = "store";

/// What came of a look at the store; `None` if there is none.
pub(super) type Inspected = Result<Option<(Inspection, Duration)>, Error>;

/// Looks at the store that calls with these options use for this key.
pub(super) fn inspect(runtime: Runtime<'_>, identity: &Identity, options: &Options, limits: &Limits<'_>) -> Inspected {
    let Some(credentials) = identity.credentials() else { return Ok(None) };
    let start = Instant::now();
    let opened = store::open(StoreRequest {
        application_key: credentials.key(),
        key_id: identity.key_id(),
        realm: identity.realm().as_str(),
        host: identity.realm().host(),
        options,
        env: runtime.env,
        shared: runtime.shared,
        limits: *limits,
        refresh_only: false,
        attempts_made: 0,
        log: &|_, _| {},
    })?;
    Ok(opened.map(|store| (store.inspect(), start.elapsed())))
}

pub(super) fn step(inspected: Option<&Inspected>, options: &Options) -> Step {
    let (found, took) = match inspected {
        None => return Step::skipped(NAME, "there is no key to look for"),
        Some(Ok(None)) => return Step::skipped(NAME, "none is set: each process asks B2 for itself"),
        Some(Ok(Some((found, took)))) => (found, *took),
        Some(Err(error)) => return Step::failed_by(NAME, error),
    };
    let place = &found.place;
    let step = match (&found.trouble, found.age_ms) {
        (None, Some(age)) => {
            Step::ok(NAME, format!("{place} has a session for this key, {} old", human(Duration::from_millis(age))))
        }
        (None, None) => Step::ok(NAME, format!("{place} can be used, and has no session for this key")),
        (Some(why), _) if options.store_required => {
            let advice = "mend the store, or set store_required to 0: then B2 is asked without it";
            Step::failed(NAME, format!("{place} cannot be used: {why}"), Some(advice))
        }
        (Some(why), _) if found.is_readable => Step::ok(NAME, format!("{place} can be read, and not written: {why}"))
            .warn("mend the store: no new token gets into it"),
        (Some(why), _) => Step::ok(NAME, format!("{place} cannot be used: {why}"))
            .warn("mend the store: until then each process asks B2 for itself"),
    };
    step.took(Some(took)).detail("place", place.as_str())
}
