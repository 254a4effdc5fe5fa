//! Bytes to and from the other side, under the eyes of the line.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use zeroize::Zeroize;

use crate::platform::socket::{self, Awaited};
use crate::ports::transport::{Failure, FailureKind};

use super::endpoint::Route;
use super::failure::{BROKEN, closed_early, endless, hinted, oversized_head, reason, tls_unasked};
use super::pool::Stay;
use super::request_watch::{Line, Phase};
use super::tls_error;

/// Also the most that an answer's headers may have: ureq parses them in one piece.
const INPUT: usize = 16 * 1024;
const OUTPUT: usize = 8 * 1024;
/// What the first record of TLS begins with, and then a 3.
const ALERT: u8 = 0x15;
const HANDSHAKE: u8 = 0x16;
/// The most that may come before a body: an answer's head, and any number of interim ones, which ureq passes over.
const BEFORE_BODY: usize = 64 * 1024;
/// The most that an answer may have on the wire. A body of the allowed size in chunks of a byte each has six times that;
/// ureq also passes over whatever stands behind the last chunk.
const WHOLE: usize = 2 * 1024 * 1024;

/// A connected socket that blocks for no longer than the line allows.
pub(super) struct Socket {
    tcp: TcpStream,
    /// `None` while it is idle.
    line: Option<Arc<Line>>,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, line: Arc<Line>) -> Self {
        Self { tcp, line: Some(line) }
    }

    /// Looks at the line first, each time: whoever always has bytes for us must not get past it.
    fn patiently<T>(&self, awaited: Awaited, mut work: impl FnMut(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        let Some(line) = &self.line else { return work(&self.tcp) };
        loop {
            let span = line.look()?;
            match work(&self.tcp) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock || e.kind() == io::ErrorKind::TimedOut => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                done => return done,
            }
            if awaited == Awaited::Bytes {
                socket::ack_at_once(&self.tcp);
            }
            socket::wait(&self.tcp, awaited, span)?;
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(Awaited::Bytes, |mut tcp| tcp.read(buffer))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(Awaited::Room, |mut tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket, and the layers of TLS on it: one for B2, one for a proxy that is spoken to in https.
pub(super) enum Stream {
    Bare(Socket),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

impl Stream {
    /// Puts it under the eyes of a line, or of none while it is idle.
    pub(super) fn lend(&mut self, line: Option<&Arc<Line>>) {
        match self {
            Self::Bare(socket) => socket.line = line.cloned(),
            Self::Tls(tls) => tls.sock.lend(line),
        }
    }

    /// True if an idle one is still open, and nothing has come that would be taken for the next answer.
    pub(super) fn is_quiet(&mut self) -> bool {
        let nothing = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        self.read(&mut [0]).is_err_and(|e| nothing.contains(&e.kind()))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bare(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Bare(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Bare(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// What ureq speaks HTTP over.
pub(super) struct Carrier {
    /// `None` once it was left where it may stay.
    stream: Option<Stream>,
    buffers: LazyBuffers,
    /// The bytes of this answer so far.
    received: usize,
    line: Arc<Line>,
    home: Option<Home>,
}

/// Where a stream may stay when its request is over, and under which name.
type Home = (Arc<Stay>, Arc<Route>);

impl Carrier {
    pub(super) fn new(stream: Stream, line: Arc<Line>, home: Option<Home>) -> Self {
        Self { stream: Some(stream), buffers: LazyBuffers::new(INPUT, OUTPUT), received: 0, line, home }
    }
}

impl Transport for Carrier {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// ureq has no timeouts here: the line watches the time.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let stream = self.stream.as_mut().ok_or(ureq::Error::ConnectionFailed)?;
        let sent = stream.write_all(&self.buffers.output()[..amount]).and_then(|()| stream.flush());
        sent.map_err(|e| broke(&self.line, &e))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if self.line.phase() == Phase::Send {
            self.line.enter(Phase::Head);
        }
        let room = self.buffers.input_append_buf();
        let host = self.line.host();
        if room.is_empty() {
            // What must be read in one piece and is no head is the size of a chunk.
            let failure = if self.line.phase() == Phase::Body { endless(host) } else { oversized_head(host) };
            return Err(self.line.fail(failure).into());
        }
        let stream = self.stream.as_mut().ok_or(ureq::Error::ConnectionFailed)?;
        let read = stream.read(room).map_err(|e| broke(&self.line, &e))?;
        if self.received == 0 && matches!(stream, Stream::Bare(_)) && matches!(room[..read], [ALERT | HANDSHAKE, 3, ..])
        {
            return Err(self.line.fail(tls_unasked(self.line.host())).into());
        }
        match (read, self.line.phase()) {
            (0, _) => self.line.end(),
            (_, Phase::Head) => self.line.enter(Phase::Reading),
            _ => {}
        }
        if let (1.., Some((stay, _))) = (read, &self.home) {
            stay.settle();
        }
        self.buffers.input_appended(read);
        self.received += read;
        match self.line.phase() {
            Phase::Reading if self.received > BEFORE_BODY => Err(self.line.fail(oversized_head(host)).into()),
            _ if self.received > WHOLE => Err(self.line.fail(endless(host)).into()),
            _ => Ok(read > 0),
        }
    }

    /// ureq asks this before it keeps a connection: when the answer was read to its very end, no byte is left over, and
    /// the other side means to go on. Here others keep it, and ureq lets go.
    fn is_open(&mut self) -> bool {
        if !self.line.has_failed()
            && !self.line.has_ended()
            && let Some((stay, route)) = self.home.take()
            && let Some(stream) = self.stream.take()
        {
            stay.put(stream, route);
        }
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Some(Stream::Tls(_)))
    }
}

/// The key went out through one buffer, and the token came in through the other.
impl Drop for Carrier {
    fn drop(&mut self) {
        self.buffers.output().zeroize();
        let unread = self.buffers.input().len();
        self.buffers.input_consume(unread);
        self.buffers.input_append_buf().zeroize();
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").finish_non_exhaustive()
    }
}

/// A failed read or write, once the request was on its way.
fn broke(line: &Line, error: &io::Error) -> ureq::Error {
    line.fail(what_broke(line, error)).into()
}

fn what_broke(line: &Line, error: &io::Error) -> Failure {
    let host = line.host();
    if let Some(tls) = tls_error::inside(error) {
        return tls_error::explain(host, tls, None);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed_early(host),
        _ => {
            let message = format!("the connection to {host} broke: {} ({})", reason(error), line.phase());
            hinted(FailureKind::Network, message, BROKEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::super::testing::Real;
    use super::*;
    use crate::ports::cancel::Bounds;

    /// What [`Carrier`]'s drop relies on: with all of it consumed, ureq hands out the whole input buffer again.
    #[test]
    fn a_consumed_buffer_is_free_from_its_first_byte() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let tcp = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
        let bounds = Bounds::new(&Real, None);
        Line::lend("host", &bounds, Duration::from_secs(1), |line| {
            let stream = Stream::Bare(Socket::new(tcp, Arc::clone(line)));
            let mut carrier = Carrier::new(stream, Arc::clone(line), None);
            carrier.buffers.input_append_buf()[..5].copy_from_slice(b"token");
            carrier.buffers.input_appended(5);
            carrier.buffers.input_consume(2);
            let unread = carrier.buffers.input().len();
            carrier.buffers.input_consume(unread);
            let free = carrier.buffers.input_append_buf();
            assert_eq!((free.len(), &free[..5]), (INPUT, b"token".as_slice()));
        });
    }
}
