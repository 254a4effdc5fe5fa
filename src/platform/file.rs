//! Files to read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens it to be read. Should it be a pipe, nobody waits for its other end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}
