//! What the databases held when they were last read, without their keys.

use std::path::Path;

use lru::LruCache;

use super::file_error::Problem;
use super::fingerprint::Stamp;
use crate::model::cache_key::{CacheKey, Identity};
use crate::options::Options;

/// Files remembered; past that the least recently used goes first.
const MOST: usize = 64;

/// A file, looked into on behalf of options that name a realm and a trust, or leave the realm to the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    file: u128,
    realm_is_default: bool,
}

impl Question {
    pub(super) fn new(options: &Options, path: &Path) -> Self {
        let file = options.scope().digest(path.as_os_str().as_encoded_bytes());
        Self { file, realm_is_default: options.realm_is_default }
    }
}

/// A good database: whose key it holds, and where a session for that is cached.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) key_id: String,
    pub(super) cache_key: CacheKey,
}

struct Entry {
    stamp: Stamp,
    content: Result<Known, Problem>,
}

/// The contents of databases, by question.
pub(crate) struct Memory(LruCache<Question, Entry, Identity>);

impl Default for Memory {
    fn default() -> Self {
        Self(LruCache::unbounded_with_hasher(Identity::default()))
    }
}

impl Memory {
    /// What the file held, if it is as it was.
    pub(super) fn recall(&mut self, question: Question, stamp: &Stamp) -> Option<Result<Known, Problem>> {
        let entry = self.0.get(&question).filter(|entry| entry.stamp == *stamp)?;
        Some(entry.content.clone())
    }

    pub(super) fn remember(&mut self, question: Question, stamp: Stamp, content: Result<Known, Problem>) {
        self.0.put(question, Entry { stamp, content });
        while self.0.len() > MOST {
            self.0.pop_lru();
        }
    }
}
