//! What the b2 tool's files held when they were last read, without their keys.

use std::path::Path;
use std::time::SystemTime;

use super::file_error::FileError;
use crate::model::bounded_map::BoundedMap;
use crate::model::cache_key::{BuildPassThrough, CacheKey};
use crate::model::realm::Realm;
use crate::options::Options;
use crate::platform::fingerprint::Fingerprint;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};

/// Files remembered; past that one that was not used lately is dropped.
const MAX_FILES: usize = 64;

/// The files that this process has read.
pub(super) static FILES: ForkMutex<FileCache> = ForkMutex::new(FileCache(None));

/// A file, read for options that name a realm and a trust, or leave the realm to the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileKey {
    file: u128,
    realm_is_default: bool,
}

impl FileKey {
    pub(super) fn new(options: &Options, path: &Path) -> Self {
        let file = options.scope().digest(path.as_os_str().as_encoded_bytes());
        Self { file, realm_is_default: options.realm_is_default }
    }
}

/// A good file: whose key it holds, and where a session for that is cached.
#[derive(Clone)]
pub(super) struct Cached {
    pub(super) key_id: String,
    pub(super) cache_key: CacheKey,
    pub(super) realm: Option<Realm>,
}

struct Entry {
    fingerprint: Fingerprint,
    content: Result<Cached, FileError>,
}

/// The contents of files by their keys. Allocated at first use.
pub(super) struct FileCache(Option<BoundedMap<FileKey, Entry, BuildPassThrough>>);

impl FileCache {
    /// What the file held, if it is unchanged.
    pub(super) fn get(&mut self, key: FileKey, fingerprint: &Fingerprint) -> Option<Result<Cached, FileError>> {
        let entry = self.0.as_mut()?.get(&key).filter(|entry| entry.fingerprint == *fingerprint)?;
        Some(entry.content.clone())
    }

    /// Remembers what the file held, unless it may change without a new fingerprint. `read_at` is when reading began.
    pub(super) fn insert(
        &mut self,
        key: FileKey,
        fingerprint: Fingerprint,
        read_at: SystemTime,
        content: Result<Cached, FileError>,
    ) {
        if !fingerprint.is_stable(read_at) {
            return;
        }
        self.0.get_or_insert_with(|| BoundedMap::new(MAX_FILES)).insert(key, Entry { fingerprint, content });
    }
}

impl ResetInChild for FileCache {
    /// What the parent has read is as good in the child.
    fn reset_in_child(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_that_changed_just_now_is_not_remembered() {
        let metadata = std::env::current_exe().and_then(std::fs::metadata).expect("the test itself is a file");
        let fingerprint = Fingerprint::of(&metadata);
        let changed = metadata.modified().expect("a time");
        let key = FileKey::new(&Options::new(), Path::new("/f"));
        let mut cache = FileCache(None);
        cache.insert(key, fingerprint, fingerprint.changed_at(), Err(FileError::locked()));
        assert!(cache.get(key, &fingerprint).is_none());
        cache.insert(key, fingerprint, changed + Duration::from_secs(86_400), Err(FileError::locked()));
        assert!(cache.get(key, &fingerprint).is_some());
    }

    #[test]
    fn options_that_leave_the_realm_to_the_file_are_another_key() {
        let mut named = Options::new();
        named.set("realm", Some("production")).expect("a realm");
        let path = Path::new("/f");
        assert!(FileKey::new(&Options::new(), path) == FileKey::new(&Options::new(), path));
        assert!(FileKey::new(&Options::new(), path) != FileKey::new(&named, path));
    }
}
