//! Home directories, as the system's list of users has them.

use std::path::PathBuf;

/// The home of the user of that name, or of the one with whose rights this program runs.
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

    /// What the entry of a user has room in at first, and at most.
    const ROOM: usize = 1 << 10;
    const MOST_ROOM: usize = 1 << 20;

    pub(super) fn of(user: Option<&[u8]>) -> Option<PathBuf> {
        let name = user.map(CString::new).transpose().ok()?;
        let mut room = vec![0; ROOM];
        loop {
            let mut entry = MaybeUninit::<libc::passwd>::uninit();
            let mut found = null_mut();
            // SAFETY: `entry` and `found` are places for one answer each, its strings go to `room`, which is as long as
            // it is said to be, and the name ends with NUL.
            let failed = unsafe {
                let (text, length) = (room.as_mut_ptr(), room.len());
                match &name {
                    Some(name) => libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), text, length, &mut found),
                    None => libc::getpwuid_r(libc::geteuid(), entry.as_mut_ptr(), text, length, &mut found),
                }
            };
            if failed == libc::ERANGE && room.len() < MOST_ROOM {
                room.resize(room.len() * 4, 0);
                continue;
            }
            if failed != 0 || found.is_null() {
                return None;
            }
            // SAFETY: `found` says that the entry was filled, and its strings in `room` end with NUL.
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
    fn users_have_homes_and_strangers_none() {
        assert!(super::of(None).is_some_and(|home| home.is_absolute()));
        if cfg!(target_os = "linux") {
            assert_eq!(super::of(Some(b"root")), Some("/root".into()));
        }
        assert_eq!(super::of(Some(b"nobody-of-that-name")), None);
        assert_eq!(super::of(Some(b"root\0x")), None);
    }
}
