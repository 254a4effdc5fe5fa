//! Whose session: where the key comes from, and what it looks like.

use super::report::Step;
use crate::credentials::{self, Identity};
use crate::diag::error::Error;
use crate::model::realm::Realm;
use crate::options::Options;
use crate::ports::limits::Limits;

const NAME: &str = "credentials";

/// A key that was found.
pub(super) struct Identified {
    /// If it is safe to show.
    key_id: Option<String>,
    key_length: usize,
    source: String,
    /// What is odd about the way it looks, or what B2's refusal says about it.
    advice: Option<String>,
    pub(super) realm: Realm,
}

impl Identified {
    pub(super) fn refused(&mut self, advice: &str) {
        self.advice.get_or_insert_with(|| advice.to_owned());
    }
}

/// Finds the key as a call does, and loads it.
pub(super) fn find(
    key_id: &[u8],
    key: &[u8],
    options: &Options,
    limits: &Limits<'_>,
) -> (Result<Identified, Error>, Result<Identity, Error>) {
    let loaded = credentials::resolve(key_id, key, options, limits).and_then(|identity| match identity.credentials() {
        Some(_) => Ok(identity),
        None => identity.load(options, limits),
    });
    let identified = loaded.as_ref().map_err(Clone::clone).and_then(|identity| {
        let found = identity.credentials().ok_or_else(|| Error::internal("a key was loaded and is not there"))?;
        Ok(Identified {
            key_id: identity.shown_key_id().map(str::to_owned),
            key_length: found.key().len(),
            source: found.source().to_string(),
            advice: found.odd_shape(),
            realm: identity.realm().clone(),
        })
    });
    (identified, loaded)
}

/// What B2 has accepted looks as it should.
pub(super) fn step(identified: &Result<Identified, Error>, is_granted: bool) -> Step {
    let found = match identified {
        Ok(found) => found,
        Err(error) => return Step::failed_by(NAME, error),
    };
    let shown = found.key_id.as_deref().unwrap_or("of an unusual form");
    let summary = format!("key ID {shown} and a key of {} characters, from {}", found.key_length, found.source);
    let step = Step::ok(NAME, summary)
        .detail("source", found.source.as_str())
        .detail("keyLength", found.key_length)
        .detail("keyId", found.key_id.as_deref());
    step.warn_if(found.advice.clone().filter(|_| !is_granted))
}
