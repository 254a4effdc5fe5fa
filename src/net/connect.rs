//! Opening a connection: name look-up, connect, proxy, TLS.

use std::io;
use std::sync::Arc;

use crate::model::proxy::Kind;

use super::dns::{self, Resolve};
use super::endpoint::Endpoint;
use super::happy_eyeballs;
use super::proxy_tunnel;
use super::request_watch::{RequestPhase, RequestWatch};
use super::stream::{Socket, Stream};
use super::tls::{self, TlsTrust};

/// Opens a connection to the endpoint; `trust` says whom to trust there, for https.
pub(super) fn open(
    watch: &Arc<RequestWatch>,
    endpoint: &Endpoint,
    trust: Option<&TlsTrust>,
    resolve: Resolve,
) -> io::Result<Stream> {
    // The proxy looks up the realm's name by itself.
    let (host, port) = match &endpoint.proxy {
        Some(proxy) => (proxy.host(), proxy.port()),
        None => (endpoint.host.as_str(), endpoint.port),
    };
    let display_name = match &endpoint.proxy {
        Some(_) => format!("the proxy {host}:{port}"),
        None => format!("{host}:{port}"),
    };
    watch.set_phase(RequestPhase::LookUp);
    let addresses = dns::addresses(watch, &dns::LOOKUPS, resolve, host)?;
    watch.trace(|trace| trace.addresses.clone_from(&addresses));
    watch.set_phase(RequestPhase::Connect);
    let tcp = happy_eyeballs::connect(watch, &display_name, port, &addresses)?;
    watch.trace(|trace| trace.peer = tcp.peer_addr().ok());
    // Where the name led: a wildcard in a search domain may have answered for it.
    let server = match tcp.peer_addr().map(|peer| peer.ip().to_string()) {
        Ok(address) if endpoint.proxy.is_none() && address != host.trim_matches(['[', ']']) => {
            format!("{host} ({address})")
        }
        _ => endpoint.host.clone(),
    };
    let mut stream = Stream::Plain(Socket::new(tcp, Arc::clone(watch)));
    if let Some(proxy) = &endpoint.proxy {
        if let (Kind::Https, Some(trust)) = (proxy.kind(), trust) {
            watch.set_phase(RequestPhase::ProxyHandshake);
            stream = tls::wrap(watch, trust, stream, proxy.host(), &display_name)?;
        }
        watch.set_phase(RequestPhase::Proxy);
        proxy_tunnel::open(watch, proxy, &mut stream, endpoint)?;
    }
    if let Some(trust) = trust {
        watch.set_phase(RequestPhase::Handshake);
        stream = tls::wrap(watch, trust, stream, &endpoint.host, &server)?;
        watch.trace(|trace| trace.set_tls(&stream));
    }
    Ok(stream)
}
