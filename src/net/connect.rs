//! The way to the other side: look-up, connect, proxy, TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};

use crate::model::proxy::Kind;

use super::dns;
use super::endpoint::Route;
use super::happy_eyeballs;
use super::pool::Stay;
use super::proxy_tunnel;
use super::request_watch::{Line, Phase};
use super::shared::SHARED;
use super::stream::{Carrier, Socket, Stream};
use super::tls;

/// Opens a [`Route`] for ureq.
pub(super) struct Dial {
    pub(super) line: Arc<Line>,
    pub(super) route: Arc<Route>,
    pub(super) stay: Option<Arc<Stay>>,
}

impl Connector for Dial {
    type Out = Carrier;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Carrier>, ureq::Error> {
        if let Some(proxy) = &self.route.proxy {
            self.line.go_through(&format!("{}:{}", proxy.host(), proxy.port()));
        }
        let kept = self.stay.as_ref().and_then(|stay| stay.take(&self.route));
        let stream = match kept {
            Some(mut stream) => {
                stream.lend(Some(&self.line));
                stream
            }
            None => self.open()?,
        };
        self.line.opened();
        let home = self.stay.as_ref().map(|stay| (Arc::clone(stay), Arc::clone(&self.route)));
        Ok(Some(Carrier::new(stream, Arc::clone(&self.line), home)))
    }
}

impl Dial {
    fn open(&self) -> io::Result<Stream> {
        let Self { line, route, .. } = self;
        // The realm's own name is the proxy's to look up.
        let (host, port) = match &route.proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (route.host.as_str(), route.port),
        };
        let called = match &route.proxy {
            Some(_) => format!("the proxy {host}:{port}"),
            None => format!("{host}:{port}"),
        };
        line.enter(Phase::LookUp);
        let addresses = dns::addresses(line, &SHARED, route.resolve, host)?;
        line.enter(Phase::Connect);
        let tcp = happy_eyeballs::first(line, &called, port, &addresses)?;
        let mut stream = Stream::Bare(Socket::new(tcp, Arc::clone(line)));
        if let Some(proxy) = &route.proxy {
            if let (Kind::Https, Some(trust)) = (proxy.kind(), &route.trust) {
                line.enter(Phase::ProxyHandshake);
                stream = tls::wrap(line, trust, stream, proxy.host(), &called)?;
            }
            line.enter(Phase::Proxy);
            proxy_tunnel::open(line, proxy, &mut stream, route)?;
        }
        if let Some(trust) = &route.trust {
            line.enter(Phase::Handshake);
            stream = tls::wrap(line, trust, stream, &route.host, &route.host)?;
        }
        Ok(stream)
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("line", &self.line).finish_non_exhaustive()
    }
}

/// ureq asks before it connects, even if a proxy will do the look-up. [`Dial`] knows better when.
#[derive(Debug)]
pub(super) struct NoLookUp;

impl Resolver for NoLookUp {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
