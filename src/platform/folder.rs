//! What a folder is: whose, who may write to it, and whether a call on it can hang in the kernel.

use std::io;
use std::path::Path;

/// Where a folder's files really are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locality {
    /// On this machine: no call on it hangs.
    Local,
    /// Behind a program or a hypervisor, which may hang, or nobody knows.
    MayHang,
    /// On another machine.
    #[cfg_attr(not(unix), allow(dead_code, reason = "not told apart there"))]
    Network,
}

/// What there is to know about a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folder {
    /// The owner and the permission bits, where the system has them.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are none there"))]
    pub(crate) owner_and_mode: Option<(u32, u32)>,
    pub(crate) locality: Locality,
}

/// The same as [`look`], if that can be told without a chance to hang.
pub(crate) fn look_without_blocking(path: &Path) -> Option<Folder> {
    imp::look_without_blocking(path)
}

/// Looks at a folder. Hangs if its file system does.
pub(crate) fn look(path: &Path) -> io::Result<Folder> {
    imp::look(path)
}

/// The user with whose rights this process runs.
#[cfg(unix)]
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid only reads the process's own identity.
    unsafe { libc::geteuid() }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::fs::File;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use super::{Folder, Locality};

    /// NFS, SMB (three), AFS (two), Ceph, Coda, GFS2, GPFS, Lustre, NCP, OCFS2.
    const NETWORK: [u32; 13] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x6b41_4653,
        0x00c3_6400,
        0x7375_7245,
        0x0116_1970,
        0x4750_4653,
        0x0bd0_0bd0,
        0x564c,
        0x7461_636f,
    ];
    /// FUSE, 9P and autofs.
    const MAY_HANG: [u32; 3] = [0x6573_5546, 0x0102_1997, 0x0187];

    pub(super) fn look(path: &Path) -> io::Result<Folder> {
        let folder = File::options().read(true).custom_flags(libc::O_DIRECTORY | libc::O_PATH).open(path)?;
        let metadata = folder.metadata()?;
        Ok(Folder { owner_and_mode: Some((metadata.uid(), metadata.mode())), locality: locality(&folder) })
    }

    fn locality(folder: &File) -> Locality {
        let mut data = MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: `data` is a place for one statfs, and is read only if the call says that it wrote it.
        let data = unsafe {
            if libc::fstatfs(folder.as_raw_fd(), data.as_mut_ptr()) != 0 {
                return Locality::MayHang;
            }
            data.assume_init()
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
        match data.f_type as u32 {
            kind if NETWORK.contains(&kind) => Locality::Network,
            kind if MAY_HANG.contains(&kind) => Locality::MayHang,
            _ => Locality::Local,
        }
    }

    #[cfg(not(target_env = "gnu"))]
    pub(super) fn look_without_blocking(_: &Path) -> Option<Folder> {
        None
    }

    #[cfg(target_env = "gnu")]
    pub(super) use quick::look_without_blocking;

    /// A thread for each look would take longer than all the rest of a hit. So the kernel is asked for what it has in memory.
    #[cfg(target_env = "gnu")]
    mod quick {
        use std::ffi::CString;
        use std::fs::File;
        use std::mem::{self, MaybeUninit};
        use std::os::fd::{AsRawFd, FromRawFd};
        use std::os::unix::ffi::OsStrExt;
        use std::path::Path;

        use super::super::{Folder, Locality};
        use super::locality;

        /// Where a file system without a device is as local as one can be: that of the root, and two that are memory.
        const SURELY_LOCAL: [&str; 3] = ["/", "/run", "/dev/shm"];

        pub(in super::super) fn look_without_blocking(path: &Path) -> Option<Folder> {
            let folder = open_cached(path)?;
            let facts = facts_in_memory(&folder)?;
            let device = (facts.stx_dev_major, facts.stx_dev_minor);
            // A device of its own has number 0 if it is no block device: a network's, but memory and layers as well.
            let is_local =
                device.0 != 0 || SURELY_LOCAL.iter().any(|known| device_of(Path::new(known)) == Some(device));
            if !is_local {
                return None;
            }
            match locality(&folder) {
                Locality::MayHang => None,
                locality => Some(Folder { owner_and_mode: Some((facts.stx_uid, facts.stx_mode.into())), locality }),
            }
        }

        /// Opens a folder if all names on the way to it are in the kernel's memory.
        fn open_cached(path: &Path) -> Option<File> {
            let path = CString::new(path.as_os_str().as_bytes()).ok()?;
            // SAFETY: open_how is plain numbers, for which zero is a value.
            let mut how = unsafe { mem::zeroed::<libc::open_how>() };
            how.flags = (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64;
            how.resolve = libc::RESOLVE_CACHED;
            let size = mem::size_of::<libc::open_how>();
            // SAFETY: the path ends with NUL, and `how` is as large as said.
            let fd = unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), &raw const how, size) };
            // An old kernel or a filter of system calls does not know it.
            let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
            // SAFETY: the descriptor was just opened here.
            Some(unsafe { File::from_raw_fd(fd) })
        }

        fn facts_in_memory(folder: &File) -> Option<libc::statx> {
            let mut facts = MaybeUninit::<libc::statx>::uninit();
            let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
            let wanted = libc::STATX_UID | libc::STATX_MODE | libc::STATX_TYPE;
            // SAFETY: the name ends with NUL, and `facts` is a place for one statx, read only if the call says that it
            // wrote it.
            // By its number, since the C library's function is younger than the C libraries in use.
            unsafe {
                let (fd, place) = (folder.as_raw_fd(), facts.as_mut_ptr());
                match libc::syscall(libc::SYS_statx, fd, c"".as_ptr(), flags, wanted, place) {
                    0 => Some(facts.assume_init()),
                    _ => None,
                }
            }
        }

        fn device_of(path: &Path) -> Option<(u32, u32)> {
            let facts = facts_in_memory(&open_cached(path)?)?;
            Some((facts.stx_dev_major, facts.stx_dev_minor))
        }
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod imp {
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use super::{Folder, Locality};

    pub(super) fn look(path: &Path) -> io::Result<Folder> {
        let folder = std::fs::File::options().read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
        let metadata = folder.metadata()?;
        let locality = if super::super::file::is_local(&folder) {
            Locality::Local
        } else if cfg!(target_vendor = "apple") {
            Locality::Network
        } else {
            Locality::MayHang
        };
        Ok(Folder { owner_and_mode: Some((metadata.uid(), metadata.mode().into())), locality })
    }

    pub(super) fn look_without_blocking(_: &Path) -> Option<Folder> {
        None
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io;
    use std::path::Path;

    use super::{Folder, Locality};

    pub(super) fn look(path: &Path) -> io::Result<Folder> {
        match std::fs::metadata(path)?.is_dir() {
            true => Ok(Folder { owner_and_mode: None, locality: Locality::MayHang }),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn look_without_blocking(_: &Path) -> Option<Folder> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_local_and_ours() {
        let path = std::env::temp_dir();
        let folder = look(&path).expect("it is there");
        assert_eq!(folder.locality, Locality::Local);
        if let Some(quick) = look_without_blocking(&path) {
            assert_eq!(quick.owner_and_mode, folder.owner_and_mode);
            assert_eq!(quick.locality, Locality::Local);
        }
        let exe = std::env::current_exe().expect("a path");
        assert!(look(&exe).is_err() && look_without_blocking(&exe).is_none(), "a file is no folder");
        assert!(look(&path.join("no such folder of b2auth")).is_err());
    }
}
