//! A key ID and its key, ready to be sent.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::refusal_hint;
use super::validate::{Field, validate};
use crate::diag::error::Error;

/// A key ID and its key, trimmed and validated. The key is wiped with it.
pub(crate) struct Credentials {
    key_id: String,
    key: Zeroizing<String>,
    source: Source,
}

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The caller gave it.
    Call,
    /// `B2_APPLICATION_KEY`.
    Environment,
    /// This file of the b2 tool.
    #[allow(dead_code, reason = "not every build reads one")]
    File(PathBuf),
}

impl Credentials {
    pub(super) fn new(
        key_id: &[u8],
        id_field: Field,
        key: &[u8],
        key_field: Field,
        source: Source,
    ) -> Result<Self, Error> {
        let key_id = validate(key_id, id_field)?.to_owned();
        let key = Zeroizing::new(validate(key, key_field)?.to_owned());
        Ok(Self { key_id, key, source })
    }

    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// What is odd about the way they look. They may be good all the same.
    #[cfg(not(loom))]
    pub(crate) fn odd_shape(&self) -> Option<String> {
        refusal_hint::for_refused(&self.key_id, &self.key)
    }

    /// What to check if B2 refused them.
    pub(crate) fn hint_if_refused(&self) -> String {
        refusal_hint::for_refused(&self.key_id, &self.key).unwrap_or_else(|| {
            let subject = match &self.source {
                Source::Call => "the key that the call was given".to_owned(),
                Source::Environment => "the values of B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY".to_owned(),
                Source::File(path) => format!("the key in the b2 tool's database {}", path.display()),
            };
            format!(
                "compare {subject} with \"Application Keys\" in the B2 web console: the key may be deleted or expired"
            )
        })
    }

    /// The value of the `Authorization` header. No buffer grows on the way, so no copy is left behind.
    pub(crate) fn basic(&self) -> Zeroizing<String> {
        const SCHEME: &str = "Basic ";
        let mut pair = Zeroizing::new(Vec::with_capacity(self.key_id.len() + 1 + self.key.len()));
        pair.extend_from_slice(self.key_id.as_bytes());
        pair.push(b':');
        pair.extend_from_slice(self.key.as_bytes());
        let length = base64::encoded_len(pair.len(), true).expect("the lengths of both parts are bounded");
        let mut header = Zeroizing::new(vec![0; SCHEME.len() + length]);
        header[..SCHEME.len()].copy_from_slice(SCHEME.as_bytes());
        STANDARD.encode_slice(&*pair, &mut header[SCHEME.len()..]).expect("the buffer has the encoded length");
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
            Self::File(path) => write!(f, "the b2 tool's database {}", path.display()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("source", &self.source).finish_non_exhaustive()
    }
}
