//! One reader at a time for the whole process, so that a fork can wait until no thread is inside SQLite.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::file_error::FileError;
use super::{RawAccount, json_format, sqlite};
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::platform::{self, file};

/// The bytes that every SQLite database begins with, and the length of its header.
const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER: usize = 100;
/// Where the header has the read and write versions: 2 means a write-ahead log.
const VERSIONS: [usize; 2] = [18, 19];

/// Held while a file or the list of users is read.
pub(crate) static READER: ForkMutex<Reader> = ForkMutex::new(Reader { is_ready: false, last_busy: None });

pub(crate) struct Reader {
    is_ready: bool,
    /// When the last reader gave up on a file that others were writing to.
    last_busy: Option<(Instant, PathBuf)>,
}

impl ResetInChild for Reader {
    fn reset_in_child(&mut self) {}
}

/// What the file contains. Waits at most `busy_timeout` for a writer.
pub(super) fn read(path: &Path, metadata: &Metadata, busy_timeout: Duration) -> Result<RawAccount, FileError> {
    let started = Instant::now();
    let mut reader = READER.lock();
    // This thread waited for the lock while another one waited for the writer in vain: that is enough.
    if reader.last_busy.as_ref().is_some_and(|(at, of)| *at > started && of == path) {
        return Err(FileError::locked());
    }
    if !reader.is_ready {
        #[cfg(feature = "c-library")]
        super::sqlite_alloc::install();
        reader.is_ready = true;
    }
    // SQLite gives some names a meaning, but none that is absolute.
    let absolute = path.canonicalize().map_err(|error| FileError::io(&error))?;
    let account = read_alone(&absolute, metadata, busy_timeout);
    if account.as_ref().is_err_and(|error| *error == FileError::locked()) {
        reader.last_busy = Some((Instant::now(), path.to_owned()));
    }
    account
}

/// The C library's list of users may have locks of its own, so a fork has to wait for it as well.
pub(super) fn home(user: Option<&[u8]>) -> Option<PathBuf> {
    let _reader = READER.lock();
    platform::home::of(user)
}

fn read_alone(path: &Path, metadata: &Metadata, busy_timeout: Duration) -> Result<RawAccount, FileError> {
    #[cfg(feature = "test-hooks")]
    count::add();
    // If it has become a pipe meanwhile, this does not wait for a writer.
    let mut file = file::open(path).map_err(|error| FileError::io(&error))?;
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
            Some(b'{') => json_format::read(&rest(&head[..length], file, metadata)?),
            _ => Err(json_format::not_a_b2_database()),
        };
    }
    if VERSIONS.iter().any(|at| head[*at] == 2) {
        // Reading such a database creates files beside it.
        return Err(FileError::not_a_b2_database("uses a write-ahead log, as no database of the b2 tool does"));
    }
    drop(file);
    sqlite::read(path, busy_timeout)
}

/// The whole of a small file.
fn rest(head: &[u8], file: File, metadata: &Metadata) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let room = usize::try_from(metadata.len()).unwrap_or(0).max(head.len());
    let mut text = Zeroizing::new(Vec::with_capacity(room + 1));
    text.extend_from_slice(head);
    let left = (room - head.len()) as u64;
    file.take(left).read_to_end(&mut text).map_err(|error| FileError::io(&error))?;
    Ok(text)
}

/// How many files were opened, for tests.
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
