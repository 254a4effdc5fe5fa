//! The base URL that authorize requests go to, normalised.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

use super::c_text::CText;

/// Backblaze's production realm.
const PRODUCTION: &str = "https://api.backblazeb2.com";
/// Backblaze's staging realm.
const STAGING: &str = "https://api.backblaze.net";

/// A base URL, normalised: host in lower case, no default port, no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Realm {
    base: Arc<CText>,
    host: String,
    port: u16,
    https: bool,
}

/// Why a text is not a realm: what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidRealm {
    pub(crate) reason: &'static str,
    pub(crate) hint: Option<String>,
}

impl InvalidRealm {
    fn new(reason: &'static str, hint: &str) -> Self {
        Self { reason, hint: Some(hint.to_owned()) }
    }

    fn s3() -> Self {
        Self::new(
            "it is an S3 endpoint, which does not serve the native API",
            "leave realm unset: one realm serves all regions, and the session gives the S3 URL",
        )
    }

    /// A text that is not even a URL.
    fn not_a_url(text: &str) -> Self {
        let is_host = text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:/_".contains(&b));
        match text.to_ascii_lowercase().as_str() {
            "prod" | "production" | "live" | "default" | "stage" | "staging" | "test" => {
                Self::new("it is not one of the names", NAMES)
            }
            region if is_region(region) => {
                Self::new("it is a region", "leave realm unset: one realm serves all regions")
            }
            _ if text.starts_with(QUOTES) || text.ends_with(QUOTES) => {
                Self::new("it has quotation marks around it", "give it without them")
            }
            _ if is_host => Self::new("it is not an absolute https URL", "begin it with https://"),
            _ => Self::new("it is not an absolute https URL", NAMES),
        }
    }
}

const NAMES: &str = "give production (the default), staging, or the URL of another server of the API";
const QUOTES: [char; 3] = ['"', '\'', '`'];

impl Realm {
    /// Backblaze's production realm.
    pub(crate) fn production() -> Self {
        Self::parse(PRODUCTION).expect("the production realm is a valid base URL")
    }

    /// Reads `production`, `staging`, or a base URL: https, or http to a loopback address.
    ///
    /// # Errors
    /// Says what is wrong without repeating the text, which may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidRealm> {
        let text = match text.trim_ascii() {
            "production" => PRODUCTION,
            "staging" => STAGING,
            other => other,
        };
        let invalid = |reason| InvalidRealm { reason, hint: None };
        // The web console shows S3 endpoints without a scheme, and so they are copied.
        if is_s3_host(&text.to_ascii_lowercase()) {
            return Err(InvalidRealm::s3());
        }
        if text.contains('#') {
            return Err(invalid("it has a fragment"));
        }
        let uri: Uri = text.parse().map_err(|_| InvalidRealm::not_a_url(text))?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(InvalidRealm::not_a_url(text)),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        // After a slash too: a password may contain one that was not encoded, and then its start looks like the host.
        if text.contains('@') {
            return Err(invalid("it has a user name"));
        }
        if uri.query().is_some() {
            return Err(invalid("it has a query"));
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() || host == "[]" {
            return Err(invalid("it has no host"));
        }
        if is_s3_host(&host) {
            return Err(InvalidRealm::s3());
        }
        if !https && !is_loopback(&host) {
            return Err(invalid("http is for loopback addresses only"));
        }
        let default_port = if https { 443 } else { 80 };
        let port = match &authority.as_str()[authority.host().len()..] {
            "" => default_port,
            text => text
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|port| *port != 0)
                .ok_or_else(|| invalid("its port is not a number from 1 to 65535"))?,
        };
        let scheme = if https { "https" } else { "http" };
        let suffix = if port == default_port { String::new() } else { format!(":{port}") };
        let path = uri.path_and_query().map_or("", PathAndQuery::path).trim_end_matches('/');
        if path.split('/').any(|part| part == "b2api") {
            return Err(InvalidRealm::new(
                "it has the path of a call",
                "end it before /b2api: the path and the version of the API are added to it",
            ));
        }
        Ok(Self { base: Arc::new(CText::new(&format!("{scheme}://{host}{suffix}{path}"))), host, port, https })
    }

    /// The base URL, as all sessions of this realm share it.
    pub(crate) fn to_c_text(&self) -> Arc<CText> {
        Arc::clone(&self.base)
    }

    /// The base URL, without a trailing slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port, given or implied.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// True for https; http is for loopback only.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// True if the host is a loopback address or `localhost`, without a look-up.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// Judged by the spelling alone, so that no name server can decide it.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The name of a region of B2, such as `eu-central-003`.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let ends_in_digits = parts.next().is_some_and(|last| last.len() == 3 && last.bytes().all(|b| b.is_ascii_digit()));
    ends_in_digits && parts.clone().count() == 2 && parts.all(|part| part.bytes().all(|b| b.is_ascii_lowercase()))
}

/// An S3 endpoint, or a bucket's own name below one.
fn is_s3_host(host: &str) -> bool {
    (host.starts_with("s3.") || host.contains(".s3.")) && host.ends_with(".backblazeb2.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> String {
        Realm::parse(text).expect("a valid realm").as_str().to_owned()
    }

    #[test]
    fn a_realm_is_normalised() {
        assert_eq!(base("production"), "https://api.backblazeb2.com");
        assert_eq!(base("staging"), "https://api.backblaze.net");
        assert_eq!(base(" HTTPS://API.Backblazeb2.com:443/ "), base("production"));
        assert_eq!(base("http://LOCALHOST:80//"), "http://localhost");
        assert_eq!(base("https://example.com:8443/Some/Path/"), "https://example.com:8443/Some/Path");
        assert_eq!(base("http://[::1]:9000"), "http://[::1]:9000");
    }

    #[test]
    fn an_invalid_realm_is_rejected() {
        for text in [
            "",
            "prod",
            "api.backblazeb2.com",
            "ftp://example.com",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "https://",
            "https://user:secret@example.com",
            "https://secret/word@example.com",
            "https://example.com?x=1",
            "https://example.com#x",
            "https://example.com:0",
            "https://example.com:99999",
            "https://exa mple.com",
            "https://s3.us-west-004.backblazeb2.com",
        ] {
            let invalid = Realm::parse(text).expect_err(text);
            assert!(!invalid.reason.contains("secret"));
        }
    }

    #[test]
    fn what_people_write_in_its_place_has_a_hint_of_its_own() {
        for (text, hint) in [
            ("prod", "production (the default)"),
            ("Production", "production (the default)"),
            ("eu-central-003", "leave realm unset"),
            ("US-West-004", "leave realm unset"),
            ("api.backblazeb2.com", "begin it with https://"),
            ("api.backblazeb2.com:443", "begin it with https://"),
            ("\"https://api.backblazeb2.com\"", "without them"),
            ("'production'", "without them"),
            ("https://api.backblazeb2.com/b2api/v2", "end it before /b2api"),
            ("https://example.com/proxy/b2api/", "end it before /b2api"),
        ] {
            let invalid = Realm::parse(text).expect_err(text);
            assert!(invalid.hint.as_deref().is_some_and(|given| given.contains(hint)), "{text}: {invalid:?}");
        }
    }

    #[test]
    fn an_s3_endpoint_is_recognised_in_any_spelling() {
        for text in [
            "https://s3.eu-central-003.backblazeb2.com",
            "https://my-bucket.s3.eu-central-003.backblazeb2.com/file",
            "http://s3.eu-central-003.backblazeb2.com",
            "s3.eu-central-003.backblazeb2.com",
            " S3.EU-Central-003.Backblazeb2.com\n",
        ] {
            assert!(Realm::parse(text).is_err_and(|invalid| invalid.hint.is_some()), "{text}");
        }
        let elsewhere = Realm::parse("https://s3.example.com").expect("a realm of its own");
        assert_eq!(elsewhere.host(), "s3.example.com");
    }

    #[test]
    fn loopback_is_recognised_by_spelling() {
        for text in ["http://127.0.0.1", "http://127.9.9.9:1", "http://localhost", "http://[::1]"] {
            assert!(Realm::parse(text).expect(text).is_loopback());
        }
        assert!(!Realm::production().is_loopback());
    }
}
