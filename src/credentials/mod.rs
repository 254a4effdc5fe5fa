//! Whose session a call wants: what it was given, else what the environment holds, else the b2 command-line tool's file.

#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod b2_tool;
#[cfg(not(all(feature = "b2-tool", not(loom))))]
#[path = "b2_tool_disabled.rs"]
mod b2_tool;
mod pair;
mod refusal_hint;
mod sources;
#[cfg(test)]
mod tests;
mod validate;

use crate::diag::error::Error;
use crate::model::cache_key::{CacheKey, CacheScope};
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::{self, environment};

#[cfg(all(fuzzing, feature = "b2-tool"))]
pub(crate) use b2_tool::read_alone as read_database;
pub(crate) use pair::{Credentials, Source};
use sources::{Found, Sources};

/// Whose session a call wants, and the key to ask for it with, unless reading that was put off.
pub(crate) struct Identity {
    key_id: String,
    realm: Realm,
    cache_key: CacheKey,
    key: Key,
}

enum Key {
    Loaded(Credentials),
    /// In the b2 tool's file, which is unchanged since it was last read.
    InFile {
        /// The key ID that the caller gave, if it gave one.
        wanted: Option<String>,
    },
}

/// Whether what is remembered of a file is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    UnlessCached,
    Always,
}

/// Finds out whose session is wanted. The key may be left where it is until it is needed: see [`Identity::load`].
///
/// # Errors
/// If there is no key, or one that cannot be sent. Every source that was tried is named.
pub(crate) fn resolve(key_id: &[u8], key: &[u8], options: &Options) -> Result<Identity, Error> {
    resolve_with(key_id, key, options, Read::UnlessCached)
}

fn resolve_with(key_id: &[u8], key: &[u8], options: &Options, read: Read) -> Result<Identity, Error> {
    let realm = options.realm.as_ref().map_err(Clone::clone)?;
    let sources = Sources {
        variable: &environment::raw,
        raised_rights: platform::has_raised_rights(),
        b2_tool: &|wanted| b2_tool::find(options, wanted, read),
    };
    let (key_id, key) = (key_id.trim_ascii(), key.trim_ascii());
    Ok(match sources.find(key_id, key)? {
        Found::Pair { credentials, realm: own } => Identity {
            key_id: credentials.key_id().to_owned(),
            cache_key: cache_key(options, own.as_ref(), &credentials),
            realm: own.unwrap_or_else(|| realm.clone()),
            key: Key::Loaded(credentials),
        },
        Found::Cached { key_id: cached_id, cache_key, realm: own } => Identity {
            key_id: cached_id,
            cache_key,
            realm: own.unwrap_or_else(|| realm.clone()),
            key: Key::InFile { wanted: std::str::from_utf8(key_id).ok().map(str::to_owned) },
        },
    })
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
            Key::InFile { .. } => None,
        }
    }

    /// The identity with its key, read now. It may be another one, if the source has changed.
    ///
    /// # Errors
    /// As [`resolve`].
    pub(crate) fn load(&self, options: &Options) -> Result<Self, Error> {
        let wanted = match &self.key {
            Key::InFile { wanted } => wanted.as_deref().unwrap_or_default(),
            Key::Loaded(_) => &self.key_id,
        };
        resolve_with(wanted.as_bytes(), b"", options, Read::Always)
    }
}
