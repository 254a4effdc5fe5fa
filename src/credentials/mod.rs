//! From what a caller gave, or did not give, to a key ID and a key that may be sent.

#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod b2_tool;
#[cfg(not(all(feature = "b2-tool", not(loom))))]
#[path = "b2_tool_disabled.rs"]
mod b2_tool;
mod refusal_hint;
mod validate;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::diag::error::{Error, Status};
use crate::model::cache_key::{CacheKey, Scope};
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform;
use crate::platform::environment;
use crate::state::Shared;

#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) use b2_tool::Memory;
#[cfg(all(fuzzing, feature = "b2-tool"))]
pub(crate) use b2_tool::read_alone as read_database;
#[cfg(not(loom))]
pub(crate) use b2_tool::{Held, hold};
use validate::Field;

const ID_VARIABLE: &str = "B2_APPLICATION_KEY_ID";
const KEY_VARIABLE: &str = "B2_APPLICATION_KEY";

/// A key ID and a key, trimmed and checked.
pub(crate) struct Credentials {
    key_id: String,
    key: Zeroizing<String>,
    /// The realm that came with them, if it is the one to use.
    realm: Option<Realm>,
    source: Source,
}

/// What was found for a call.
pub(crate) enum Found {
    /// A key ID and its key.
    Pair(Credentials),
    /// The b2 tool's database, as it was when its key was last read. The cache may have a session for that, under this.
    #[allow(dead_code, reason = "not every build reads that database")]
    Known(CacheKey),
}

/// Whether what is remembered of a file will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Remember,
    /// No: the key itself is needed.
    Anew,
}

/// Nothing found in the b2 tool's database: what to say of it, and what to do about it.
struct Absent {
    said: String,
    hint: Option<String>,
}

/// Where the key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The caller gave it.
    Call,
    /// `B2_APPLICATION_KEY`.
    Environment,
    /// This database of the b2 tool.
    #[allow(dead_code, reason = "not every build reads one")]
    Database(PathBuf),
}

impl Credentials {
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The realm that came with them, if it is the one to use.
    pub(crate) fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// What their session is cached under.
    pub(crate) fn cache_key(&self, options: &Options) -> CacheKey {
        let of = |scope: &Scope| CacheKey::new(scope, self.key_id.as_bytes(), self.key.as_bytes());
        match &self.realm {
            None => of(options.scope()),
            Some(realm) => of(&Scope::new(realm, options.ca_file.as_deref())),
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// What to look at where B2 refused them.
    pub(crate) fn hint_if_refused(&self) -> String {
        refusal_hint::for_refused(&self.key_id, &self.key).unwrap_or_else(|| {
            let given = match &self.source {
                Source::Call => "the call gave".to_owned(),
                Source::Environment => "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY hold".to_owned(),
                Source::Database(path) => format!("the b2 tool's database {} holds", path.display()),
            };
            format!("compare what {given} with \"Application Keys\" in the B2 web console: the key may be deleted or expired")
        })
    }

    /// The value of the Authorization header. No buffer grows on the way, so no copy is left behind.
    pub(crate) fn basic(&self) -> Zeroizing<String> {
        const SCHEME: &str = "Basic ";
        let mut pair = Zeroizing::new(Vec::with_capacity(self.key_id.len() + 1 + self.key.len()));
        pair.extend_from_slice(self.key_id.as_bytes());
        pair.push(b':');
        pair.extend_from_slice(self.key.as_bytes());
        let length = base64::encoded_len(pair.len(), true).expect("the lengths of both parts are bounded");
        let mut header = Zeroizing::new(vec![0; SCHEME.len() + length]);
        header[..SCHEME.len()].copy_from_slice(SCHEME.as_bytes());
        STANDARD.encode_slice(&*pair, &mut header[SCHEME.len()..]).expect("the room was made to measure");
        match String::from_utf8(std::mem::take(&mut *header)) {
            Ok(text) => Zeroizing::new(text),
            // Not `expect`, which would print the bytes.
            Err(_) => unreachable!("base64 is ASCII"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call => f.write_str("the call"),
            Self::Environment => f.write_str("the environment"),
            Self::Database(path) => write!(f, "the b2 tool's database {}", path.display()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Finds the credentials of a call: what was given, else what the environment holds, else the b2 tool's.
pub(crate) fn find(shared: &Shared, key_id: &[u8], key: &[u8], options: &Options, look: Look) -> Result<Found, Error> {
    let places = Places {
        variable: &environment::raw,
        raised_rights: platform::has_raised_rights(),
        database: &|wanted| b2_tool::find(shared, options, wanted, look),
    };
    places.find(key_id.trim_ascii(), key.trim_ascii())
}

/// Where credentials are looked for when they were not given.
struct Places<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Then `variable` finds nothing, and whoever set the variables should learn why.
    raised_rights: bool,
    /// The b2 tool's database, and the only key ID that will do.
    database: &'a dyn Fn(Option<&str>) -> Result<Found, Absent>,
}

impl Places<'_> {
    fn find(&self, key_id: &[u8], key: &[u8]) -> Result<Found, Error> {
        let found = match (key_id.is_empty(), key.is_empty()) {
            (false, false) => pair(key_id, Field::KEY_ID, key, Field::KEY, Source::Call),
            (true, false) => Err(Error::invalid("an application key was given without its key ID")
                .with_hint("give both, or neither to have a key found")),
            (false, true) => {
                let wanted = validate::checked(key_id, Field::KEY_ID)?;
                match self.environment()? {
                    Some(found) if found.0.as_slice() == wanted.as_bytes() => found.credentials(),
                    found => {
                        let another = Some(found.is_some());
                        return (self.database)(Some(wanted)).map_err(|absent| self.nothing(another, absent));
                    }
                }
            }
            (true, true) => match self.environment()? {
                Some(found) => found.credentials(),
                None => return (self.database)(None).map_err(|absent| self.nothing(None, absent)),
            },
        };
        found.map(Found::Pair)
    }

    /// The variables' pair, trimmed but not yet checked: of another key's pair nothing need be right.
    fn environment(&self) -> Result<Option<Variables>, Error> {
        let alone = |set: &str, unset: &str| {
            Error::invalid(format!("{set} is set in the environment, but {unset} is not set or blank"))
                .with_hint(format!("set {unset} too, or neither of the two"))
        };
        match (self.value(ID_VARIABLE), self.value(KEY_VARIABLE)) {
            (Some(key_id), Some(key)) => Ok(Some(Variables(key_id, key))),
            (Some(_), None) => Err(alone(ID_VARIABLE, KEY_VARIABLE)),
            (None, Some(_)) => Err(alone(KEY_VARIABLE, ID_VARIABLE)),
            (None, None) => Ok(None),
        }
    }

    fn value(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let raw = Zeroizing::new((self.variable)(name)?.into_encoded_bytes());
        let trimmed = raw.trim_ascii();
        (!trimmed.is_empty()).then(|| Zeroizing::new(trimmed.to_vec()))
    }

    /// `another`: only a key for the given ID was looked for, and whether the variables hold another one.
    fn nothing(&self, another: Option<bool>, absent: Absent) -> Error {
        let sought = if another.is_some() { "no application key for the given key ID" } else { "no application key" };
        let variables = if self.raised_rights {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} were not read, since this program runs with raised rights")
        } else if another == Some(true) {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} in the environment hold another key")
        } else {
            format!("{ID_VARIABLE} and {KEY_VARIABLE} are not set in the environment")
        };
        let message = format!("{sought}: {variables}; {}", absent.said);
        let set = match (self.raised_rights, another) {
            (true, _) => "give the key ID and the key in the call".to_owned(),
            (false, Some(_)) => {
                format!("give the key in the call, or set {ID_VARIABLE} and {KEY_VARIABLE} to this key")
            }
            (false, None) => {
                format!("give the key ID and the key in the call, or set {ID_VARIABLE} and {KEY_VARIABLE}")
            }
        };
        let hint = match absent.hint {
            Some(cure) => format!("{set}; or {cure}"),
            None => set,
        };
        Error::new(Status::NoCredentials, message).with_hint(hint)
    }
}

/// The values of both variables.
struct Variables(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl Variables {
    fn credentials(&self) -> Result<Credentials, Error> {
        pair(&self.0, Field::ID_VARIABLE, &self.1, Field::KEY_VARIABLE, Source::Environment)
    }
}

fn pair(key_id: &[u8], id_field: Field, key: &[u8], key_field: Field, source: Source) -> Result<Credentials, Error> {
    let key_id = validate::checked(key_id, id_field)?.to_owned();
    let key = Zeroizing::new(validate::checked(key, key_field)?.to_owned());
    Ok(Credentials { key_id, key, realm: None, source })
}

#[cfg(test)]
mod tests;
