//! The folder of a store: made if it is not there, and looked at before each use.

use std::io;
use std::path::Path;

use super::failure;
use crate::platform::folder::{self, Folder, Locality};
use crate::store::active::engine::Trouble;

/// Who else may write to a folder could put anything there, and hold any lock for ever.
#[cfg(unix)]
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Checks a folder if that can be done without a chance to hang; `None` if it cannot.
pub(super) fn check_without_blocking(path: &Path) -> Option<Result<Locality, Trouble>> {
    folder::look_without_blocking(path).map(|found| check(&found))
}

/// Checks a folder that must be there. Hangs if its file system does.
pub(super) fn look_and_check(path: &Path) -> Result<Locality, Trouble> {
    check(&folder::look(path).map_err(|error| unusable(&error))?)
}

/// Checks a folder, and makes it if it is not there; what it lies in must exist.
pub(super) fn make_and_check(path: &Path) -> Result<Locality, Trouble> {
    let found = match folder::look(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match make(path) {
                // Another process was quicker.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(&error)),
                _ => folder::look(path),
            }
        }
        found => found,
    };
    check(&found.map_err(|error| unusable(&error))?)
}

fn unusable(error: &io::Error) -> Trouble {
    Trouble::lasting(failure::reason(error))
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

fn check(found: &Folder) -> Result<Locality, Trouble> {
    #[cfg(unix)]
    if let Some((owner, mode)) = found.owner_and_mode {
        if owner != folder::effective_user() && owner != 0 {
            return Err(Trouble::lasting("the folder belongs to another user"));
        }
        if mode & WRITABLE_BY_OTHERS != 0 {
            return Err(Trouble::lasting("others may write to the folder"));
        }
    }
    Ok(found.locality)
}
