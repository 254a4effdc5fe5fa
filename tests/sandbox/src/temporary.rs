//! A file that is removed with its owner.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::random;

/// A file, and the private folder that was made for it, if any.
#[derive(Debug)]
pub struct TemporaryFile {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl TemporaryFile {
    /// Writes a file at a path of the caller's choice, in place of an older one. Who waits for it never finds a part of it.
    pub fn write(path: PathBuf, text: &str) -> io::Result<Self> {
        let name = |error: io::Error| io::Error::new(error.kind(), format!("can't write {}: {error}", path.display()));
        let mut part = path.clone().into_os_string();
        part.push(format!(".{}", std::process::id()));
        fs::write(&part, text).and_then(|()| fs::rename(&part, &path)).map_err(|error| {
            // The first error is the one to report.
            let _ = fs::remove_file(&part);
            name(error)
        })?;
        Ok(Self { path, folder: None })
    }

    pub(crate) fn in_own_folder(name: &str, text: &str) -> io::Result<Self> {
        let folder = format!("b2-sandbox-{}-{:016x}", std::process::id(), random::number());
        let folder = std::env::temp_dir().join(folder);
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("can't make {}: {error}", folder.display()));
        DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        // From here on the folder has an owner who removes it.
        let file = Self { path: folder.join(name), folder: Some(folder) };
        fs::write(&file.path, text)?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // What can't be removed is left to the system's own cleaning of its temporary folder.
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}
