//! The one file that knows ureq: sends the head of a request, and parses the head of its response.
//!
//! ureq neither connects nor reads the body, and never sees the `Authorization` header: what it sees it may write to the
//! log of a Rust host.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, USER_AGENT};
use http::response::Parts;
use once_cell::race::OnceBox;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport as UreqConnection,
};
use zeroize::{Zeroize, Zeroizing};

use crate::platform::sync;
use crate::ports::transport::{Failure, FailureKind, HttpRequest};

use super::failure::{
    BROKEN, closed_early, endless, failure, not_http, oversized_head, reason, unexpected_tls, with_hint,
};
use super::request_watch::{RequestPhase, RequestWatch};
use super::stream::{self, Stream};

const PATH: &str = "/b2api/v4/b2_authorize_account";
/// Also the most that a response's head may have: ureq parses it in one piece.
const INPUT: usize = 16 * 1024;
const OUTPUT: usize = 8 * 1024;
/// The most that may come before a body: a head, and any number of interim responses, which ureq skips.
const MAX_BEFORE_BODY: usize = 64 * 1024;
/// The first byte of a TLS record: an alert, or part of a handshake. The second is 3.
const TLS_ALERT: u8 = 0x15;
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection on which the head of a response was read.
pub(super) struct Connection {
    pub(super) stream: Stream,
    /// What was read beyond the head: the start of the body.
    pub(super) unread: Zeroizing<Vec<u8>>,
    /// All bytes of this response so far.
    pub(super) received: usize,
}

/// Sends a request on `stream`, and reads the response up to the end of its head. `on_first_byte` is called when the server
/// begins to respond.
pub(super) fn exchange(
    watch: &Arc<RequestWatch>,
    request: &HttpRequest<'_>,
    stream: Stream,
    keep_alive: bool,
    on_first_byte: impl FnOnce() + Send + Sync + 'static,
) -> Result<(Parts, Connection), Failure> {
    let slot: Slot = Arc::default();
    let transport = UreqTransport {
        stream: Some(stream),
        buffers: LazyBuffers::new(INPUT, OUTPUT),
        authorization: Some(Zeroizing::new(format!("Authorization: {}\r\n", request.authorization))),
        received: 0,
        on_first_byte: Some(Box::new(on_first_byte)),
        watch: Arc::clone(watch),
        slot: Arc::clone(&slot),
    };
    let connector = ReadyConnector { transport: Mutex::new(Some(transport)) };
    let agent = Agent::with_parts(config().clone(), connector, NoResolver);
    let result = agent
        .get(format!("{}{PATH}", request.realm))
        .header(ACCEPT_ENCODING, "gzip")
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, request.user_agent)
        .header(CONNECTION, if keep_alive { "keep-alive" } else { "close" })
        .call();
    let (head, body) = result.map_err(|error| explain(watch, error))?.into_parts();
    // This drops the transport, which leaves its connection in the slot.
    drop((body, agent));
    let connection = sync::lock(&slot).take();
    let connection = connection.ok_or_else(|| closed_early(watch.host()))?;
    watch.set_phase(RequestPhase::Body);
    Ok((head, connection))
}

/// ureq's configuration, built once: that reads the environment for a proxy, which is then ignored.
pub(super) fn config() -> &'static Config {
    static CONFIG: OnceBox<Config> = OnceBox::new();
    CONFIG.get_or_init(|| {
        Box::new(
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(None)
                .max_idle_connections(0)
                .max_response_header_size(usize::MAX)
                .build(),
        )
    })
}

/// Where a transport leaves its connection when ureq drops it.
type Slot = Arc<Mutex<Option<Connection>>>;

/// A connection as ureq wants it.
struct UreqTransport {
    stream: Option<Stream>,
    buffers: LazyBuffers,
    /// The header line that ureq does not see, until it was sent.
    authorization: Option<Zeroizing<String>>,
    received: usize,
    on_first_byte: Option<Box<dyn FnOnce() + Send + Sync>>,
    watch: Arc<RequestWatch>,
    slot: Slot,
}

impl UreqConnection for UreqTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// ureq has no timeouts here: the watch has them.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let stream = self.stream.as_mut().ok_or(ureq::Error::ConnectionFailed)?;
        let output = &self.buffers.output()[..amount];
        let sent = match self.authorization.take() {
            None => stream.write_all(output),
            Some(line) => {
                // In one write, so that it is one segment. To measure, so that no copy is left behind.
                let request_line = output.windows(2).position(|end| end == b"\r\n").map_or(0, |at| at + 2);
                let mut whole = Zeroizing::new(Vec::with_capacity(output.len() + line.len()));
                whole.extend_from_slice(&output[..request_line]);
                whole.extend_from_slice(line.as_bytes());
                whole.extend_from_slice(&output[request_line..]);
                stream.write_all(&whole)
            }
        };
        sent.and_then(|()| stream.flush()).map_err(|e| stream::broken(&self.watch, &e).into())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let watch = &self.watch;
        if watch.phase() == RequestPhase::Send {
            watch.set_phase(RequestPhase::FirstByte);
        }
        let space = self.buffers.input_append_buf();
        if space.is_empty() {
            return Err(watch.fail(oversized_head(watch.host())).into());
        }
        let stream = self.stream.as_mut().ok_or(ureq::Error::ConnectionFailed)?;
        let read = stream.read(space).map_err(|e| stream::broken(watch, &e))?;
        let is_tls = matches!(space[..read], [TLS_ALERT | TLS_HANDSHAKE, 3, ..]);
        if self.received == 0 && is_tls && matches!(stream, Stream::Plain(_)) {
            return Err(watch.fail(unexpected_tls(watch.host())).into());
        }
        if read > 0 && watch.phase() == RequestPhase::FirstByte {
            watch.set_phase(RequestPhase::Head);
        }
        if read > 0
            && let Some(on_first_byte) = self.on_first_byte.take()
        {
            on_first_byte();
        }
        self.buffers.input_appended(read);
        self.received += read;
        match self.received > MAX_BEFORE_BODY {
            true => Err(watch.fail(endless(watch.host())).into()),
            false => Ok(read > 0),
        }
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        // ureq has no part in TLS, and asks only to check that an https URL goes over it.
        true
    }
}

impl Drop for UreqTransport {
    fn drop(&mut self) {
        let unread = Zeroizing::new(self.buffers.input().to_vec());
        // Once all of it is consumed, ureq's buffer hands out its whole storage again: it may hold part of a token.
        self.buffers.input_consume(unread.len());
        self.buffers.input_append_buf().zeroize();
        if let Some(stream) = self.stream.take() {
            *sync::lock(&self.slot) = Some(Connection { stream, unread, received: self.received });
        }
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport").finish_non_exhaustive()
    }
}

/// Hands ureq the one connection that is open already.
struct ReadyConnector {
    transport: Mutex<Option<UreqTransport>>,
}

impl Connector for ReadyConnector {
    type Out = UreqTransport;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<UreqTransport>, ureq::Error> {
        Ok(sync::lock(&self.transport).take())
    }
}

impl fmt::Debug for ReadyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyConnector").finish_non_exhaustive()
    }
}

/// ureq looks names up before it connects.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &http::Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// The failure behind an error of ureq's.
fn explain(watch: &RequestWatch, error: ureq::Error) -> Failure {
    // What the stream reported is closer to the cause than what ureq made of it.
    if let Some(known) = watch.take_failure() {
        return known;
    }
    let host = watch.host();
    match error {
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => closed_early(host),
        ureq::Error::Io(e) => {
            with_hint(FailureKind::Network, format!("the connection to {host} broke: {}", reason(&e)), BROKEN)
        }
        ureq::Error::LargeResponseHeader(..) => oversized_head(host),
        // Its only complaint about a request of ours is that it does not fit into the buffer.
        ureq::Error::Protocol(_) if watch.phase() == RequestPhase::Send => failure(
            FailureKind::InvalidRequest,
            format!("the request to {host} is too large: the realm's path or the user agent is too long"),
        ),
        ureq::Error::Protocol(e) => not_http(host, e.to_string().trim_start_matches("http parse fail: ")),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => {
            failure(FailureKind::InvalidRequest, format!("no valid request to {host} can be made of the options"))
        }
        other => with_hint(FailureKind::Network, format!("the request to {host} failed: {other}"), BROKEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`UreqTransport`]'s drop relies on.
    #[test]
    fn a_consumed_buffer_is_free_from_its_first_byte() {
        let mut buffers = LazyBuffers::new(INPUT, OUTPUT);
        buffers.input_append_buf()[..5].copy_from_slice(b"token");
        buffers.input_appended(5);
        buffers.input_consume(2);
        let unread = buffers.input().len();
        buffers.input_consume(unread);
        let free = buffers.input_append_buf();
        assert_eq!((free.len(), &free[..5]), (INPUT, b"token".as_slice()));
    }
}
