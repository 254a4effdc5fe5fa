//! The network: one authorize request over HTTP, which a cancel or a deadline can end at any time.

mod body;
mod ca_files;
mod certificate;
mod connect;
mod dns;
mod endpoint;
mod exchange;
mod failure;
mod happy_eyeballs;
#[cfg(feature = "store-redis")]
mod identity;
#[cfg(feature = "store-redis")]
mod link;
mod pem;
mod pool;
mod proxy_tunnel;
mod request_watch;
pub(crate) mod resolver;
mod roots;
mod stream;
mod system_store;
mod tls;
mod tls_error;
pub(crate) mod trace;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};

use crate::model::proxy::ProxyUrl;
use crate::platform::environment;
use crate::platform::fork_mutex::AtFork;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};

use self::body::Received;
use self::dns::Resolve;
use self::endpoint::Endpoint;
use self::failure::{BROKEN, CHECK_PROXY_VARIABLE, reason, with_hint};
use self::pool::{Lease, PooledTransport};
use self::request_watch::RequestWatch;
use self::stream::Stream;
use self::trace::Stage;

/// What a fork locks.
#[cfg(not(feature = "store-redis"))]
pub(crate) static LOCKS: [&dyn AtFork; 4] = [&dns::LOOKUPS, &resolver::READS, &roots::READS, &roots::ROOTS];
#[cfg(feature = "store-redis")]
pub(crate) static LOCKS: [&dyn AtFork; 5] =
    [&dns::LOOKUPS, &identity::READS, &resolver::READS, &roots::READS, &roots::ROOTS];

#[cfg(feature = "store-redis")]
pub(crate) use self::link::{Destination, Link, LinkFailure, LinkTls, Wire};

/// Builds what requests share and what would read the environment when it is built.
pub(crate) fn prepare() {
    exchange::config();
}

/// The real transport.
#[derive(Clone, Copy)]
pub(crate) struct HttpTransport {
    resolve: Resolve,
}

impl HttpTransport {
    pub(crate) const fn new() -> Self {
        Self { resolve: dns::system }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: &HttpRequest<'_>, limits: &Limits<'_>) -> Result<HttpResponse, Failure> {
        self.send_with(request, limits, None)
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        Box::new(PooledTransport::new(*self))
    }
}

impl HttpTransport {
    /// Without a `lease` the connection is new, and closed after the response.
    fn send_with(
        &self,
        request: &HttpRequest<'_>,
        limits: &Limits<'_>,
        lease: Option<&Lease>,
    ) -> Result<HttpResponse, Failure> {
        RequestWatch::scope(request.realm.host(), limits, request.connect_timeout, |watch| {
            let result = self.exchange(watch, request, lease);
            result.map_err(|failure| Failure { is_sent: watch.is_connected(), ..failure })
        })
    }

    /// A connection to where the request goes.
    fn connection(
        &self,
        watch: &Arc<RequestWatch>,
        request: &HttpRequest<'_>,
        lease: Option<&Lease>,
    ) -> Result<(Arc<Endpoint>, Stream), Failure> {
        let failed = |error: std::io::Error| {
            watch.take_failure().unwrap_or_else(|| with_hint(FailureKind::Network, reason(&error), BROKEN))
        };
        // A cancel takes precedence over whatever else is wrong.
        watch.check().map_err(failed)?;
        let endpoint = Arc::new(endpoint(watch, request)?);
        if let Some(proxy) = &endpoint.proxy {
            watch.set_proxy(&format!("{}:{}", proxy.host(), proxy.port()));
        }
        let stream = match lease.and_then(|lease| lease.take(&endpoint)) {
            Some(mut stream) => {
                stream.set_watch(Some(watch));
                stream
            }
            // A connection that is kept was opened with the trust of then.
            None => {
                watch.trace(|trace| trace.enter(Stage::Roots));
                let trust = endpoint.is_https.then(|| roots::trust(watch, request.ca_file.as_slice())).transpose()?;
                watch.trace(|trace| trace.roots.extend(trust.iter().flat_map(|trust| trust.origin.clone())));
                connect::open(watch, &endpoint, trust.as_ref(), self.resolve).map_err(failed)?
            }
        };
        Ok((endpoint, stream))
    }

    fn exchange(
        &self,
        watch: &Arc<RequestWatch>,
        request: &HttpRequest<'_>,
        lease: Option<&Lease>,
    ) -> Result<HttpResponse, Failure> {
        let (endpoint, stream) = self.connection(watch, request, lease)?;
        watch.connected();
        let confirm = lease.map(Lease::confirmation);
        let on_first_byte = move || confirm.into_iter().for_each(|confirm| confirm());
        let (head, connection) = exchange::exchange(watch, request, stream, lease.is_some(), on_first_byte)?;
        let (received, body_failure) = match body::read(watch, &head, connection) {
            // Any other status is a verdict by itself, and its body only detail.
            Err(failure) if head.status != StatusCode::OK && failure.kind != FailureKind::Cancelled => {
                (Received::default(), Some(failure.message))
            }
            done => (done?, None),
        };
        if let (Some(lease), Some(stream)) = (lease, received.reusable) {
            lease.put(stream, endpoint);
        }
        Ok(HttpResponse {
            status: head.status.as_u16(),
            body: received.bytes,
            body_failure,
            date: text(&head.headers, &DATE),
            retry_after: text(&head.headers, &RETRY_AFTER),
            request_id: text(&head.headers, &HeaderName::from_static("x-bz-request-id")),
            location: text(&head.headers, &LOCATION),
        })
    }
}

fn endpoint(watch: &RequestWatch, request: &HttpRequest<'_>) -> Result<Endpoint, Failure> {
    let realm = request.realm;
    watch.trace(|trace| trace.enter(Stage::Proxy));
    let proxy = request.proxy.for_realm(realm, environment::text);
    let proxy = proxy.map_err(|reason| with_hint(FailureKind::InvalidRequest, reason, CHECK_PROXY_VARIABLE))?;
    watch.trace(|trace| trace.proxy = proxy.as_ref().map(ProxyUrl::without_login));
    Ok(Endpoint {
        host: realm.host().to_owned(),
        port: realm.port(),
        is_https: realm.is_https(),
        ca_file: request.ca_file.map(Path::to_owned),
        proxy,
        user_agent: request.user_agent.to_owned(),
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
