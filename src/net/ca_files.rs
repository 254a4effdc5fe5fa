//! Files and directories of CA certificates.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::platform::file;

use super::failure::reason;

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

/// The certificates of a file.
pub(super) fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let mut text = Vec::new();
    let file = file::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let problem = if metadata.is_dir() { "it is a directory" } else { "it is not a file" };
        return Err(LoadError::Unusable(problem.to_owned()));
    }
    file.take(MAX_SIZE).read_to_end(&mut text)?;
    let (mut certificates, mut problem) = (Vec::new(), None);
    for certificate in CertificateDer::pem_slice_iter(&text) {
        match certificate {
            Ok(certificate) => certificates.push(certificate),
            Err(e) => problem = Some(e),
        }
    }
    match problem {
        Some(problem) if certificates.is_empty() => Err(LoadError::Unusable(format!("it is not PEM: {problem}"))),
        _ => Ok(certificates),
    }
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
