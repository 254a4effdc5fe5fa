//! The way to the other side: look-up, connect, proxy, TLS.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};

use crate::platform::file;
use crate::platform::socket::{self, Awaited};
use crate::proxy::Kind;
use crate::transport::FailureKind;

use super::failure::{NO_DESCRIPTOR, NO_WAY, hinted, reason};
use super::kept::Stay;
use super::line::{CHECK_PROXY, Line, Phase};
use super::lookup;
use super::route::Route;
use super::shared::SHARED;
use super::stream::{Carrier, Socket, Stream};
use super::tls;
use super::tunnel;

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
        let addresses = lookup::addresses(line, &SHARED, route.resolve, host)?;
        line.enter(Phase::Connect);
        let tcp = connect(line, &called, port, &addresses)?;
        let mut stream = Stream::Bare(Socket::new(tcp, Arc::clone(line)));
        if let Some(proxy) = &route.proxy {
            if let (Kind::Https, Some(trust)) = (proxy.kind(), &route.trust) {
                line.enter(Phase::ProxyHandshake);
                stream = tls::wrap(line, trust, stream, proxy.host(), &called)?;
            }
            line.enter(Phase::Proxy);
            tunnel::open(line, proxy, &mut stream, route)?;
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

/// The first of `addresses` that answers. Each may take half of the time that is left, and the last one all of it.
fn connect(line: &Line, called: &str, port: u16, addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let mut problems = Vec::new();
    let mut only_silence = true;
    let mut no_descriptor = false;
    for (index, address) in addresses.iter().enumerate() {
        let left = line.left_to_open();
        let keep = if index + 1 == addresses.len() { Duration::ZERO } else { left / 2 };
        match try_one(line, SocketAddr::new(*address, port), keep) {
            Ok(Some(stream)) => return Ok(stream),
            Ok(None) => problems.push((address, "no answer".to_owned())),
            Err(e) if line.has_failed() => return Err(e),
            Err(e) => {
                only_silence = false;
                no_descriptor |= file::is_out_of_descriptors(&e);
                problems.push((address, reason(&e)));
            }
        }
    }
    let kind = if only_silence { FailureKind::Timeout } else { FailureKind::Network };
    let message = match problems.as_slice() {
        [(address, problem)] => format!("cannot connect to {called} ({address}): {problem}"),
        several => {
            let each: Vec<_> = several.iter().map(|(address, problem)| format!("{address}: {problem}")).collect();
            format!("cannot connect to {called} ({})", each.join("; "))
        }
    };
    let hint = match called.starts_with("the proxy") {
        _ if no_descriptor => NO_DESCRIPTOR,
        true => CHECK_PROXY,
        false => NO_WAY,
    };
    Err(line.fail(hinted(kind, message, hint)))
}

/// `None` if there was no answer before only `keep` was left for the addresses that follow.
fn try_one(line: &Line, to: SocketAddr, keep: Duration) -> io::Result<Option<TcpStream>> {
    let stream = socket::start_connect(to, line.left_to_open().saturating_sub(keep))?;
    loop {
        let span = line.look()?;
        let left = line.left_to_open();
        if left <= keep {
            return Ok(None);
        }
        let mine = left - keep;
        if socket::wait(&stream, Awaited::Room, Some(span.map_or(mine, |span| span.min(mine))))? {
            return match stream.take_error()? {
                None => Ok(Some(stream)),
                Some(e) => Err(e),
            };
        }
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::cancel::Bounds;
    use crate::http::testing::{Real, deaf};

    #[cfg(target_os = "linux")]
    #[test]
    fn one_address_that_is_silent_leaves_time_for_the_next() {
        let (silent, _queue) = deaf("127.0.0.3:0");
        let port = silent.local_addr().expect("an address").port();
        let good = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free on another address");
        let addresses = [Ipv4Addr::new(127, 0, 0, 3).into(), Ipv4Addr::LOCALHOST.into()];
        let bounds = Bounds::new(&Real, None);
        Line::lend("host", &bounds, Duration::from_millis(600), |line| {
            let stream = connect(line, "host", port, &addresses).expect("the second answers");
            assert_eq!(stream.peer_addr().ok(), good.local_addr().ok());
        });
        drop(good);
        let fails = |addresses: &[IpAddr]| {
            Line::lend("host", &bounds, Duration::from_millis(200), |line| {
                connect(line, "host", port, addresses).expect_err("nobody answers");
                line.take_failure().expect("a reason")
            })
        };
        let mixed = fails(&addresses);
        assert_eq!(mixed.kind, FailureKind::Network);
        assert_eq!(mixed.message, "cannot connect to host (127.0.0.3: no answer; 127.0.0.1: connection refused)");
        assert_eq!(fails(&addresses[..1]).kind, FailureKind::Timeout);
    }
}
