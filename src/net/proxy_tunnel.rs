//! The tunnel through a proxy: it gets the realm's host and port, looks the name up itself, and then only passes bytes.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::model::proxy::{Kind, ProxyUrl};
use crate::ports::transport::FailureKind;

use super::endpoint::Endpoint;
use super::failure::{CHECK_PROXY, reason, with_hint};
use super::request_watch::RequestWatch;
use super::stream::Stream;
use super::tls_error::{self, Handshake};

/// The most that a proxy may send before the tunnel is open.
const MAX_HEAD: usize = 8 * 1024;
const LOGIN: &str = "give the proxy's user and password in its URL: http://USER:PASSWORD@HOST:PORT, percent-encoded";

/// Opens the tunnel to `endpoint`'s host on a stream to `proxy`.
pub(super) fn open(watch: &RequestWatch, proxy: &ProxyUrl, stream: &mut Stream, endpoint: &Endpoint) -> io::Result<()> {
    let tunnel = Tunnel { watch, stream, proxy: format!("{}:{}", proxy.host(), proxy.port()), endpoint };
    match proxy.kind() {
        Kind::Http | Kind::Https => tunnel.connect(proxy),
        Kind::Socks5 => tunnel.socks5(proxy),
    }
}

struct Tunnel<'a> {
    watch: &'a RequestWatch,
    stream: &'a mut Stream,
    proxy: String,
    endpoint: &'a Endpoint,
}

impl Tunnel<'_> {
    fn connect(mut self, proxy: &ProxyUrl) -> io::Result<()> {
        let target = format!("{}:{}", self.endpoint.host, self.endpoint.port);
        let agent = &self.endpoint.user_agent;
        // Large enough for all of it, so that growing leaves no copy of the password behind.
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
            // Tinyproxy returns 401 for credentials that it does not know.
            Some(status @ (401 | 407)) => Err(self.login_required(status, &head)),
            Some(status @ (408 | 429 | 500..)) => {
                Err(self.refused(FailureKind::Network, &format!("it returned {status}")))
            }
            Some(status) => Err(self.refused(FailureKind::ProxyDenied, &format!("it returned {status}"))),
            None => Err(self.not_a_proxy()),
        }
    }

    /// Reads up to the blank line. Nothing follows it: the realm's server does not speak first.
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(1024);
        let mut buffer = [0; 1024];
        loop {
            let read = self.receive(&mut buffer)?;
            head.extend_from_slice(&buffer[..read]);
            if head.windows(4).any(|window| window == b"\r\n\r\n") {
                return Ok(head);
            }
            if head.len() > MAX_HEAD {
                return Err(self.not_a_proxy());
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
            return Err(self.not_a_proxy());
        }
        match (method, proxy.login()) {
            (NO_LOGIN, _) => {}
            (LOGIN_BY_PASSWORD, Some((user, password))) => {
                let mut login = Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 3));
                login.push(1);
                for part in [user, password] {
                    login.push(u8::try_from(part.len()).map_err(|_| self.login_denied())?);
                    login.extend_from_slice(part);
                }
                self.send(&login)?;
                let [_, status] = self.exactly()?;
                if status != 0 {
                    return Err(self.login_denied());
                }
            }
            _ => return Err(self.login_denied()),
        }
        self.send(&self.socks5_target()?)?;
        let [version, reply, _, kind] = self.exactly()?;
        if version != VERSION {
            return Err(self.not_a_proxy());
        }
        // The address it connects from, of no use here but in the way.
        let length = match kind {
            1 => 4,
            4 => 16,
            3 => usize::from(self.exactly::<1>()?[0]),
            _ if reply != 0 => 0,
            _ => return Err(self.not_a_proxy()),
        };
        if reply != 0 {
            let kind = if reply == 2 { FailureKind::ProxyDenied } else { FailureKind::Network };
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
                    _ => "for an unknown reason",
                },
            ));
        }
        let mut buffer = [0; 257];
        self.fill(&mut buffer[..length + 2])
    }

    fn socks5_target(&self) -> io::Result<Vec<u8>> {
        let host = self.endpoint.host.trim_matches(['[', ']']);
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
                        .map_err(|_| self.refused(FailureKind::ProxyDenied, "the host's name is too long"))?,
                );
                request.extend_from_slice(host.as_bytes());
            }
        }
        request.extend_from_slice(&self.endpoint.port.to_be_bytes());
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
        self.watch.fail(match (tls_error::rustls_error_in(error), error.kind()) {
            (Some(tls), _) => Handshake::of(&self.proxy).explain(tls),
            (None, io::ErrorKind::UnexpectedEof) => {
                with_hint(FailureKind::Network, format!("the proxy {} closed the connection", self.proxy), CHECK_PROXY)
            }
            (None, _) => {
                let message = format!("the connection to the proxy {} broke: {}", self.proxy, reason(error));
                with_hint(FailureKind::Network, message, CHECK_PROXY)
            }
        })
    }

    fn refused(&self, kind: FailureKind, why: &str) -> io::Error {
        let Self { proxy, endpoint, .. } = self;
        let message = format!("the proxy {proxy} did not connect to {}:{}: {why}", endpoint.host, endpoint.port);
        self.watch.fail(with_hint(kind, message, "ask the proxy's administrator to allow this host"))
    }

    fn login_required(&self, status: u16, head: &[u8]) -> io::Error {
        let proxy = &self.proxy;
        let schemes = login_schemes(head);
        let (message, hint) = if schemes.is_empty() || schemes.contains(&"basic") {
            let message = format!(
                "the proxy {proxy} requires a user and a password, or did not accept those it was given ({status})"
            );
            (message, LOGIN)
        } else {
            let schemes = schemes.join(", ");
            let message =
                format!("the proxy {proxy} requires a login by {schemes}; only Basic is supported ({status})");
            (message, "run a relay that logs in that way, such as cntlm or px, and name it by the option proxy")
        };
        self.watch.fail(with_hint(FailureKind::ProxyDenied, message, hint))
    }

    fn login_denied(&self) -> io::Error {
        let message = format!("the proxy {} does not accept this user", self.proxy);
        self.watch.fail(with_hint(
            FailureKind::ProxyDenied,
            message,
            "give the proxy's user and password in its URL: socks5://USER:PASSWORD@HOST:PORT, percent-encoded",
        ))
    }

    fn not_a_proxy(&self) -> io::Error {
        let message = format!("{} does not behave as a proxy of its kind", self.proxy);
        self.watch.fail(with_hint(
            FailureKind::Protocol,
            message,
            "check the proxy's port, and the scheme of its URL (http or socks5)",
        ))
    }
}

/// The schemes that are shown by name. Anything else that a proxy sends could be the login that it was given.
const SCHEMES: [&str; 9] = ["basic", "bearer", "digest", "hoba", "kerberos", "mutual", "negotiate", "ntlm", "oauth"];

/// The authentication schemes that a proxy offers, in lower case. Each has a header of its own, or they share one.
fn login_schemes(head: &[u8]) -> Vec<&'static str> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let values = head.lines().filter_map(|line| line.strip_prefix("proxy-authenticate:"));
    let words = values.flat_map(|value| value.split(',')).filter_map(|part| part.split_ascii_whitespace().next());
    // What has an equals sign is a parameter of the scheme before it.
    let schemes = words.filter(|word| word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let known = |word: &str| SCHEMES.into_iter().find(|known| *known == word).unwrap_or("an unknown scheme");
    let mut schemes: Vec<_> = schemes.map(known).collect();
    schemes.dedup();
    schemes.truncate(4);
    schemes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemes_are_read_from_any_head() {
        let schemes = |head: &str| login_schemes(head.as_bytes()).join(" ");
        assert_eq!(schemes("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"a, b\"\r\n\r\n"), "basic");
        assert_eq!(schemes("Proxy-Authenticate: Negotiate\r\nPROXY-AUTHENTICATE:NTLM\r\n"), "negotiate ntlm");
        assert_eq!(
            schemes("proxy-authenticate: Digest realm=\"x\", nonce=\"y\", Basic realm=\"x\"\r\n"),
            "digest basic"
        );
        assert_eq!(schemes("Proxy-Authenticate: \r\nX: Basic\r\n\u{1b}[0m"), "");
        assert_eq!(schemes("Proxy-Authenticate: Hunter2, NTLM\r\n"), "an unknown scheme ntlm");
        assert_eq!(schemes("Proxy-Authenticate: SCRAM-SHA-256\r\nProxy-Authenticate: us:er"), "an unknown scheme");
    }
}
