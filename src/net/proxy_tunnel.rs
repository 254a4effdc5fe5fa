//! Through a proxy: it is told the realm's host and port, looks the name up itself, and from then on only passes bytes.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::model::proxy::{Kind, ProxyUrl};
use crate::ports::transport::FailureKind;

use super::endpoint::Route;
use super::failure::{hinted, reason};
use super::request_watch::{CHECK_PROXY, Line};
use super::stream::Stream;
use super::tls_error;

/// The most that a proxy may answer before the tunnel is open.
const MOST: usize = 8 * 1024;
const LOGIN: &str = "give the proxy's user and password in its URL: http://USER:PASSWORD@HOST:PORT, percent-encoded";

/// Opens the tunnel to `route`'s host on a stream to `proxy`.
pub(super) fn open(line: &Line, proxy: &ProxyUrl, stream: &mut Stream, route: &Route) -> io::Result<()> {
    let tunnel = Tunnel { line, stream, proxy: format!("{}:{}", proxy.host(), proxy.port()), route };
    match proxy.kind() {
        Kind::Http | Kind::Https => tunnel.connect(proxy),
        Kind::Socks5 => tunnel.socks5(proxy),
    }
}

struct Tunnel<'a> {
    line: &'a Line,
    stream: &'a mut Stream,
    proxy: String,
    route: &'a Route,
}

impl Tunnel<'_> {
    fn connect(mut self, proxy: &ProxyUrl) -> io::Result<()> {
        let target = format!("{}:{}", self.route.host, self.route.port);
        let agent = &self.route.user_agent;
        // Room for all of it, so that growing leaves no copy of the password behind.
        let mut request = Zeroizing::new(String::with_capacity(4 * 1024));
        request.push_str(&format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {agent}\r\n"));
        if let Some((user, password)) = proxy.login() {
            let mut login = Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 1));
            login.extend_from_slice(user);
            login.push(b':');
            login.extend_from_slice(password);
            request.push_str("Proxy-Authorization: Basic ");
            BASE64_STANDARD.encode_string(login.as_slice(), &mut request);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.send(request.as_bytes())?;
        let head = self.head()?;
        let status =
            head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5)).filter(|_| head.get(8) == Some(&b' '));
        match status.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse::<u16>().ok()) {
            Some(200..=299) => Ok(()),
            // Tinyproxy answers 401 to a login that it was given and does not know.
            Some(status @ (401 | 407)) => Err(self.login_wanted(status, &head)),
            Some(status @ (408 | 429 | 500..)) => {
                Err(self.refused(FailureKind::Network, &format!("it answered {status}")))
            }
            Some(status) => Err(self.refused(FailureKind::Barred, &format!("it answered {status}"))),
            None => Err(self.nonsense()),
        }
    }

    /// Reads up to the blank line. Behind it there is nothing: the realm's server speaks only when spoken to.
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(1024);
        let mut buffer = [0; 1024];
        loop {
            let read = self.receive(&mut buffer)?;
            head.extend_from_slice(&buffer[..read]);
            if head.windows(4).any(|window| window == b"\r\n\r\n") {
                return Ok(head);
            }
            if head.len() > MOST {
                return Err(self.nonsense());
            }
        }
    }

    fn socks5(mut self, proxy: &ProxyUrl) -> io::Result<()> {
        const VERSION: u8 = 5;
        const NO_LOGIN: u8 = 0;
        const LOGIN_BY_PASSWORD: u8 = 2;
        match proxy.login() {
            None => self.send(&[VERSION, 1, NO_LOGIN])?,
            Some(_) => self.send(&[VERSION, 2, NO_LOGIN, LOGIN_BY_PASSWORD])?,
        }
        let [version, method] = self.exactly()?;
        if version != VERSION {
            return Err(self.nonsense());
        }
        match (method, proxy.login()) {
            (NO_LOGIN, _) => {}
            (LOGIN_BY_PASSWORD, Some((user, password))) => {
                let mut login = Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 3));
                login.push(1);
                for part in [user, password] {
                    login.push(u8::try_from(part.len()).map_err(|_| self.no_entry())?);
                    login.extend_from_slice(part);
                }
                self.send(&login)?;
                let [_, status] = self.exactly()?;
                if status != 0 {
                    return Err(self.no_entry());
                }
            }
            _ => return Err(self.no_entry()),
        }
        self.send(&self.socks5_target()?)?;
        let [version, reply, _, kind] = self.exactly()?;
        if version != VERSION {
            return Err(self.nonsense());
        }
        // The address it connects from, of no use here but in the way.
        let length = match kind {
            1 => 4,
            4 => 16,
            3 => usize::from(self.exactly::<1>()?[0]),
            _ if reply != 0 => 0,
            _ => return Err(self.nonsense()),
        };
        if reply != 0 {
            let kind = if reply == 2 { FailureKind::Barred } else { FailureKind::Network };
            return Err(self.refused(
                kind,
                match reply {
                    1 => "it failed",
                    2 => "its rules forbid it",
                    3 => "network unreachable",
                    4 => "host unreachable, or its name cannot be resolved",
                    5 => "connection refused",
                    6 => "it took too long",
                    7 => "it does not know the command to connect",
                    8 => "it does not take an address of this kind",
                    _ => "for no reason that is known here",
                },
            ));
        }
        let mut buffer = [0; 257];
        self.fill(&mut buffer[..length + 2])
    }

    fn socks5_target(&self) -> io::Result<Vec<u8>> {
        let host = self.route.host.trim_matches(['[', ']']);
        let mut request = vec![5, 1, 0];
        match host.parse() {
            Ok(std::net::IpAddr::V4(address)) => {
                request.push(1);
                request.extend_from_slice(&address.octets());
            }
            Ok(std::net::IpAddr::V6(address)) => {
                request.push(4);
                request.extend_from_slice(&address.octets());
            }
            Err(_) => {
                request.push(3);
                request.push(
                    u8::try_from(host.len())
                        .map_err(|_| self.refused(FailureKind::Barred, "the host's name is too long"))?,
                );
                request.extend_from_slice(host.as_bytes());
            }
        }
        request.extend_from_slice(&self.route.port.to_be_bytes());
        Ok(request)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        sent.map_err(|e| self.broke(&e))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => Err(self.broke(&io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => Ok(read),
            Err(e) => Err(self.broke(&e)),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            filled += self.receive(&mut buffer[filled..])?;
        }
        Ok(())
    }

    fn exactly<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn broke(&self, error: &io::Error) -> io::Error {
        self.line.fail(match (tls_error::inside(error), error.kind()) {
            (Some(tls), _) => tls_error::explain(&self.proxy, tls, None),
            (None, io::ErrorKind::UnexpectedEof) => {
                hinted(FailureKind::Network, format!("the proxy {} closed the connection", self.proxy), CHECK_PROXY)
            }
            (None, _) => {
                let message = format!("the connection to the proxy {} broke: {}", self.proxy, reason(error));
                hinted(FailureKind::Network, message, CHECK_PROXY)
            }
        })
    }

    fn refused(&self, kind: FailureKind, why: &str) -> io::Error {
        let Self { proxy, route, .. } = self;
        let message = format!("the proxy {proxy} did not connect to {}:{}: {why}", route.host, route.port);
        self.line.fail(hinted(kind, message, "ask whoever runs the proxy to let this host through"))
    }

    fn login_wanted(&self, status: u16, head: &[u8]) -> io::Error {
        let proxy = &self.proxy;
        let schemes = login_schemes(head);
        let (message, hint) = if schemes.is_empty() || schemes.contains(&"basic") {
            let message =
                format!("the proxy {proxy} wants a user and a password, or others than it was given ({status})");
            (message, LOGIN)
        } else {
            let schemes = schemes.join(", ");
            let message = format!("the proxy {proxy} wants a login by {schemes}; only Basic is spoken here ({status})");
            (message, "run a relay that logs in that way, such as cntlm or px, and name it by the option proxy")
        };
        self.line.fail(hinted(FailureKind::Barred, message, hint))
    }

    fn no_entry(&self) -> io::Error {
        let message = format!("the proxy {} does not let this user in", self.proxy);
        self.line.fail(hinted(
            FailureKind::Barred,
            message,
            "give the proxy's user and password in its URL: socks5://USER:PASSWORD@HOST:PORT, percent-encoded",
        ))
    }

    fn nonsense(&self) -> io::Error {
        let message = format!("{} does not answer as a proxy of its kind does", self.proxy);
        self.line.fail(hinted(FailureKind::Protocol, message, "check the proxy's port, and http or socks5 in its URL"))
    }
}

/// The ways to log in that are known by name. Whatever else a proxy says could be the login that it was given.
const SCHEMES: [&str; 9] = ["basic", "bearer", "digest", "hoba", "kerberos", "mutual", "negotiate", "ntlm", "oauth"];

/// The ways to log in that a proxy names, in lower case. Each has a header of its own, or they share one by commas.
fn login_schemes(head: &[u8]) -> Vec<&'static str> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let values = head.lines().filter_map(|line| line.strip_prefix("proxy-authenticate:"));
    let words = values.flat_map(|value| value.split(',')).filter_map(|part| part.split_ascii_whitespace().next());
    // What has an equals sign is a parameter of the scheme before it.
    let schemes = words.filter(|word| word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let known = |word: &str| SCHEMES.into_iter().find(|known| *known == word).unwrap_or("a way unknown here");
    let mut schemes: Vec<_> = schemes.map(known).collect();
    schemes.dedup();
    schemes.truncate(4);
    schemes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_log_in_are_read_from_any_head() {
        let schemes = |head: &str| login_schemes(head.as_bytes()).join(" ");
        assert_eq!(schemes("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"a, b\"\r\n\r\n"), "basic");
        assert_eq!(schemes("Proxy-Authenticate: Negotiate\r\nPROXY-AUTHENTICATE:NTLM\r\n"), "negotiate ntlm");
        assert_eq!(
            schemes("proxy-authenticate: Digest realm=\"x\", nonce=\"y\", Basic realm=\"x\"\r\n"),
            "digest basic"
        );
        assert_eq!(schemes("Proxy-Authenticate: \r\nX: Basic\r\n\u{1b}[0m"), "");
        assert_eq!(schemes("Proxy-Authenticate: Hunter2, NTLM\r\n"), "a way unknown here ntlm");
        assert_eq!(schemes("Proxy-Authenticate: SCRAM-SHA-256\r\nProxy-Authenticate: us:er"), "a way unknown here");
    }
}
