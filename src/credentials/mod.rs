//! Whose session a call wants: what it was given, else what the environment holds, else the b2 command-line tool's file.

#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod b2_tool;
#[cfg(not(all(feature = "b2-tool", not(loom))))]
#[path = "b2_tool_disabled.rs"]
mod b2_tool;
mod memo;
mod pair;
mod refusal_hint;
mod shape;
mod sources;
#[cfg(test)]
mod tests;
mod validate;

use std::cell::Cell;
use std::sync::Arc;

use crate::diag::error::{Error, Status};
use crate::model::cache_key::{CacheKey, CacheScope};
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::{self, environment};
use crate::ports::limits::{Limits, Stop};

#[cfg(all(fuzzing, feature = "b2-tool"))]
pub(crate) use b2_tool::read_alone as read_database;
#[cfg(not(loom))]
pub(crate) use memo::LOCKS;
pub(crate) use pair::{Credentials, Source};
pub(crate) use shape::shown_key_id;
use sources::{Found, Sources, Unavailable};

/// Whose session a call wants, and the key to ask for it with, unless reading that was put off.
pub(crate) struct Identity {
    key_id: String,
    realm: Realm,
    cache_key: CacheKey,
    key: Key,
}

enum Key {
    Loaded(Arc<Credentials>),
    /// In the environment or in the b2 tool's file, as it was when that was last read.
    NotLoaded {
        /// The key ID that the caller gave; blank if it gave none.
        wanted: String,
    },
}

/// Whether what is remembered of a source is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    UnlessCached,
    Always,
}

/// Finds out whose session is wanted. The key may be left where it is until it is needed: see [`Identity::load`].
///
/// # Errors
/// If there is no key, or one that cannot be sent. Every source that was tried is named.
pub(crate) fn resolve(key_id: &[u8], key: &[u8], options: &Options, limits: &Limits<'_>) -> Result<Identity, Error> {
    let (key_id, key) = (key_id.trim_ascii(), key.trim_ascii());
    if options.given_credentials_only && key.is_empty() {
        options.realm.as_ref().map_err(Clone::clone)?;
        return Err(not_given(key_id));
    }
    if options.realm.is_ok()
        && key.is_empty()
        && let Some(identity) = memo::recall(options, key_id)
    {
        return Ok(identity);
    }
    find(key_id, key, options, limits, Read::UnlessCached)
}

fn find(key_id: &[u8], key: &[u8], options: &Options, limits: &Limits<'_>, read: Read) -> Result<Identity, Error> {
    let realm = options.realm.as_ref().map_err(Clone::clone)?;
    // What is remembered stays as long as its source is not known to be without a key.
    let is_definite = Cell::new(true);
    let look_at_file = |wanted: Option<&str>| {
        b2_tool::find(options, wanted, read, limits).inspect_err(|unavailable| {
            is_definite.set(matches!(unavailable, Unavailable::NotFound(missing) if !missing.is_temporary));
        })
    };
    let sources = Sources {
        variable: &environment::raw,
        raised_rights: platform::has_raised_rights(),
        b2_tool: &look_at_file,
        stopped: &stopped,
    };
    let found = sources.find(key_id, key).inspect_err(|_| {
        if is_definite.get() {
            memo::forget(options, key_id);
        }
    })?;
    let (identity, place) = match found {
        Found::Pair { credentials, realm: own, place } => {
            let identity = Identity {
                key_id: credentials.key_id().to_owned(),
                cache_key: cache_key(options, own.as_ref(), &credentials),
                realm: own.unwrap_or_else(|| realm.clone()),
                key: Key::Loaded(credentials),
            };
            (identity, place)
        }
        Found::Cached { key_id: cached_id, cache_key, realm: own, place } => {
            let wanted = String::from_utf8_lossy(key_id).into_owned();
            let realm = own.unwrap_or_else(|| realm.clone());
            let identity = Identity { key_id: cached_id, cache_key, realm, key: Key::NotLoaded { wanted } };
            (identity, Some(place))
        }
    };
    match identity.credentials().map(Credentials::source) {
        Some(Source::Call) => {}
        // A file that changed just now may change again without showing it.
        Some(Source::File(_)) if place.is_none() => memo::forget(options, key_id),
        _ => memo::remember(options, key_id, &identity, place),
    }
    Ok(identity)
}

/// The error of a call that was given no key, and may not look for one.
fn not_given(key_id: &[u8]) -> Error {
    let what = if key_id.is_empty() { "no application key was given" } else { "a key ID was given without its key" };
    Error::new(Status::NoCredentials, format!("{what}, and the option credentials forbids to look for one"))
        .with_hint("give the key ID and the key in the call, or set the option credentials to any")
}

/// The error of a call whose limits ended the reading of a file.
fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Cancelled => Error::new(Status::Cancelled, "the call was cancelled while it was looking for a key"),
        Stop::Deadline => Error::new(Status::Timeout, "no application key was found in the time allowed").with_hint(
            "give the key in the call, or check the file system of the b2 tool's database and this machine's user database",
        ),
    }
}

/// What a session for these credentials is cached under. `own_realm` came with them, and is the one to use.
fn cache_key(options: &Options, own_realm: Option<&Realm>, credentials: &Credentials) -> CacheKey {
    let within =
        |scope: &CacheScope| CacheKey::new(scope, credentials.key_id().as_bytes(), credentials.key().as_bytes());
    match own_realm {
        None => within(options.scope()),
        Some(realm) => within(&CacheScope::new(realm, options.ca_file.as_deref())),
    }
}

impl Identity {
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key ID for messages, if it is sure to be no secret.
    pub(crate) fn shown_key_id(&self) -> Option<&str> {
        shape::shown_key_id(&self.key_id, self.credentials().map(Credentials::key))
    }

    pub(crate) fn realm(&self) -> &Realm {
        &self.realm
    }

    pub(crate) fn cache_key(&self) -> CacheKey {
        self.cache_key
    }

    /// The key, unless reading it was put off.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        match &self.key {
            Key::Loaded(credentials) => Some(credentials),
            Key::NotLoaded { .. } => None,
        }
    }

    /// The identity with its key, read now. It may be another one, if the source has changed.
    ///
    /// # Errors
    /// As [`resolve`].
    pub(crate) fn load(&self, options: &Options, limits: &Limits<'_>) -> Result<Self, Error> {
        let wanted = match &self.key {
            Key::NotLoaded { wanted } => wanted,
            Key::Loaded(_) => &self.key_id,
        };
        find(wanted.as_bytes(), b"", options, limits, Read::Always)
    }
}
