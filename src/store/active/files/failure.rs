//! What failed in a file system, in a few words: which file it was is not said, since its name is derived from a key.

use std::io;

/// The reason of an error, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        _ if crate::platform::file::is_fd_limit(error) => "too many open files".to_owned(),
        kind if kind.to_string().starts_with("uncategorized") => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
        kind => kind.to_string(),
    }
}
