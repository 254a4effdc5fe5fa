//! Where credentials are looked for, in order: the call, the environment, the b2 tool's file.

use std::ffi::OsString;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::b2_tool::Place;
use super::pair::{Credentials, Source};
use super::validate::{Field, validate};
use crate::diag::error::{Error, Status};
use crate::model::cache_key::CacheKey;
use crate::model::realm::Realm;
use crate::ports::limits::Stop;

pub(super) const ID_VARIABLE: &str = "B2_APPLICATION_KEY_ID";
pub(super) const KEY_VARIABLE: &str = "B2_APPLICATION_KEY";

/// Variables that other programs read, or that people take for the right ones.
const NEAR_MISSES: [&str; 16] = [
    "B2_ACCOUNT_ID",
    "B2_ACCOUNT_KEY",
    "B2_KEY_ID",
    "B2_KEY",
    "B2_APP_KEY_ID",
    "B2_APP_KEY",
    "B2_APPLICATION_ID",
    "B2_APPLICATION_KEYID",
    "B2_APPLICATION_KEY_SECRET",
    "B2_SECRET_KEY",
    "B2_ACCESS_KEY_ID",
    "B2_APPLICATION_KEY_ID_FILE",
    "B2_APPLICATION_KEY_FILE",
    "BACKBLAZE_KEY_ID",
    "BACKBLAZE_APPLICATION_KEY_ID",
    "BACKBLAZE_APPLICATION_KEY",
];

/// What a source has.
#[derive(Clone)]
pub(super) enum Found {
    /// A key ID, its key, the realm that came with them if that is the one to use, and the file that they came from.
    Pair { credentials: Arc<Credentials>, realm: Option<Realm>, place: Option<Place> },
    /// The b2 tool's file is unchanged since it was last read; its session, if any, is cached under this key.
    #[allow(dead_code, reason = "not every build reads that file")]
    Cached { key_id: String, cache_key: CacheKey, realm: Option<Realm>, place: Place },
}

/// Why a source has nothing.
pub(super) enum Unavailable {
    NotFound(NotFound),
    /// The call's own limits ended the reading.
    #[allow(dead_code, reason = "not every build reads a file")]
    Stopped(Stop),
}

/// A source without a key: the part of the message about it, and what to do.
#[derive(Clone)]
pub(super) struct NotFound {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// It may have one all the same: it could not be read.
    pub(super) is_temporary: bool,
}

/// Where to look.
pub(super) struct Sources<'a> {
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Then `variable` finds nothing, and the message says why.
    pub(super) raised_rights: bool,
    /// The b2 tool's file, and the only key ID that will do.
    pub(super) b2_tool: &'a dyn Fn(Option<&str>) -> Result<Found, Unavailable>,
    /// The error of a call that its own limits ended.
    pub(super) stopped: &'a dyn Fn(Stop) -> Error,
}

impl Sources<'_> {
    pub(super) fn find(&self, key_id: &[u8], key: &[u8]) -> Result<Found, Error> {
        match (key_id.is_empty(), key.is_empty()) {
            (false, false) => Credentials::new(key_id, Field::KEY_ID, key, Field::KEY, Source::Call).map(Found::from),
            (true, false) => Err(Error::invalid("an application key was given without its key ID")
                .with_hint("give both, or neither to have a key found")),
            (false, true) => {
                let wanted = validate(key_id, Field::KEY_ID)?;
                match self.environment()? {
                    Some(pair) if pair.key_id.as_slice() == wanted.as_bytes() => pair.credentials().map(Found::from),
                    other => self.in_file(Some(wanted), Some(other.is_some())),
                }
            }
            (true, true) => match self.environment()? {
                Some(pair) => pair.credentials().map(Found::from),
                None => self.in_file(None, None),
            },
        }
    }

    fn in_file(&self, wanted: Option<&str>, other_key_in_env: Option<bool>) -> Result<Found, Error> {
        (self.b2_tool)(wanted).map_err(|unavailable| match unavailable {
            Unavailable::NotFound(missing) => self.nothing(other_key_in_env, missing),
            Unavailable::Stopped(stop) => (self.stopped)(stop),
        })
    }

    /// The variables' pair, trimmed but not yet validated: if it is another key's, it need not be valid.
    fn environment(&self) -> Result<Option<Variables>, Error> {
        let alone = |set: &str, unset: &str| {
            Error::invalid(format!("{set} is set in the environment, but {unset} is not set or blank"))
                .with_hint(format!("set {unset} too, or neither of the two"))
                .append_hint(self.near_miss())
        };
        match (self.value(ID_VARIABLE), self.value(KEY_VARIABLE)) {
            (Some(key_id), Some(key)) => Ok(Some(Variables { key_id, key })),
            (Some(_), None) => Err(alone(ID_VARIABLE, KEY_VARIABLE)),
            (None, Some(_)) => Err(alone(KEY_VARIABLE, ID_VARIABLE)),
            (None, None) => Ok(None),
        }
    }

    /// What is set, but under another name than is read.
    fn near_miss(&self) -> Option<String> {
        let set: Vec<_> = NEAR_MISSES.into_iter().filter(|name| self.value(name).is_some()).take(2).collect();
        let is = if set.len() == 1 { "is" } else { "are" };
        (!set.is_empty())
            .then(|| format!("{} {is} set, but {ID_VARIABLE} and {KEY_VARIABLE} are what is read", set.join(" and ")))
    }

    fn value(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let raw = Zeroizing::new((self.variable)(name)?.into_encoded_bytes());
        let trimmed = raw.trim_ascii();
        (!trimmed.is_empty()).then(|| Zeroizing::new(trimmed.to_vec()))
    }

    /// No source has a key. `other_key_in_env`: only one key ID would do, and whether the variables hold another one.
    fn nothing(&self, other_key_in_env: Option<bool>, missing: NotFound) -> Error {
        let sought = match other_key_in_env {
            Some(_) => "no application key for the given key ID",
            None => "no application key",
        };
        let variables = if self.raised_rights {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} were not read, since this program runs with raised rights")
        } else if other_key_in_env == Some(true) {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} in the environment hold another key")
        } else {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} are not set in the environment")
        };
        let message = format!("{sought}: {variables}; {}", missing.message);
        let set = match (self.raised_rights, other_key_in_env) {
            (true, _) => "give the key ID and the key in the call".to_owned(),
            (false, Some(_)) => {
                format!("give the key in the call, or set {ID_VARIABLE} and {KEY_VARIABLE} to this key")
            }
            (false, None) => {
                format!("give the key ID and the key in the call, or set {ID_VARIABLE} and {KEY_VARIABLE}")
            }
        };
        let error = Error::new(Status::NoCredentials, message);
        if let Some(near_miss) = self.near_miss() {
            return error.with_hint(near_miss).append_hint(Some(set));
        }
        let hint = match missing.hint {
            Some(cure) => format!("{set}; or {cure}"),
            None => set,
        };
        error.with_hint(hint)
    }
}

/// The values of both variables.
struct Variables {
    key_id: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl Variables {
    fn credentials(&self) -> Result<Credentials, Error> {
        Credentials::new(&self.key_id, Field::ID_VARIABLE, &self.key, Field::KEY_VARIABLE, Source::Environment)
    }
}

impl From<Credentials> for Found {
    fn from(credentials: Credentials) -> Self {
        Self::Pair { credentials: Arc::new(credentials), realm: None, place: None }
    }
}
