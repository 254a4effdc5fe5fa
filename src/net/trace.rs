//! A record of one request's way: what each stage met, and how long it took. A diagnosis is made of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::platform::sync;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

use super::HttpTransport;
use super::certificate::Certificate;
use super::happy_eyeballs;
use super::request_watch::{RequestPhase, RequestWatch};
use super::stream::Stream;
use super::tls::RootsFrom;
use crate::model::human_duration::HumanDuration;

/// The stages of a request, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Finding out which proxy is to be used.
    Proxy,
    /// Reading the CA certificates.
    Roots,
    LookUp,
    Connect,
    /// Having the proxy connect, its own TLS included.
    Tunnel,
    /// TLS with the realm.
    Handshake,
    /// Request and response.
    Exchange,
}

impl From<RequestPhase> for Stage {
    fn from(phase: RequestPhase) -> Self {
        match phase {
            RequestPhase::LookUp => Self::LookUp,
            RequestPhase::Connect => Self::Connect,
            RequestPhase::ProxyHandshake | RequestPhase::Proxy => Self::Tunnel,
            RequestPhase::Handshake => Self::Handshake,
            RequestPhase::Send | RequestPhase::FirstByte | RequestPhase::Head | RequestPhase::Body => Self::Exchange,
        }
    }
}

/// What a request met so far.
#[derive(Default)]
pub(crate) struct Trace {
    stages: Vec<(Stage, Instant)>,
    ended: Option<Instant>,
    /// The proxy, without its user and password.
    pub(crate) proxy: Option<String>,
    pub(crate) roots: Vec<RootsFrom>,
    /// In the order in which they are tried.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) tls: Option<TlsFacts>,
    pub(crate) response: Option<ResponseFacts>,
}

/// What a handshake agreed on.
pub(crate) struct TlsFacts {
    pub(crate) version: &'static str,
    pub(crate) cipher_suite: String,
    pub(crate) certificate: Option<Certificate>,
}

/// What a response says beside its body.
pub(crate) struct ResponseFacts {
    pub(crate) status: u16,
    pub(crate) date: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Trace {
    pub(super) fn enter(&mut self, stage: Stage) {
        if self.last() != Some(stage) {
            self.stages.push((stage, Instant::now()));
        }
    }

    /// The stage that the request had come to.
    pub(crate) fn last(&self) -> Option<Stage> {
        self.stages.last().map(|(stage, _)| *stage)
    }

    /// How long that stage took; `None` if it was not reached.
    pub(crate) fn took(&self, stage: Stage) -> Option<Duration> {
        let index = self.stages.iter().position(|(reached, _)| *reached == stage)?;
        let next = self.stages.get(index + 1).map(|(_, at)| *at).or(self.ended);
        Some(next.unwrap_or_else(Instant::now).duration_since(self.stages[index].1))
    }

    pub(super) fn set_tls(&mut self, stream: &Stream) {
        let Stream::Tls(stream) = stream else { return };
        let connection = &stream.conn;
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        self.tls = Some(TlsFacts {
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            },
            cipher_suite: suite.unwrap_or_default(),
            certificate: connection.peer_certificates().and_then(|chain| Certificate::read(chain.first()?)),
        });
    }
}

/// A trace that is being written.
pub(super) type SharedTrace = Arc<Mutex<Trace>>;

/// The real transport, which keeps a record of its requests' way.
#[derive(Default)]
pub(crate) struct TracedTransport {
    trace: SharedTrace,
}

impl TracedTransport {
    /// Goes the way to the realm without sending a request.
    ///
    /// # Errors
    /// What a request would fail with before it is sent.
    pub(crate) fn connect_only(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<(), Failure> {
        self.traced(request, limits, |watch, transport| transport.connection(watch, request, None).map(drop))
    }

    /// What is known of the way by now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Trace) -> T) -> T {
        read(&sync::lock(&self.trace))
    }

    fn traced<T>(
        &self,
        request: &HttpRequest<'_>,
        limits: &Limits<'_>,
        work: impl FnOnce(&Arc<RequestWatch>, HttpTransport) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let trace = Some(Arc::clone(&self.trace));
        let (host, timeout) = (request.realm.host(), request.connect_timeout);
        let result =
            RequestWatch::scope_with_trace(host, limits, timeout, trace, |watch| work(watch, HttpTransport::new()));
        sync::lock(&self.trace).ended = Some(Instant::now());
        result
    }
}

impl Transport for TracedTransport {
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        let response = self.traced(request, limits, |watch, transport| transport.exchange(watch, request, None))?;
        sync::lock(&self.trace).response = Some(ResponseFacts {
            status: response.status,
            date: response.date.clone(),
            request_id: response.request_id.clone(),
        });
        Ok(response)
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        Box::new(self)
    }
}

/// Connects to one address and closes the connection at once. Returns how long that took.
///
/// # Errors
/// Why there was no connection, in a few words.
pub(crate) fn try_address(address: SocketAddr, limits: &Limits<'_>, timeout: Duration) -> Result<Duration, String> {
    const NAME: &str = "it";
    let start = Instant::now();
    RequestWatch::scope(NAME, limits, timeout, |watch| {
        match happy_eyeballs::connect(watch, NAME, address.port(), &[address.ip()]) {
            Ok(_) => Ok(start.elapsed()),
            Err(error) => Err(match watch.take_failure() {
                Some(failure) if failure.kind == FailureKind::Timeout => {
                    format!("no answer within {}", HumanDuration(start.elapsed()))
                }
                Some(failure) => short(&failure, &format!("cannot connect to {NAME} ({}): ", address.ip())),
                None => error.to_string(),
            }),
        }
    })
}

fn short(failure: &Failure, prefix: &str) -> String {
    failure.message.strip_prefix(prefix).unwrap_or(&failure.message).to_owned()
}
