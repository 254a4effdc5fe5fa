//! Sockets of Windows: `select` and a non-blocking `connect`.
//!
//! Not `WSAPoll`, which before Windows 10 2004 never reports that a connection failed; and not `SO_RCVTIMEO`, which rounds
//! up to 500 ms, and after which nobody knows how much was received.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::os::windows::io::{AsRawSocket, FromRawSocket};
use std::ptr::{from_ref, null, null_mut};
use std::sync::Once;
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, FD_SET, INVALID_SOCKET, SOCK_STREAM, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6, SOCKET, SOCKET_ERROR,
    TIMEVAL, WSA_FLAG_NO_HANDLE_INHERIT, WSA_FLAG_OVERLAPPED, WSADATA, WSAEINTR, WSAEWOULDBLOCK, WSAGetLastError,
    WSASocketW, WSAStartup, connect, select,
};

use super::Interest;

/// The version of Winsock that every Windows since 98 has: 2.2.
const WINSOCK_VERSION: u16 = 0x0202;

/// Starts to connect and returns at once: the connection is made when [`wait`] finds the stream writable and it holds
/// no error.
pub(crate) fn start_connect(to: SocketAddr) -> io::Result<TcpStream> {
    start_winsock();
    let family = if to.is_ipv4() { AF_INET } else { AF_INET6 };
    let flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
    // SAFETY: without a protocol's description WSASocketW takes numbers only.
    let socket = unsafe { WSASocketW(family.into(), SOCK_STREAM, 0, null(), 0, flags) };
    if socket == INVALID_SOCKET {
        return Err(last_error());
    }
    // SAFETY: the socket was just opened here, so nobody else owns it. The types differ in signedness at most.
    let stream = unsafe { TcpStream::from_raw_socket(socket as _) };
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let status = match to {
        SocketAddr::V4(to) => {
            let mut raw = SOCKADDR_IN { sin_family: AF_INET, sin_port: to.port().to_be(), ..Default::default() };
            raw.sin_addr.S_un.S_addr = u32::from_ne_bytes(to.ip().octets());
            start(socket, &raw)
        }
        SocketAddr::V6(to) => {
            let mut raw = SOCKADDR_IN6 { sin6_family: AF_INET6, sin6_port: to.port().to_be(), ..Default::default() };
            raw.sin6_addr.u.Byte = to.ip().octets();
            raw.Anonymous.sin6_scope_id = to.scope_id();
            start(socket, &raw)
        }
    };
    match status {
        0 => Ok(stream),
        _ => match last_error() {
            e if e.raw_os_error() == Some(WSAEWOULDBLOCK) => Ok(stream),
            e => Err(e),
        },
    }
}

/// The standard library does this too, but not before its own first socket.
fn start_winsock() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let mut data = WSADATA::default();
        // SAFETY: it fills `data`. Should it fail, opening a socket fails and says so.
        unsafe { WSAStartup(WINSOCK_VERSION, &raw mut data) };
    });
}

fn start<T>(socket: SOCKET, address: &T) -> i32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a socket address is small")]
    let length = mem::size_of::<T>() as i32;
    // SAFETY: `address` is a whole socket address of `length` bytes, which connect only reads.
    unsafe { connect(socket, from_ref(address).cast::<SOCKADDR>(), length) }
}

fn last_error() -> io::Error {
    // SAFETY: it reads a number of this thread.
    io::Error::from_raw_os_error(unsafe { WSAGetLastError() })
}

/// True once the stream is ready. False after `timeout`.
pub(crate) fn wait(stream: &TcpStream, interest: Interest, timeout: Option<Duration>) -> io::Result<bool> {
    wait_for_any(&[stream], interest, timeout).map(|ready| ready.is_some())
}

/// The same for several streams, at most 64: the index of one that is ready.
pub(crate) fn wait_for_any(
    streams: &[&TcpStream],
    interest: Interest,
    timeout: Option<Duration>,
) -> io::Result<Option<usize>> {
    let mut watched = FD_SET::default();
    for (place, stream) in watched.fd_array.iter_mut().zip(streams) {
        *place = stream.as_raw_socket() as SOCKET;
        watched.fd_count += 1;
    }
    // A connection that failed is not writable; only the third set tells.
    let mut failed = watched;
    let (readable, writable) = match interest {
        Interest::Readable => (&raw mut watched, null_mut()),
        Interest::Writable => (null_mut(), &raw mut watched),
    };
    let timeout = timeout.map(|timeout| {
        // Rounded up, or the last microsecond would be spent spinning.
        let micros = timeout.as_nanos().div_ceil(1_000);
        let seconds = i32::try_from(micros / 1_000_000).unwrap_or(i32::MAX);
        TIMEVAL { tv_sec: seconds, tv_usec: (micros % 1_000_000).try_into().unwrap_or(0) }
    });
    let timeout = timeout.as_ref().map_or(null(), from_ref);
    // SAFETY: the sets and the time are ours, and the sockets stay open as long as the streams are borrowed.
    match unsafe { select(0, readable, writable, &raw mut failed, timeout) } {
        SOCKET_ERROR => match last_error() {
            e if e.raw_os_error() == Some(WSAEINTR) => Ok(None),
            e => Err(e),
        },
        0 => Ok(None),
        _ => Ok(streams.iter().position(|stream| {
            let socket = stream.as_raw_socket() as SOCKET;
            contains(&watched, socket) || contains(&failed, socket)
        })),
    }
}

fn contains(set: &FD_SET, socket: SOCKET) -> bool {
    set.fd_array.iter().take(set.fd_count as usize).any(|one| *one == socket)
}

/// Windows acknowledges without being asked.
pub(crate) fn quick_ack(_: &TcpStream) {}
