//! A connection to a server of the token store: made, used and ended under the limits of each dealing with it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ports::limits::Limits;
use crate::ports::transport::Failure;

use super::failure::{BROKEN, reason, with_hint};
use super::identity::{self, IdentityFiles};
use super::request_watch::{RequestPhase, RequestWatch};
use super::stream::{self, Socket, Stream};
use super::{dns, happy_eyeballs, roots, tls};
use crate::ports::transport::FailureKind;

/// The longest that connecting may take where nothing else limits it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a server is.
pub(crate) enum Destination<'a> {
    Tcp { host: &'a str, port: u16, tls: Option<LinkTls<'a>> },
    Unix(&'a Path),
}

/// How to speak TLS with it.
pub(crate) struct LinkTls<'a> {
    /// Trusted besides the system's CA certificates.
    pub(crate) ca_files: Vec<&'a Path>,
    /// A client certificate and its key.
    pub(crate) identity: Option<(&'a Path, &'a Path)>,
}

/// Why a dealing failed.
pub(crate) enum LinkFailure {
    /// There is no connection.
    Open(Failure),
    /// It broke, or took too long.
    Use(Failure),
}

/// What a protocol reads from and writes to.
pub(crate) trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// At most one connection.
#[derive(Default)]
pub(crate) struct Link(Option<Stream>);

impl Link {
    /// Closes the connection, if there is one.
    pub(crate) fn close(&mut self) {
        self.0 = None;
    }

    /// Runs `work` with a connection, which is made if there is none: `work` hears which. It stays open unless that fails.
    /// `name` is for messages.
    pub(crate) fn run<T>(
        &mut self,
        name: &str,
        to: &Destination<'_>,
        limits: &Limits<'_>,
        work: impl FnOnce(&mut dyn Wire, bool) -> io::Result<T>,
    ) -> Result<T, LinkFailure> {
        let connect_timeout = limits.remaining().unwrap_or(CONNECT_TIMEOUT);
        RequestWatch::scope(name, limits, connect_timeout, |watch| {
            let is_new = self.0.is_none();
            let mut stream = match self.0.take() {
                Some(mut stream) => {
                    stream.set_watch(Some(watch));
                    stream
                }
                None => open(watch, name, to).map_err(|error| {
                    let other = || with_hint(FailureKind::Network, reason(&error), BROKEN);
                    LinkFailure::Open(watch.take_failure().unwrap_or_else(other))
                })?,
            };
            watch.connected();
            watch.set_phase(RequestPhase::FirstByte);
            match work(&mut stream, is_new) {
                Ok(done) => {
                    stream.set_watch(None);
                    self.0 = Some(stream);
                    Ok(done)
                }
                Err(error) => {
                    // The first reason stays, if there is one.
                    drop(stream::broken(watch, &error));
                    let other = || with_hint(FailureKind::Network, reason(&error), BROKEN);
                    Err(LinkFailure::Use(watch.take_failure().unwrap_or_else(other)))
                }
            }
        })
    }
}

fn open(watch: &Arc<RequestWatch>, name: &str, to: &Destination<'_>) -> io::Result<Stream> {
    watch.check()?;
    let (host, port, tls) = match to {
        Destination::Tcp { host, port, tls } => (host, *port, tls),
        Destination::Unix(path) => return Ok(Stream::Plain(Socket::new(unix(watch, name, path)?, Arc::clone(watch)))),
    };
    let trust = match tls {
        None => None,
        Some(tls) => Some(trust(watch, tls).map_err(|failure| watch.fail(failure))?),
    };
    watch.set_phase(RequestPhase::LookUp);
    let addresses = dns::addresses(watch, &dns::LOOKUPS, dns::system, host)?;
    watch.set_phase(RequestPhase::Connect);
    let tcp = happy_eyeballs::connect(watch, name, port, &addresses)?;
    let stream = Stream::Plain(Socket::new(tcp, Arc::clone(watch)));
    match trust {
        None => Ok(stream),
        Some(trust) => {
            watch.set_phase(RequestPhase::Handshake);
            tls::wrap(watch, &trust, stream, host, name)
        }
    }
}

fn trust(watch: &RequestWatch, tls: &LinkTls<'_>) -> Result<tls::TlsTrust, Failure> {
    let trust = roots::trust(watch, &tls.ca_files)?;
    match tls.identity {
        None => Ok(trust),
        Some((certificate, key)) => {
            let files = IdentityFiles { certificate: certificate.to_owned(), key: key.to_owned() };
            Ok(trust.with_identity(identity::load(watch, files)?))
        }
    }
}

/// A socket's queue may be full, which on a socket that does not block is said at once.
#[cfg(unix)]
fn unix(watch: &RequestWatch, name: &str, path: &Path) -> io::Result<std::net::TcpStream> {
    use crate::platform::socket;
    const QUEUE_POLL: Duration = Duration::from_millis(10);
    watch.set_phase(RequestPhase::Connect);
    loop {
        let interval = watch.check()?;
        match socket::connect_unix(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(interval.map_or(QUEUE_POLL, |interval| interval.min(QUEUE_POLL)));
            }
            Err(error) => {
                let message = format!("cannot connect to {name}: {}", reason(&error));
                return Err(watch.fail(with_hint(FailureKind::Network, message, BROKEN)));
            }
            done => return done,
        }
    }
}

#[cfg(not(unix))]
fn unix(watch: &RequestWatch, name: &str, _: &Path) -> io::Result<std::net::TcpStream> {
    let message = format!("cannot connect to {name}: this system has no Unix sockets");
    Err(watch.fail(with_hint(FailureKind::Network, message, BROKEN)))
}
