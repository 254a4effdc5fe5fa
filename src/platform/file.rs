//! Opening files for reading, and telling when no file descriptor is left.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for reading. If it is a pipe, this does not wait for a writer.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

/// True if the error says that this process or the machine has no file descriptor left.
pub(crate) fn is_fd_limit(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// True if no file descriptor is left at this moment.
pub(crate) fn is_fd_limit_reached() -> bool {
    // The root directory always exists.
    File::open("/").is_err_and(|error| is_fd_limit(&error))
}
