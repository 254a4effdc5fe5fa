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

/// The longest that an address is waited for alone.
const HEAD_START: Duration = Duration::from_millis(250);

/// The first of `addresses` that answers. Beside one that stays silent the next is tried before long, so that a network
/// that swallows what goes to some of them, often those of IPv6, costs a moment and not the call.
fn connect(line: &Line, called: &str, port: u16, addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let mut untried = addresses.iter().enumerate();
    let mut waiting: Vec<(usize, TcpStream)> = Vec::new();
    let mut problems: Vec<(usize, String)> = Vec::new();
    let mut no_descriptor = false;
    // The time that will be left when the next is tried.
    let mut next_at = Duration::MAX;
    loop {
        let span = match (line.look(), problems.is_empty()) {
            (Ok(span), _) => span,
            (Err(e), true) => return Err(e),
            // What the others had to say is worth more than that the time is up.
            (Err(e), false) => match line.take_failure() {
                Some(failure) if failure.kind == FailureKind::Timeout => {
                    problems.extend(waiting.iter().map(|(index, _)| (*index, "no answer".to_owned())));
                    break;
                }
                other => return Err(other.map_or(e, |failure| line.fail(failure))),
            },
        };
        let left = line.left_to_open();
        let mut failed = None;
        if let Some((index, address)) = (waiting.is_empty() || left <= next_at).then(|| untried.next()).flatten() {
            let turns = u32::try_from(untried.len()).unwrap_or(u32::MAX).saturating_add(1);
            let alone = if turns == 1 { left } else { HEAD_START.min(left / turns) };
            next_at = left - alone;
            match socket::start_connect(SocketAddr::new(*address, port), alone) {
                Ok(stream) => waiting.push((index, stream)),
                Err(e) => failed = Some((index, e)),
            }
        } else if waiting.is_empty() {
            break;
        } else {
            let patience = left - if untried.len() == 0 { Duration::ZERO } else { next_at };
            let streams: Vec<_> = waiting.iter().map(|(_, stream)| stream).collect();
            let patience = span.map_or(patience, |span| span.min(patience));
            if let Some(ready) = socket::wait_for_any(&streams, Awaited::Room, Some(patience))? {
                let (index, stream) = waiting.swap_remove(ready);
                match stream.take_error()? {
                    None => return Ok(stream),
                    Some(e) => failed = Some((index, e)),
                }
            }
        }
        if let Some((index, e)) = failed {
            no_descriptor |= file::is_out_of_descriptors(&e);
            problems.push((index, why_not(&e)));
            // Nobody is to wait for that.
            next_at = Duration::MAX;
        }
    }
    problems.sort_unstable();
    let message = match problems.as_slice() {
        [(index, problem)] => format!("cannot connect to {called} ({}): {problem}", addresses[*index]),
        several => {
            let each: Vec<_> = several.iter().map(|(index, why)| format!("{}: {why}", addresses[*index])).collect();
            format!("cannot connect to {called} ({})", each.join("; "))
        }
    };
    let hint = match called.starts_with("the proxy") {
        _ if no_descriptor => NO_DESCRIPTOR,
        true => CHECK_PROXY,
        false => NO_WAY,
    };
    Err(line.fail(hinted(FailureKind::Network, message, hint)))
}

fn why_not(error: &io::Error) -> String {
    match error.kind() {
        // Nothing is wrong with the address.
        io::ErrorKind::InvalidInput => "this machine refuses to (a blackhole route does that)".to_owned(),
        _ => reason(error),
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
