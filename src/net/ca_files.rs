//! Files and directories of CA certificates.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use crate::platform::file;
use crate::platform::fingerprint::Fingerprint;

use super::failure::reason;
use super::pem;

/// Ten times the size of a system's bundle; a device without an end is not a file of certificates.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Why a place gives no certificates.
pub(super) enum LoadError {
    /// It is not what it should be.
    Unusable(String),
    /// No file descriptor was left to read it.
    FdLimit(String),
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        if file::is_fd_limit(&error) { Self::FdLimit(reason(&error)) } else { Self::Unusable(reason(&error)) }
    }
}

/// A place, and what its metadata said before it was read; nothing if there was nothing.
pub(super) struct Seen {
    path: PathBuf,
    fingerprint: Option<Fingerprint>,
}

impl Seen {
    pub(super) fn now(path: &Path) -> Self {
        Self { path: path.to_owned(), fingerprint: fs::metadata(path).ok().as_ref().map(Fingerprint::of) }
    }

    pub(super) fn is_unchanged(&self) -> bool {
        Self::now(&self.path).fingerprint == self.fingerprint
    }
}

/// The certificates of a file, at least one.
pub(super) fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let mut text = Vec::new();
    let file = file::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let problem = if metadata.is_dir() { "it is a directory" } else { "it is not a file" };
        return Err(LoadError::Unusable(problem.to_owned()));
    }
    file.take(MAX_SIZE).read_to_end(&mut text)?;
    pem::certificates(&text).map_err(|problem| LoadError::Unusable(problem.to_owned()))
}

/// The certificates of a directory, each once: such a directory has a second name for each, made of its hash.
pub(super) fn in_directory(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let entries = fs::read_dir(path)?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for path in &paths {
        match in_file(path) {
            Ok(certificates) => all.extend(certificates.into_iter().filter(|one| seen.insert(one.clone()))),
            Err(error @ LoadError::FdLimit(_)) => return Err(error),
            Err(LoadError::Unusable(_)) => {}
        }
    }
    Ok(all)
}
