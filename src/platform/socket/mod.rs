//! Sockets that never block: connects, reads and writes are waited for with a timeout.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod imp;

#[cfg(all(unix, feature = "store-redis"))]
pub(crate) use imp::connect_unix;
pub(crate) use imp::{quick_ack, start_connect, wait, wait_for_any};

/// What to wait for on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Bytes to read, or the end of the stream.
    Readable,
    /// Room to write; on a new stream, the connection itself.
    Writable,
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    const LONG: Option<Duration> = Some(Duration::from_secs(20));

    fn listener() -> (TcpListener, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    fn connected() -> (TcpStream, TcpStream) {
        let (listener, address) = listener();
        let stream = start_connect(address).expect("it starts");
        assert!(wait(&stream, Interest::Writable, LONG).expect("it can be waited for"));
        assert!(stream.take_error().expect("it can be asked").is_none());
        (stream, listener.accept().expect("a client").0)
    }

    #[test]
    fn a_socket_sends_without_delay_and_is_closed_in_programs_that_are_started() {
        let (stream, _peer) = connected();
        assert!(stream.nodelay().expect("the option can be read"));
        #[cfg(unix)]
        {
            use std::os::fd::AsRawFd;
            // SAFETY: F_GETFD reads a flag of an open descriptor.
            let flags = unsafe { libc::fcntl(stream.as_raw_fd(), libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        }
    }

    #[test]
    fn bytes_make_a_stream_readable_and_nothing_does_not() {
        use std::io::Write;

        let ((quiet, _peer), (stream, mut peer)) = (connected(), connected());
        let wait_a_little = || wait_for_any(&[&quiet, &stream], Interest::Readable, Some(Duration::from_millis(20)));
        assert_eq!(wait_a_little().expect("they can be waited for"), None);
        peer.write_all(b"x").expect("it is connected");
        let ready = wait_for_any(&[&quiet, &stream], Interest::Readable, LONG);
        assert_eq!(ready.expect("they can be waited for"), Some(1));
    }

    #[test]
    fn a_connection_that_is_refused_becomes_ready_with_its_error() {
        let (closed, address) = listener();
        drop(closed);
        // Where the kernel knows at once, the call itself fails.
        if let Ok(stream) = start_connect(address) {
            assert!(wait(&stream, Interest::Writable, LONG).expect("it can be waited for"));
            let error = stream.take_error().expect("it can be asked").expect("nobody listens");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        }
    }
}
