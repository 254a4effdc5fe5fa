//! Keeps what a server echoes from carrying our own secrets into messages and logs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What stands in a secret's place.
const MASK: &str = "***";
/// Shorter texts than this are no secrets, and masking them would make messages unreadable.
const SHORTEST: usize = 6;

/// Texts that no message may hold, for the length of one call.
pub(crate) struct Secrets {
    texts: Vec<Zeroizing<String>>,
}

impl Secrets {
    /// The application key and the `Authorization` header made of it, in the spellings in which a server could send
    /// them back.
    pub(crate) fn new(key: &str, authorization: &str) -> Self {
        let pair = authorization.strip_prefix("Basic ").unwrap_or(authorization);
        let encoded = Zeroizing::new(STANDARD.encode(key));
        // The padding may be cut off in an echo. The longer text goes first, so that none is left of it.
        let encodings = [pair, pair.trim_end_matches('='), &encoded, encoded.trim_end_matches('=')];
        let mut texts = vec![Zeroizing::new(key.to_owned())];
        texts.extend(encodings.map(|text| Zeroizing::new(text.to_owned())));
        texts.extend(encodings.map(url_safe));
        texts.retain(|text| text.len() >= SHORTEST);
        Self { texts }
    }

    /// The text with every secret masked, be it written as it is or percent-encoded, in whole or in part.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| masked(&text, secret))
    }
}

fn masked(text: &str, secret: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = echoed(rest.as_bytes(), secret.as_bytes());
        // What is no boundary of characters is no echo either: secrets are ASCII.
        match length.and_then(|length| rest.get(length..)) {
            Some(after) => {
                shown.push_str(MASK);
                rest = after;
            }
            None => {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    shown
}

/// How long an echo of the secret the text begins with. Programs differ in which characters they percent-encode and in
/// the case of the digits, so each character may be written either way.
fn echoed(text: &[u8], secret: &[u8]) -> Option<usize> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut length = 0;
    for &byte in secret {
        length += match text[length..] {
            [b'%', high, low, ..] if digit(high).zip(digit(low)).is_some_and(|(h, l)| h << 4 | l == byte) => 3,
            [plain, ..] if plain == byte => 1,
            _ => return None,
        };
    }
    Some(length)
}

/// Base64 in the alphabet that URLs and file names take.
fn url_safe(base64: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(base64.len()));
    text.extend(base64.chars().map(|c| match c {
        '+' => '-',
        '/' => '_',
        other => other,
    }));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_secret_is_masked_in_every_spelling() {
        // ~~~ makes a + or a - of base64, ??? a / or a _.
        let secrets = Secrets::new("K004/abc+def~~~???", "Basic aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==");
        for echo in [
            "K004/abc+def~~~???",
            "K004%2Fabc%2Bdef~~~%3F%3F%3F",
            "K004%2fabc%2bdef~~~%3f%3f%3f",
            "%4B004/abc+de%66~~~???",
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==",
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/",
            "aWQ6SzAwNC9hYmMrZGVmfn5-Pz8_",
            "aWQ6SzAwNC9hYmMrZGVmfn5%2BPz8%2F%3D%3D",
            "SzAwNC9hYmMrZGVmfn5+Pz8/",
            "SzAwNC9hYmMrZGVmfn5-Pz8_",
        ] {
            assert_eq!(secrets.mask(&format!("bad <{echo}> key")), "bad <***> key");
            assert_eq!(secrets.mask(&format!("ä{echo}{echo}ü%")), "ä******ü%");
        }
        for other in ["nothing here", "K004/abc+de", "K004%2Gabc+def", "", "%", "%4"] {
            assert_eq!(secrets.mask(other), other);
        }
    }

    #[test]
    fn a_percent_sign_in_a_secret_is_no_trouble() {
        let secrets = Secrets::new("K%41%xyz", "");
        assert_eq!(secrets.mask("<K%41%xyz> <K%2541%25xyz> <KA%xyz>"), "<***> <***> <KA%xyz>");
    }

    #[test]
    fn a_text_too_short_to_be_a_secret_is_left() {
        assert_eq!(Secrets::new("a", "Basic aTph").mask("a banana"), "a banana");
    }
}
