//! The proxy that a call goes through, as its options or the environment say.

use std::fmt;

use zeroize::Zeroizing;

use super::realm::Realm;
use super::{no_proxy, percent};

/// The variables that may name a proxy; the first that is set counts.
pub(crate) const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that exempt hosts from it; the first that is set counts.
pub(crate) const EXEMPT_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// How requests reach the realm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Env,
    /// Directly.
    None,
    /// Through this proxy.
    Through(ProxyUrl),
}

/// The protocol that a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Https,
    Socks5,
}

/// A proxy's address, with the user and password it may carry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl {
    kind: Kind,
    host: String,
    port: u16,
    login: Option<Login>,
}

#[derive(Clone, PartialEq, Eq)]
struct Login {
    user: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl Proxy {
    /// Reads `env`, `none`, or a URL (http, https, socks5).
    ///
    /// # Errors
    /// Says what is wrong without repeating the text, which may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim_ascii() {
            "env" => Ok(Self::Env),
            "none" => Ok(Self::None),
            url => ProxyUrl::parse(url).map(Self::Through),
        }
    }

    /// Reads the value of one of [`VARIABLES`].
    ///
    /// # Errors
    /// As [`Proxy::parse`].
    pub(crate) fn parse_variable(value: &str) -> Result<ProxyUrl, &'static str> {
        // Other programs take a bare host and port as an http proxy, so people write that.
        match value.contains("://") {
            true => ProxyUrl::parse(value),
            false => ProxyUrl::parse(&Zeroizing::new(format!("http://{value}"))),
        }
    }

    /// The proxy for requests to `realm`, if there is one. A loopback realm never has one. `variable` reads the environment.
    ///
    /// # Errors
    /// Names the environment variable that is not a proxy, and says why.
    pub(crate) fn for_realm(
        &self,
        realm: &Realm,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<ProxyUrl>, String> {
        match self {
            _ if realm.is_loopback() => Ok(None),
            Self::None => Ok(None),
            Self::Through(url) => Ok(Some(url.clone())),
            Self::Env => from_environment(variable, realm.host(), realm.port()),
        }
    }
}

impl ProxyUrl {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with(['"', '\'']) {
            return Err("it has quotation marks around it");
        }
        let (scheme, rest) = text.split_once("://").ok_or("must be env, none, or a URL with http, https or socks5")?;
        // The usual default ports of the schemes; curl's default of 1080 surprises people.
        let (kind, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return Err("a proxy's URL begins with http, https or socks5"),
        };
        // A password may contain an @ that was not encoded, but a host contains none.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains(['/', '?', '#']) {
            return Err("a proxy's URL has no path, query or fragment");
        }
        let (host, port) = match place.rsplit_once(':') {
            // The last colon of an IPv6 address is within its brackets.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (place, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let sound = match bare {
            Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
        };
        if !sound {
            return Err("it has no valid host");
        }
        let port = match port {
            None => default_port,
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or("its port is not a number from 1 to 65535")?
            }
        };
        let login = login.map(Login::parse).transpose()?;
        Ok(Self { kind, host: host.to_ascii_lowercase(), port, login })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The host; an IPv6 address stands in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL without user and password.
    #[cfg(not(loom))]
    pub(crate) fn without_login(&self) -> String {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks5 => "socks5",
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// User and password, decoded.
    pub(crate) fn login(&self) -> Option<(&[u8], &[u8])> {
        self.login.as_ref().map(|login| (login.user.as_slice(), login.password.as_slice()))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, host, port, login } = self;
        f.debug_struct("ProxyUrl")
            .field("kind", kind)
            .field("host", host)
            .field("port", port)
            .field("login", &login.as_ref().map(|_| "(hidden)"))
            .finish()
    }
}

impl Login {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let decoded = |text| percent::decode(text).ok_or("its user or password is not properly percent-encoded");
        let login = Self { user: decoded(user)?, password: decoded(password)? };
        // SOCKS5 sends both with their length in one byte.
        if login.user.len() > 255 || login.password.len() > 255 {
            return Err("its user or password is over 255 bytes");
        }
        Ok(login)
    }
}

fn from_environment(env: impl Fn(&str) -> Option<String>, host: &str, port: u16) -> Result<Option<ProxyUrl>, String> {
    let first = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, Zeroizing::new(env(name)?))));
    let Some((name, value)) = first(&VARIABLES) else { return Ok(None) };
    if first(&EXEMPT_VARIABLES).is_some_and(|(_, list)| no_proxy::matches(&list, host, port)) {
        return Ok(None);
    }
    Proxy::parse_variable(&value)
        .map(Some)
        .map_err(|reason| format!("{name} in the environment is not a valid proxy: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ProxyUrl {
        match Proxy::parse(text) {
            Ok(Proxy::Through(url)) => url,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_url_is_parsed() {
        assert_eq!(Proxy::parse(" env "), Ok(Proxy::Env));
        assert_eq!(Proxy::parse("none"), Ok(Proxy::None));
        let proxy = url("HTTP://us%3Aer:p%40ss:w@rd@Proxy.Example:3128/");
        assert_eq!((proxy.kind(), proxy.host(), proxy.port()), (Kind::Http, "proxy.example", 3128));
        assert_eq!(proxy.login(), Some((b"us:er".as_slice(), b"p@ss:w@rd".as_slice())));
        let ports =
            ["http://h", "https://h", "socks5://h", "socks5h://[::1]", "socks5://[::1]:9"].map(|u| url(u).port());
        assert_eq!(ports, [80, 443, 1080, 1080, 9]);
        assert_eq!(url("http://user@h").login(), Some((b"user".as_slice(), b"".as_slice())));
        assert_eq!(url("http://h").login(), None);
    }

    #[test]
    fn an_invalid_proxy_is_rejected_without_being_repeated() {
        for text in [
            "",
            "proxy:3128",
            "envv",
            "ftp://h",
            "socks4://h",
            "http://",
            "http://:80",
            "http://u:secret@",
            "http://h:0",
            "http://h:70000",
            "http://h/path",
            "http://h?q",
            "http://a b",
            "http://h\r\nX: y",
            "http://[::1",
            "http://u:%zz@h",
            "http://u:%4@h",
        ] {
            let problem = Proxy::parse(text).expect_err(text);
            assert!(!problem.contains("secret"));
        }
    }

    #[test]
    fn debug_shows_no_login() {
        let text = format!("{:?}", Proxy::parse("http://somebody:secret@h"));
        assert!(!text.contains("secret") && !text.contains("somebody") && text.contains("\"h\""), "{text}");
    }

    #[test]
    fn the_environment_is_read_in_order() {
        let read = |pairs: &'static [(&str, &str)]| {
            let env = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            from_environment(env, "api.backblazeb2.com", 443).map(|proxy| proxy.map(|proxy| proxy.host().to_owned()))
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("HTTP_PROXY", "http://no")]), Ok(None));
        assert_eq!(read(&[("https_proxy", "b:3128"), ("ALL_PROXY", "socks5://c")]), Ok(Some("b".into())));
        assert_eq!(read(&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b")]), Ok(Some("a".into())));
        assert_eq!(read(&[("all_proxy", "socks5://c")]), Ok(Some("c".into())));
        assert_eq!(read(&[("all_proxy", "socks5://c"), ("no_proxy", "backblazeb2.com")]), Ok(None));
        let problem = read(&[("HTTPS_PROXY", "gopher://u:secret@h")]).expect_err("no proxy");
        assert!(problem.contains("HTTPS_PROXY") && !problem.contains("secret"));
    }

    #[test]
    fn a_loopback_realm_has_no_proxy() {
        let proxy = Proxy::parse("http://proxy:3128").expect("a proxy");
        let local = Realm::parse("http://127.0.0.1:9000").expect("a realm");
        assert_eq!(proxy.for_realm(&local, |_| None), Ok(None));
        assert!(proxy.for_realm(&Realm::production(), |_| None).is_ok_and(|proxy| proxy.is_some()));
    }
}
