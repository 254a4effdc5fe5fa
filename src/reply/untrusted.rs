//! What a caller will send his token to, and the token itself: taken only if both are harmless to use as they are.

use std::net::Ipv6Addr;

use http::Uri;
use http::uri::Scheme;
use zeroize::Zeroizing;

use crate::model::realm::Realm;

use super::object::Place;
use crate::json::error::Flaw;

/// Tokens of today have about 80 characters.
const LONGEST_TOKEN: usize = 8192;

/// The token. Callers put it into a header, so nothing in it may end one.
pub(super) fn token(place: &Place<'_>, name: &str) -> Result<Zeroizing<String>, Flaw> {
    let text = place.id(name)?;
    if text.len() > LONGEST_TOKEN {
        return Err(Flaw::of(&place.field(name), format!("is longer than {LONGEST_TOKEN} characters")));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// A base URL, without a trailing slash.
pub(super) fn url(place: &Place<'_>, name: &str, realm: &Realm) -> Result<String, Flaw> {
    let text = place.text(name)?;
    match problem(text, realm) {
        None => Ok(text.trim_end_matches('/').to_owned()),
        Some(problem) => Err(Flaw::of(&place.field(name), problem)),
    }
}

/// As [`url`], but missing, null and "" all mean that B2 gives none.
pub(super) fn url_if_any(place: &Place<'_>, name: &str, realm: &Realm) -> Result<Option<String>, Flaw> {
    if place.get(name)?.is_none() || place.text_or_null(name)?.is_none_or(str::is_empty) {
        return Ok(None);
    }
    url(place, name, realm).map(Some)
}

/// What keeps a text from being a base URL that a token may be sent to.
fn problem(text: &str, realm: &Realm) -> Option<&'static str> {
    // Programs differ in how they read these, so the host checked here need not be the host that is called.
    let odd =
        |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{'..=b'}');
    if text.bytes().any(odd) {
        return Some("has a character that no URL has");
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
        Some(port) if !port.parse().is_ok_and(|port: u16| port != 0) => Some("has no valid port"),
        _ => None,
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    host.bytes().any(|byte| byte.is_ascii_alphanumeric()) && host.bytes().all(plain)
}
