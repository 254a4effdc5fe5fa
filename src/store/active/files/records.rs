//! The files with records: read whole, and replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::failure;
use crate::platform::fingerprint::Fingerprint;
use crate::platform::random;
use crate::store::active::engine::Trouble;
use crate::store::record::MAX_RECORD;

/// A process that may write no larger files is ended by a signal if it does.
#[cfg(unix)]
const LEAST_FILE_LIMIT: libc::rlim_t = 1024 * 1024;

/// What was found under a name.
pub(super) struct Found {
    /// Empty for what cannot be a record of this user's.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) fingerprint: Option<Fingerprint>,
}

/// Reads a record.
pub(super) fn read(path: &Path) -> Result<Found, Trouble> {
    let mut options = OpenOptions::new();
    options.read(true);
    super::restrict(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found { bytes: None, fingerprint: None }),
        Err(error) if is_resource_limit(&error) => return Err(unreadable(&error)),
        // A symbolic link, or not ours to read.
        Err(_) => return Ok(Found { bytes: Some(Vec::new()), fingerprint: None }),
    };
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    let fingerprint = Some(Fingerprint::of(&metadata));
    let is_fit = metadata.is_file() && metadata.len() <= MAX_RECORD as u64 && is_private(&metadata);
    let bytes = if is_fit { read_all(file, metadata.len()).map_err(|error| unreadable(&error))? } else { Vec::new() };
    Ok(Found { bytes: Some(bytes), fingerprint })
}

/// A file that grows while it is read is cut, and then does not open.
fn read_all(file: File, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(MAX_RECORD).min(MAX_RECORD);
    let mut bytes = vec![0; length];
    let mut filled = 0;
    let mut file = file;
    while filled < length {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn is_private(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == crate::platform::folder::effective_user() && metadata.mode() & 0o077 == 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

fn is_resource_limit(error: &io::Error) -> bool {
    crate::platform::file::is_fd_limit(error) || error.kind() == io::ErrorKind::OutOfMemory
}

fn unreadable(error: &io::Error) -> Trouble {
    Trouble::lasting(format!("a record cannot be read: {}", failure::reason(error)))
}

/// True if a record may be written without a chance of a signal that ends the host.
pub(super) fn check_file_limit() -> Result<(), Trouble> {
    #[cfg(unix)]
    {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: getrlimit writes the limit to `limit`.
        let status = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
        if status == 0 && limit.rlim_cur < LEAST_FILE_LIMIT {
            return Err(Trouble::lasting("this process may write no files (its limit of their size is below 1 MiB)"));
        }
    }
    Ok(())
}

/// Replaces a record. Nothing is flushed to the disk: a torn record does not open, and costs one request.
pub(super) fn write(path: &Path, temporary: &Path, record: &[u8]) -> Result<(), Trouble> {
    let result = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        super::restrict(&mut options);
        let mut file = options.open(temporary)?;
        file.write_all(record)?;
        drop(file);
        fs::rename(temporary, path)
    })();
    result.map_err(|error| {
        // Whatever is left of it is purged later.
        drop(fs::remove_file(temporary));
        Trouble::lasting(format!("a record cannot be written: {}", failure::reason(&error)))
    })
}

/// Where a record is written before it takes its name.
pub(super) fn temporary(folder: &Path, name: &str) -> PathBuf {
    let random = u64::from_le_bytes(random::bytes());
    folder.join(format!(".{name}.{}.{random:016x}", std::process::id()))
}
