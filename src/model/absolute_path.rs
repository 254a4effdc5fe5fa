//! Paths that mean the same for every process.

use std::path::{Path, PathBuf};

/// Cron and a shell differ in their current folder, and nothing expands a `~` here.
pub(super) fn parse(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    match path.is_absolute() && !text.contains('\0') {
        true => Ok(path.to_owned()),
        false => Err("its path is not absolute"),
    }
}
