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
    use libc::{EMFILE as PROCESS, ENFILE as MACHINE};
    #[cfg(windows)]
    const PROCESS: i32 = windows_sys::Win32::Networking::WinSock::WSAEMFILE;
    #[cfg(windows)]
    const MACHINE: i32 = windows_sys::Win32::Foundation::ERROR_TOO_MANY_OPEN_FILES as i32;
    matches!(error.raw_os_error(), Some(PROCESS | MACHINE))
}

/// True if no file descriptor is left at this moment.
pub(crate) fn is_fd_limit_reached() -> bool {
    /// It always exists.
    const FILE: &str = if cfg!(windows) { "NUL" } else { "/" };
    File::open(FILE).is_err_and(|error| is_fd_limit(&error))
}

/// True if the file lies on a disk of this machine, so that asking for its metadata does not hang. False if that is unknown.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[cfg_attr(not(feature = "b2-tool"), allow(dead_code, reason = "the b2 tool's file needs it"))]
pub(crate) fn is_local(file: &File) -> bool {
    /// 9P, AFS, autofs, CIFS, Ceph, Coda, FUSE, GPFS, Lustre, NCP, NFS, OCFS2, SMB, SMB2.
    const REMOTE: [u32; 14] = [
        0x0102_1997,
        0x5346_414f,
        0x0187,
        0xff53_4d42,
        0x00c3_6400,
        0x7375_7245,
        0x6573_5546,
        0x4750_4653,
        0x0bd0_0bd0,
        0x564c,
        0x6969,
        0x7461_636f,
        0x517b,
        0xfe53_4d42,
    ];
    use std::os::fd::AsRawFd;

    let mut data = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `data` is a place for one statfs, and is read only if the call says that it wrote it.
    let data = unsafe {
        if libc::fstatfs(file.as_raw_fd(), data.as_mut_ptr()) != 0 {
            return false;
        }
        data.assume_init()
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
    let kind = data.f_type as u32;
    !REMOTE.contains(&kind)
}

#[cfg(target_vendor = "apple")]
#[cfg_attr(not(feature = "b2-tool"), allow(dead_code, reason = "the b2 tool's file needs it"))]
pub(crate) fn is_local(file: &File) -> bool {
    use std::os::fd::AsRawFd;

    let mut data = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `data` is a place for one statfs, and is read only if the call says that it wrote it.
    unsafe {
        libc::fstatfs(file.as_raw_fd(), data.as_mut_ptr()) == 0
            && data.assume_init().f_flags & libc::MNT_LOCAL as u32 != 0
    }
}

#[cfg(windows)]
#[cfg_attr(not(feature = "b2-tool"), allow(dead_code, reason = "the b2 tool's file needs it"))]
pub(crate) fn is_local(file: &File) -> bool {
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::Storage::FileSystem::{
        FILE_REMOTE_PROTOCOL_INFO, FileRemoteProtocolInfo, GetFileInformationByHandleEx,
    };

    let mut info = FILE_REMOTE_PROTOCOL_INFO::default();
    #[allow(clippy::cast_possible_truncation, reason = "it is small")]
    let length = size_of_val(&info) as u32;
    // SAFETY: it writes at most `length` bytes of `info`. It fails for a file that no remote protocol serves.
    let is_remote = unsafe {
        GetFileInformationByHandleEx(file.as_raw_handle(), FileRemoteProtocolInfo, (&raw mut info).cast(), length)
    };
    is_remote == 0
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
#[cfg_attr(not(feature = "b2-tool"), allow(dead_code, reason = "the b2 tool's file needs it"))]
pub(crate) fn is_local(_: &File) -> bool {
    false
}
