//! The token and the URLs that it will be sent to: accepted only if they are safe to use unchanged.

use std::net::Ipv6Addr;

use http::Uri;
use http::uri::Scheme;
use zeroize::Zeroizing;

use crate::model::c_text::CText;
use crate::model::realm::Realm;

use super::object::Object;
use crate::json::error::JsonError;

/// Current tokens have about 80 characters.
const MAX_TOKEN: usize = 8192;

/// The token. Callers put it into a header, so it may contain nothing that ends one.
pub(super) fn token(object: &Object<'_>, name: &str) -> Result<Zeroizing<CText>, JsonError> {
    let text = object.id(name)?;
    if text.len() > MAX_TOKEN {
        return Err(JsonError::of(&object.field(name), format!("is longer than {MAX_TOKEN} characters")));
    }
    Ok(Zeroizing::new(text.into()))
}

/// A base URL, without a trailing slash.
pub(super) fn url(object: &Object<'_>, name: &str, realm: &Realm) -> Result<CText, JsonError> {
    let text = object.text(name)?;
    match problem(text, realm) {
        None => Ok(text.trim_end_matches('/').into()),
        Some(problem) => Err(JsonError::of(&object.field(name), problem)),
    }
}

/// As [`url`], but missing, null and "" all mean that B2 gives none.
pub(super) fn url_if_any(object: &Object<'_>, name: &str, realm: &Realm) -> Result<Option<CText>, JsonError> {
    if object.get(name)?.is_none() || object.text_or_null(name)?.is_none_or(str::is_empty) {
        return Ok(None);
    }
    url(object, name, realm).map(Some)
}

/// Why a text is not a base URL that a token may be sent to.
fn problem(text: &str, realm: &Realm) -> Option<&'static str> {
    // Programs parse these differently, so the host checked here might not be the host that gets the token.
    let odd =
        |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{'..=b'}');
    if text.bytes().any(odd) {
        return Some("has a character that is not valid in a URL");
    }
    if text.contains('#') {
        return Some("has a fragment");
    }
    if text.contains('?') {
        return Some("has a query");
    }
    let Ok(uri) = text.parse::<Uri>() else { return Some("is not a URL") };
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => {}
        Some(scheme) if *scheme == Scheme::HTTP && !realm.is_https() => {}
        _ => return Some("is not an absolute https URL"),
    }
    let Some(authority) = uri.authority() else { return Some("has no host") };
    if authority.as_str().contains('@') {
        return Some("has a user name");
    }
    let host = authority.host();
    if !is_host(host) {
        return Some("has no valid host");
    }
    match authority.as_str()[host.len()..].strip_prefix(':') {
        Some(port) if !is_port(port) => Some("has no valid port"),
        _ => None,
    }
}

/// A number is parsed with a plus sign too.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(|port: u16| port != 0)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    host.bytes().any(|byte| byte.is_ascii_alphanumeric()) && host.bytes().all(plain)
}
