//! Files to read, and the lack of descriptors for them.

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

/// True if it says that no descriptor is left, to this process or to the machine.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// True if none can be had now.
pub(crate) fn are_descriptors_out() -> bool {
    // A root there always is.
    File::open("/").is_err_and(|error| is_out_of_descriptors(&error))
}
