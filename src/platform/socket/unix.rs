//! Sockets of POSIX systems: `poll` and a non-blocking `connect`.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::Duration;

use super::Interest;

#[cfg(any(target_os = "linux", target_os = "android"))]
const TYPE_FLAGS: libc::c_int = libc::SOCK_CLOEXEC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TYPE_FLAGS: libc::c_int = 0;

/// Starts to connect and returns at once: the connection is made when [`wait`] finds the stream writable and it holds
/// no error.
pub(crate) fn start_connect(to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // SAFETY: socket takes three numbers.
    let fd = unsafe { libc::socket(family, libc::SOCK_STREAM | TYPE_FLAGS, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = above_stdio(fd)?;
    // SAFETY: the descriptor was just opened here, so nobody else owns it.
    let stream = unsafe { TcpStream::from_raw_fd(fd) };
    set_cloexec(fd);
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let status = match to {
        SocketAddr::V4(to) => {
            // SAFETY: a sockaddr_in is plain numbers, for which zero is a value.
            let mut raw = unsafe { mem::zeroed::<libc::sockaddr_in>() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = to.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
            connect(fd, &raw)
        }
        SocketAddr::V6(to) => {
            // SAFETY: a sockaddr_in6 is plain numbers, for which zero is a value.
            let mut raw = unsafe { mem::zeroed::<libc::sockaddr_in6>() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = to.port().to_be();
            raw.sin6_addr.s6_addr = to.ip().octets();
            raw.sin6_scope_id = to.scope_id();
            connect(fd, &raw)
        }
    };
    match status {
        0 => Ok(stream),
        _ => match io::Error::last_os_error() {
            // An interrupted connect goes on by itself.
            e if matches!(e.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => Ok(stream),
            e => Err(e),
        },
    }
}

/// Connects to a socket of this machine. That never takes time: where its queue is full, the error says that it would.
/// The result only reads and writes; what is special to TCP fails on it.
#[cfg(feature = "store-redis")]
pub(crate) fn connect_unix(path: &std::path::Path) -> io::Result<TcpStream> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: a sockaddr_un is plain numbers, for which zero is a value.
    let mut raw = unsafe { mem::zeroed::<libc::sockaddr_un>() };
    if bytes.len() >= raw.sun_path.len() {
        return Err(io::Error::other("its path is too long for a socket"));
    }
    raw.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (place, byte) in raw.sun_path.iter_mut().zip(bytes) {
        *place = byte.cast_signed() as libc::c_char;
    }
    // SAFETY: socket takes three numbers.
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | TYPE_FLAGS, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = above_stdio(fd)?;
    // SAFETY: the descriptor was just opened here, so nobody else owns it.
    let stream = unsafe { TcpStream::from_raw_fd(fd) };
    set_cloexec(fd);
    stream.set_nonblocking(true)?;
    match connect(fd, &raw) {
        0 => Ok(stream),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A host that has closed its standard streams may still print to them, so no connection may get their descriptors.
fn above_stdio(fd: libc::c_int) -> io::Result<libc::c_int> {
    if fd > libc::STDERR_FILENO {
        return Ok(fd);
    }
    // SAFETY: the descriptor was just opened by the caller, which goes on with the copy alone.
    let (copy, error) = unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1);
        let error = io::Error::last_os_error();
        libc::close(fd);
        (copy, error)
    };
    if copy < 0 { Err(error) } else { Ok(copy) }
}

fn connect<T>(fd: libc::c_int, address: &T) -> libc::c_int {
    let length = mem::size_of::<T>() as libc::socklen_t;
    // SAFETY: `address` is a whole socket address of `length` bytes, which connect only reads.
    unsafe { libc::connect(fd, std::ptr::from_ref(address).cast(), length) }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_cloexec(_fd: libc::c_int) {}

/// Elsewhere closing at exec is a second call, and a write to a closed peer raises a signal unless told not to.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_cloexec(fd: libc::c_int) {
    // SAFETY: fcntl sets a flag of a descriptor that we own.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    #[cfg(target_vendor = "apple")]
    switch_on(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE);
}

/// True once the stream is ready. False after `timeout`, or at once when a signal interrupted the wait: the caller
/// checks its cancel and waits again.
pub(crate) fn wait(stream: &TcpStream, interest: Interest, timeout: Option<Duration>) -> io::Result<bool> {
    wait_for_any(&[stream], interest, timeout).map(|ready| ready.is_some())
}

/// The same for several streams: the index of one that is ready.
pub(crate) fn wait_for_any(
    streams: &[&TcpStream],
    interest: Interest,
    timeout: Option<Duration>,
) -> io::Result<Option<usize>> {
    let events = match interest {
        Interest::Readable => libc::POLLIN,
        Interest::Writable => libc::POLLOUT,
    };
    let watch = |stream: &&TcpStream| libc::pollfd { fd: stream.as_raw_fd(), events, revents: 0 };
    let mut watched: Vec<_> = streams.iter().map(watch).collect();
    // Rounded up, or the last millisecond would be spent spinning.
    let ms =
        timeout.map_or(-1, |timeout| timeout.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(libc::c_int::MAX));
    let count = watched.len() as libc::nfds_t;
    // SAFETY: there are `count` of them, and the descriptors stay open as long as the streams are borrowed.
    match unsafe { libc::poll(watched.as_mut_ptr(), count, ms) } {
        0.. => Ok(watched.iter().position(|one| one.revents != 0)),
        _ => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(None),
            e => Err(e),
        },
    }
}

/// Has the next segment acknowledged without delay: a server without `TCP_NODELAY` waits 40 ms for that each time.
/// The kernel resets the option by itself, so it is set before each wait.
pub(crate) fn quick_ack(_stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    switch_on(_stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_QUICKACK);
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn switch_on(fd: libc::c_int, level: libc::c_int, option: libc::c_int) {
    let on: libc::c_int = 1;
    let length = mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: setsockopt reads `length` bytes of `on`. Without the option things are slower, not wrong.
    unsafe { libc::setsockopt(fd, level, option, (&raw const on).cast(), length) };
}
