//! The URL of a Redis or Valkey server that is a token store.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::realm::is_loopback;
use super::{absolute_path, percent};

/// A Redis server: where it is, and how to log in.
#[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
pub(crate) struct RedisUrl {
    pub(crate) address: RedisAddress,
    pub(crate) login: Option<RedisLogin>,
    pub(crate) database: u32,
    /// What the names of all keys begin with.
    pub(crate) prefix: String,
}

/// Where a server listens.
#[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
pub(crate) enum RedisAddress {
    Tcp {
        /// In lower case; an IPv6 address stands in brackets.
        host: String,
        port: u16,
        /// `None` for plain text, which is for loopback only.
        tls: Option<RedisTls>,
    },
    Unix(PathBuf),
}

/// PEM files for TLS with a store's server.
#[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
#[derive(Clone, Default)]
pub(crate) struct RedisTls {
    /// Trusted in addition to the system's CA certificates.
    pub(crate) ca_file: Option<PathBuf>,
    /// A client certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// What `AUTH` needs.
#[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
pub(crate) struct RedisLogin {
    /// `None` for the default user.
    pub(crate) user: Option<Zeroizing<String>>,
    pub(crate) password: Zeroizing<String>,
}

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_PREFIX: &str = "b2auth:";
/// The longest user, password or prefix.
const MAX_TEXT: usize = 512;

#[cfg_attr(not(feature = "store-redis"), allow(dead_code, reason = "for Redis"))]
impl RedisAddress {
    /// The place that a server sends to, `HOST:PORT`; without a host, another port of its own. `None` if that is not a place,
    /// or less safe: plain text is for loopback only.
    pub(crate) fn moved_to(&self, place: &str) -> Option<Self> {
        let (host, port) = place.rsplit_once(':')?;
        let (own_host, tls) = match self {
            Self::Tcp { host, tls, .. } => (host.as_str(), tls.clone()),
            Self::Unix(_) => ("127.0.0.1", None),
        };
        let host = match host {
            "" => own_host.to_owned(),
            // As a server writes an IPv6 address.
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let (host, port) = host_and_port(&format!("{host}:{port}")).ok()?;
        (tls.is_some() || is_loopback(&host)).then_some(Self::Tcp { host, port, tls })
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Plain,
    Tls,
    Unix,
}

impl RedisUrl {
    pub(super) fn parse(text: &str, scheme: Scheme) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("//").ok_or("a Redis URL begins with rediss://, redis:// or redis+unix://")?;
        if rest.contains('#') {
            return Err("a store's URL has no fragment: write %23 for the character #");
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(RedisLogin::parse(login)?), host),
            None => (None, authority),
        };
        let parameters = Parameters::parse(query, scheme)?;
        let (address, database) = match scheme {
            Scheme::Unix if !host.is_empty() => return Err("a socket's URL has three slashes: redis+unix:///PATH"),
            Scheme::Unix => {
                (RedisAddress::Unix(absolute_path::parse(&decode(path)?)?), parameters.database.unwrap_or(0))
            }
            Scheme::Plain | Scheme::Tls => {
                let (host, port) = host_and_port(host)?;
                if scheme == Scheme::Plain && !is_loopback(&host) {
                    return Err("redis:// is for loopback addresses only: use rediss://");
                }
                let tls = (scheme == Scheme::Tls).then_some(parameters.tls);
                let database = path.strip_prefix('/').filter(|number| !number.is_empty());
                (RedisAddress::Tcp { host, port, tls }, database.map_or(Ok(0), database_number)?)
            }
        };
        let prefix = parameters.prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
        Ok(Self { address, login, database, prefix })
    }
}

impl RedisLogin {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let user = Some(decode(user)?).filter(|user| !user.is_empty());
        let password = decode(password)?;
        if user.is_none() && password.is_empty() {
            return Err("it has neither a user nor a password before the @");
        }
        Ok(Self { user, password })
    }
}

/// What may stand behind the question mark.
#[derive(Default)]
struct Parameters {
    tls: RedisTls,
    database: Option<u32>,
    prefix: Option<String>,
}

impl Parameters {
    fn parse(query: &str, scheme: Scheme) -> Result<Self, &'static str> {
        let mut found = Self::default();
        let (mut certificate, mut key) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or("it has a parameter without a value")?;
            let value = decode(value)?;
            let is_repeated = match (name, scheme) {
                ("ca_file", Scheme::Tls) => found.tls.ca_file.replace(absolute_path::parse(&value)?).is_some(),
                ("cert", Scheme::Tls) => certificate.replace(absolute_path::parse(&value)?).is_some(),
                ("key", Scheme::Tls) => key.replace(absolute_path::parse(&value)?).is_some(),
                ("db", Scheme::Unix) => found.database.replace(database_number(&value)?).is_some(),
                ("prefix", _) => found.prefix.replace(prefix(&value)?).is_some(),
                ("ca_file" | "cert" | "key", _) => return Err("ca_file, cert and key are for rediss:// only"),
                ("db", _) => return Err("the number of the database stands behind the port: rediss://HOST:PORT/DB"),
                _ => return Err("it has an unknown parameter: ca_file, cert, key, db and prefix are known"),
            };
            if is_repeated {
                return Err("it has a parameter twice");
            }
        }
        found.tls.identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("cert and key, a client certificate and its key, come together"),
        };
        Ok(found)
    }
}

fn database_number(text: &str) -> Result<u32, &'static str> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or("its database is not a number")
}

/// Braces would decide to which node of a cluster a key belongs.
fn prefix(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
    match text.len() <= 64 && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("its prefix is not at most 64 visible ASCII characters without braces"),
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of an IPv6 address is within its brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    if !is_valid || host.len() > 253 {
        return Err("it has no valid host");
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("its port is not a number from 1 to 65535")?,
    };
    Ok((host.to_ascii_lowercase(), port))
}

fn decode(text: &str) -> Result<Zeroizing<String>, &'static str> {
    const BROKEN: &str = "it is not properly percent-encoded";
    let mut decoded = percent::decode(text).ok_or(BROKEN)?;
    if decoded.len() > MAX_TEXT {
        return Err("a part of it is over 512 bytes");
    }
    // Of the same capacity, so that no copy is left behind.
    match String::from_utf8(std::mem::take(&mut *decoded)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(BROKEN)
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::path::Path;

    use super::*;

    fn redis(text: &str) -> RedisUrl {
        let (scheme, rest) = text.split_once("://").expect("a URL");
        let scheme = match scheme {
            "redis" => Scheme::Plain,
            "rediss" => Scheme::Tls,
            _ => Scheme::Unix,
        };
        RedisUrl::parse(&format!("//{rest}"), scheme).expect(text)
    }

    #[test]
    fn a_server_has_an_address_a_login_and_parameters() {
        let url =
            redis("rediss://app:p%40ss%2Fword@Cache.Example:6380/3?ca_file=/ca.pem&cert=/c.pem&key=/k.pem&prefix=x:");
        let RedisAddress::Tcp { host, port, tls: Some(tls) } = &url.address else { panic!("over TLS") };
        assert_eq!((host.as_str(), *port, url.database, url.prefix.as_str()), ("cache.example", 6380, 3, "x:"));
        assert_eq!(tls.ca_file.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(tls.identity, Some(("/c.pem".into(), "/k.pem".into())));
        let login = url.login.expect("a login");
        assert_eq!((login.user.as_deref().map(String::as_str), login.password.as_str()), (Some("app"), "p@ss/word"));

        let url = redis("redis://:secret@[::1]");
        assert_eq!((url.address.to_string(), url.prefix.as_str()), ("[::1]:6379".to_owned(), "b2auth:"));
        assert!(url.login.is_some_and(|login| login.user.is_none() && login.password.as_str() == "secret"));
        assert!(redis("redis://localhost/").login.is_none());

        let url = redis("redis+unix:///run/my%20redis.sock?db=2");
        assert_eq!((url.address.to_string(), url.database), ("/run/my redis.sock".to_owned(), 2));
        assert!(redis("redis+unix://:pw@/run/r.sock").login.is_some());
    }

    #[test]
    fn a_cluster_sends_to_places_that_are_as_safe() {
        let moved = |url: &str, place: &str| redis(url).address.moved_to(place).map(|address| address.to_string());
        assert_eq!(moved("rediss://one.example", "two.example:6380").as_deref(), Some("two.example:6380"));
        assert_eq!(moved("rediss://one.example", ":6380").as_deref(), Some("one.example:6380"));
        assert_eq!(moved("redis://localhost", "::1:6380").as_deref(), Some("[::1]:6380"));
        assert_eq!(moved("redis+unix:///run/r.sock", "127.0.0.1:1").as_deref(), Some("127.0.0.1:1"));
        for place in ["two.example:6380", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "a b:1", ""] {
            assert_eq!(moved("redis://localhost", place), None, "{place}");
        }
    }
}
