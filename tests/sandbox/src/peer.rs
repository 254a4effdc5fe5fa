//! Whether the other end of a connection is still there, and waits that end when it is not.

use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::halt::Halt;

/// No wait is longer than this, so that a forgotten one can't hold a thread for good.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);

const STEP: Duration = Duration::from_millis(20);

/// Linux tells of a half-closed peer even while unread bytes (a TLS farewell, say) are queued.
#[cfg(target_os = "linux")]
const LEFT: libc::c_short = libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR;
#[cfg(not(target_os = "linux"))]
const LEFT: libc::c_short = libc::POLLHUP | libc::POLLERR;

/// Waits up to `patience` for the peer to leave; true as soon as it has.
fn leaves_within(socket: &TcpStream, patience: Duration) -> bool {
    let mut watched = libc::pollfd { fd: socket.as_raw_fd(), events: LEFT, revents: 0 };
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `watched` is one valid pollfd, and `socket` keeps its descriptor open meanwhile.
    let ready = unsafe { libc::poll(&mut watched, 1, millis) };
    ready > 0 && watched.revents & LEFT != 0
}

/// True if the peer has closed or reset the connection.
pub(crate) fn has_left(socket: &TcpStream) -> bool {
    leaves_within(socket, Duration::ZERO)
}

/// Waits for `duration`; false if the peer left or the sandbox stopped before it was over.
pub(crate) fn stays_for(socket: &TcpStream, duration: Duration, halt: &Halt) -> bool {
    let end = Instant::now() + duration.min(LONGEST);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if halt.is_set() {
            return false;
        }
        if left.is_zero() {
            return true;
        }
        // Under a millisecond poll would return at once and this would spin.
        let step = left.clamp(Duration::from_millis(1), STEP);
        if leaves_within(socket, step) {
            return false;
        }
    }
}
