//! Locks on files, which the kernel gives back when their holder dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::failure;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::store::active::engine::Trouble;

/// A lock file may be replaced between being opened and locked.
const TRIES: u32 = 4;

/// The locks that this process holds.
pub(crate) static HELD: ForkMutex<Held> = ForkMutex::new(Held { files: Vec::new(), next_id: 0 });

pub(crate) struct Held {
    files: Vec<(u64, File)>,
    next_id: u64,
}

impl ResetInChild for Held {
    /// A lock belongs to all copies of its descriptor: the child's copy is closed, so that the parent's end frees it, and not
    /// unlocked, which would unlock the parent's. Nothing is freed: the host's allocator may be locked.
    fn reset_in_child(&mut self) {
        for (_, file) in self.files.drain(..) {
            #[cfg(unix)]
            // SAFETY: the descriptor was the file's alone, which has given it up.
            unsafe {
                libc::close(std::os::fd::IntoRawFd::into_raw_fd(file));
            }
            #[cfg(not(unix))]
            drop(file);
        }
    }
}

/// A lock, held until it is dropped.
pub(super) struct Lock(u64);

impl Lock {
    /// Takes the lock, unless another process or thread has it.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>, Trouble> {
        for _ in 0..TRIES {
            let file = open(path).map_err(|error| unusable(&error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
            // A process that removes old files holds the lock while it does.
            if is_at(&file, path) {
                return Ok(Some(Self::keep(file)));
            }
        }
        Ok(None)
    }

    fn keep(file: File) -> Self {
        let mut held = HELD.lock();
        held.next_id += 1;
        let id = held.next_id;
        held.files.push((id, file));
        Self(id)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = HELD.lock();
        // A child of a fork has none.
        let Some(index) = held.files.iter().position(|(id, _)| *id == self.0) else { return };
        let (_, file) = held.files.swap_remove(index);
        drop(held);
        // Said, and not left to closing: a child that was made without the fork's hooks may have a copy.
        drop(file.unlock());
    }
}

fn unusable(error: &io::Error) -> Trouble {
    Trouble::lasting(format!("a lock file cannot be used: {}", failure::reason(error)))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    super::restrict(&mut options);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a file")),
    }
}

/// True if this file still is the one of that name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let named = fs::symlink_metadata(path).map(identity).ok();
        named.is_some() && named == file.metadata().map(identity).ok()
    }
    #[cfg(not(unix))]
    {
        // A file that is open cannot be removed.
        let _ = file;
        fs::metadata(path).is_ok()
    }
}
