//! Home directories, as the system's user database has them.

use std::path::PathBuf;

/// The home directory of the named user, or of the user with whose rights this program runs.
pub(crate) fn of(user: Option<&[u8]>) -> Option<PathBuf> {
    imp::of(user).filter(|home| !home.as_os_str().is_empty())
}

#[cfg(unix)]
mod imp {
    use std::ffi::{CStr, CString, OsStr};
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;
    use std::ptr::null_mut;

    /// The size of the buffer for a user's entry, at first and at most.
    const BUFFER: usize = 1 << 10;
    const MAX_BUFFER: usize = 1 << 20;

    pub(super) fn of(user: Option<&[u8]>) -> Option<PathBuf> {
        let name = user.map(CString::new).transpose().ok()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let mut entry = MaybeUninit::<libc::passwd>::uninit();
            let mut found = null_mut();
            // SAFETY: `entry` and `found` are places for one result each, its strings go to `buffer`, whose length is
            // passed, and the name ends with NUL.
            let failed = unsafe {
                let (text, length) = (buffer.as_mut_ptr(), buffer.len());
                match &name {
                    Some(name) => libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), text, length, &mut found),
                    None => libc::getpwuid_r(libc::geteuid(), entry.as_mut_ptr(), text, length, &mut found),
                }
            };
            if failed == libc::ERANGE && buffer.len() < MAX_BUFFER {
                buffer.resize(buffer.len() * 4, 0);
                continue;
            }
            if failed != 0 || found.is_null() {
                return None;
            }
            // SAFETY: `found` says that the entry was filled, and its strings in `buffer` end with NUL.
            let home = unsafe {
                let home = (*found).pw_dir;
                (!home.is_null()).then(|| CStr::from_ptr(home))
            };
            return home.map(|home| OsStr::from_bytes(home.to_bytes()).into());
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::path::PathBuf;

    pub(super) fn of(user: Option<&[u8]>) -> Option<PathBuf> {
        if user.is_some() { None } else { std::env::home_dir() }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn existing_users_have_homes_and_others_none() {
        assert!(super::of(None).is_some_and(|home| home.is_absolute()));
        if cfg!(target_os = "linux") {
            assert_eq!(super::of(Some(b"root")), Some("/root".into()));
        }
        assert_eq!(super::of(Some(b"nobody-of-that-name")), None);
        assert_eq!(super::of(Some(b"root\0x")), None);
    }
}
