//! A connection: a socket that blocks no longer than the request's limits allow, with or without TLS on it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};

use crate::platform::socket::{self, Interest};
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{BROKEN, closed_early, reason, with_hint};
use super::request_watch::RequestWatch;
use super::tls_error::{self, Handshake};

/// A connected socket.
pub(super) struct Socket {
    tcp: TcpStream,
    /// `None` while it is idle: then it never blocks.
    watch: Option<Arc<RequestWatch>>,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, watch: Arc<RequestWatch>) -> Self {
        Self { tcp, watch: Some(watch) }
    }

    /// Checks the watch before each try: a peer that always has bytes for us must not get past it.
    fn retry<T>(&self, interest: Interest, mut work: impl FnMut(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        let Some(watch) = &self.watch else { return work(&self.tcp) };
        loop {
            let interval = watch.check()?;
            match work(&self.tcp) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock || e.kind() == io::ErrorKind::TimedOut => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                done => return done,
            }
            if interest == Interest::Readable {
                socket::quick_ack(&self.tcp);
            }
            socket::wait(&self.tcp, interest, interval)?;
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retry(Interest::Readable, |mut tcp| tcp.read(buffer))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(Interest::Writable, |mut tcp| tcp.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket, and the layers of TLS on it: one for the realm, one for a proxy that is spoken to in https.
pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

impl Stream {
    /// Assigns it to a request, or to none while it is idle.
    pub(super) fn set_watch(&mut self, watch: Option<&Arc<RequestWatch>>) {
        match self {
            Self::Plain(socket) => socket.watch = watch.cloned(),
            Self::Tls(tls) => tls.sock.set_watch(watch),
        }
    }

    /// True if an idle connection is still open, and nothing has come that would be taken for the next response.
    pub(super) fn is_quiet(&mut self) -> bool {
        let nothing = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        self.read(&mut [0]).is_err_and(|e| nothing.contains(&e.kind()))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// A failed read or write, once the request was being sent.
pub(super) fn broken(watch: &RequestWatch, error: &io::Error) -> io::Error {
    watch.fail(what_broke(watch, error))
}

fn what_broke(watch: &RequestWatch, error: &io::Error) -> Failure {
    let host = watch.host();
    if let Some(tls) = tls_error::rustls_error_in(error) {
        return Handshake::of(host).explain(tls);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed_early(host),
        _ => {
            let message = format!("the connection to {host} broke: {} ({})", reason(error), watch.phase());
            with_hint(FailureKind::Network, message, BROKEN)
        }
    }
}
