//! What a file contains, whichever version of the tool wrote it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Once;

use zeroize::Zeroizing;

use super::file_error::FileError;
use super::{MAX_SIZE, RawAccount, json_format, sqlite};
use crate::platform::file;
use crate::platform::fingerprint::Fingerprint;
use crate::platform::fork_barrier::ForkBarrier;

/// The bytes that every SQLite database begins with, and the length of its header.
const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER: usize = 100;
/// Where the header has the read and write versions: 2 means a write-ahead log.
const VERSIONS: [usize; 2] = [18, 19];

/// Held while a thread is inside SQLite or the user database, which have locks of their own.
pub(super) static BARRIER: ForkBarrier = ForkBarrier::new();

/// A file that was opened, and what its metadata says.
pub(super) struct Opened {
    file: File,
    pub(super) fingerprint: Fingerprint,
    /// Asking for its metadata does not hang.
    pub(super) is_local: bool,
    len: u64,
}

/// Opens a file, if it can be what the tool writes.
pub(super) fn open(path: &Path) -> Result<Opened, FileError> {
    // Before it is opened, since opening some kinds of files has effects.
    if !std::fs::metadata(path).map_err(|error| FileError::absent(&error))?.is_file() {
        return Err(FileError::not_a_b2_database("is not a file"));
    }
    let file = file::open(path).map_err(|error| FileError::io(&error))?;
    let metadata = file.metadata().map_err(|error| FileError::io(&error))?;
    if metadata.len() == 0 {
        return Err(FileError::empty());
    }
    if metadata.len() > MAX_SIZE {
        return Err(FileError::not_a_b2_database("is too large to be one"));
    }
    let is_local = file::is_local(&file);
    Ok(Opened { file, fingerprint: Fingerprint::of(&metadata), is_local, len: metadata.len() })
}

/// What an opened file contains. `path` is where it lies.
pub(super) fn read(opened: Opened, path: &Path) -> Result<RawAccount, FileError> {
    #[cfg(feature = "test-hooks")]
    count::add();
    let Opened { mut file, len, .. } = opened;
    // A buffer of the right size: one that grows leaves copies behind.
    let mut head = Zeroizing::new([0; HEADER]);
    let mut length = 0;
    while length < HEADER {
        match file.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FileError::io(&error)),
        }
    }
    if !head.starts_with(MAGIC) {
        return match head[..length].trim_ascii_start().first() {
            Some(b'{') => json_format::read(&rest(&head[..length], file, len)?),
            _ => Err(json_format::not_a_b2_database()),
        };
    }
    if VERSIONS.iter().any(|at| head[*at] == 2) {
        // Reading such a database creates files beside it.
        return Err(FileError::not_a_b2_database("uses a write-ahead log, as no database of the b2 tool does"));
    }
    drop(file);
    check_siblings(path)?;
    let _inside = BARRIER.enter().ok_or_else(FileError::forked)?;
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        #[cfg(feature = "c-library")]
        super::sqlite_alloc::install();
    });
    // SQLite gives some names a meaning, but none that is absolute.
    sqlite::read(&path.canonicalize().map_err(|error| FileError::io(&error))?)
}

/// SQLite opens these beside the database, and would wait at a pipe.
fn check_siblings(path: &Path) -> Result<(), FileError> {
    for suffix in ["-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        if std::fs::metadata(&name).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FileError::unreadable(format!(
                "cannot be read: beside it lies a \"{suffix}\" that is not a file"
            )));
        }
    }
    Ok(())
}

/// The whole of a small file.
fn rest(head: &[u8], file: File, len: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let size = usize::try_from(len).unwrap_or(0).max(head.len());
    let mut text = Zeroizing::new(Vec::with_capacity(size + 1));
    text.extend_from_slice(head);
    let left = (size - head.len()) as u64;
    file.take(left).read_to_end(&mut text).map_err(|error| FileError::io(&error))?;
    Ok(text)
}

/// How many files were read, for tests.
#[cfg(feature = "test-hooks")]
pub(crate) mod count {
    use std::sync::atomic::{AtomicU64, Ordering};

    static READS: AtomicU64 = AtomicU64::new(0);

    pub(super) fn add() {
        READS.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get() -> u64 {
        READS.load(Ordering::SeqCst)
    }
}
