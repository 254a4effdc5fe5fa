//! One reader at a time for the whole process, so that a fork can wait until nobody is inside SQLite.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::file_error::Problem;
use super::{Account, json_format, sqlite};
use crate::platform::sync;
use crate::platform::{self, file};

/// The bytes that each SQLite database begins with, and what they say.
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Where a database says how it is read and written: 2 means by a log beside it.
const FORMATS: [usize; 2] = [18, 19];

static READER: Mutex<Reader> = Mutex::new(Reader { ready: false, turned_away: None });

/// The lock, for the length of a fork.
pub(crate) struct Held(#[allow(dead_code, reason = "held, not read")] MutexGuard<'static, Reader>);

pub(crate) fn hold() -> Held {
    Held(sync::lock(&READER))
}

struct Reader {
    ready: bool,
    /// When the last reader gave up on a file that others were writing to.
    turned_away: Option<(Instant, PathBuf)>,
}

/// What the file holds. Waits at most `patience` for those who write to it.
pub(super) fn read(path: &Path, data: &Metadata, patience: Duration) -> Result<Account, Problem> {
    let asked = Instant::now();
    let mut reader = sync::lock(&READER);
    // Whoever stood in line while another waited in vain has waited enough.
    if reader.turned_away.as_ref().is_some_and(|(at, of)| *at > asked && of == path) {
        return Err(Problem::locked());
    }
    if !reader.ready {
        #[cfg(feature = "c-library")]
        super::sqlite_alloc::install();
        reader.ready = true;
    }
    // SQLite takes some names for more than a name, and none that begins at the root.
    let path_from_root = path.canonicalize().map_err(|error| Problem::io(&error))?;
    let account = read_alone(&path_from_root, data, patience);
    if account.as_ref().is_err_and(|problem| *problem == Problem::locked()) {
        reader.turned_away = Some((Instant::now(), path.to_owned()));
    }
    account
}

/// The system's list of users may have locks of its own, so a fork has to wait for it as well.
pub(super) fn home(user: Option<&[u8]>) -> Option<PathBuf> {
    let _reader = sync::lock(&READER);
    platform::home::of(user)
}

fn read_alone(path: &Path, data: &Metadata, patience: Duration) -> Result<Account, Problem> {
    #[cfg(feature = "test-hooks")]
    count::add();
    // It was a file a moment ago; should it be a pipe by now, nobody waits for its other end.
    let mut file = file::open(path).map_err(|error| Problem::io(&error))?;
    // To measure, since a buffer that grows leaves copies behind.
    let mut head = Zeroizing::new([0; HEADER]);
    let mut length = 0;
    while length < HEADER {
        match file.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Problem::io(&error)),
        }
    }
    if !head.starts_with(MAGIC) {
        return match head[..length].trim_ascii_start().first() {
            Some(b'{') => json_format::read(&rest(&head[..length], file, data)?),
            _ => Err(json_format::foreign()),
        };
    }
    if FORMATS.iter().any(|at| head[*at] == 2) {
        // To read such a one is to make files beside it.
        return Err(Problem::foreign("keeps a write-ahead log, as no database of the b2 tool does"));
    }
    drop(file);
    sqlite::read(path, patience)
}

/// All of a small file.
fn rest(head: &[u8], file: File, data: &Metadata) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let room = usize::try_from(data.len()).unwrap_or(0).max(head.len());
    let mut text = Zeroizing::new(Vec::with_capacity(room + 1));
    text.extend_from_slice(head);
    let left = (room - head.len()) as u64;
    file.take(left).read_to_end(&mut text).map_err(|error| Problem::io(&error))?;
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
