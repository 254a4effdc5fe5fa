//! Keeps secrets that a server echoes out of messages and logs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What stands in a secret's place.
const MASK: &str = "***";
/// Shorter texts than this are not secret, and redacting them would make messages unreadable.
const MIN_LENGTH: usize = 6;

/// Texts that no message of a call may contain.
pub(crate) struct Redactor {
    texts: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// For the application key and the `Authorization` header made of it, in the encodings in which a server could echo
    /// them.
    pub(crate) fn new(key: &str, authorization: &str) -> Self {
        let pair = authorization.strip_prefix("Basic ").unwrap_or(authorization);
        let encoded = Zeroizing::new(STANDARD.encode(key));
        let within = [0, 1, 2].map(|before| base64_core(key, before));
        // The padding may be cut off in an echo.
        let whole = [pair, pair.trim_end_matches('='), &encoded, encoded.trim_end_matches('=')];
        let encodings = whole.into_iter().chain(within.iter().map(|text| text.as_str()));
        let mut texts =
            vec![Zeroizing::new(key.to_owned()), hex(key, b"0123456789abcdef"), hex(key, b"0123456789ABCDEF")];
        for text in encodings {
            texts.extend([Zeroizing::new(text.to_owned()), url_safe(text)]);
        }
        texts.retain(|text| text.len() >= MIN_LENGTH);
        // The longest first, so that nothing is left of it.
        texts.sort_unstable_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        texts.dedup();
        Self { texts }
    }

    /// Also for a token that was granted earlier, which a server may know as well as the key.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        if token.len() >= MIN_LENGTH {
            self.texts.insert(0, Zeroizing::new(token.to_owned()));
        }
        self
    }

    /// The text with every secret replaced, whether written as it is or with escapes, in whole or in part.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| redact_one(&text, secret))
    }
}

fn redact_one(text: &str, secret: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match_len(rest.as_bytes(), secret.as_bytes());
        // Secrets are ASCII, so an echo ends at a character boundary.
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

/// The length of the echo of the secret that the text begins with. Programs differ in which characters they escape, how,
/// and in the case of the digits, so each character may be literal, percent-encoded, or escaped as in JSON or C.
fn match_len(text: &[u8], secret: &[u8]) -> Option<usize> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let is = |byte: u8, high: u8, low: u8| digit(high).zip(digit(low)).is_some_and(|(h, l)| h << 4 | l == byte);
    let mut length = 0;
    for &byte in secret {
        length += match text[length..] {
            [b'%', high, low, ..] if is(byte, high, low) => 3,
            [b'\\', b'u', b'0', b'0', high, low, ..] if is(byte, high, low) => 6,
            [b'\\', b'x', high, low, ..] if is(byte, high, low) => 4,
            // Only what follows tells a literal backslash from one that escapes the next character.
            [b'\\', plain, ..] if plain == byte && byte != b'\\' => 2,
            [plain, ..] if plain == byte => 1,
            _ => return None,
        };
    }
    Some(length)
}

/// The base64 of the key behind `before` other bytes, reduced to the characters that encode bits of the key alone.
fn base64_core(key: &str, before: usize) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(before + key.len()));
    bytes.resize(before, 0);
    bytes.extend_from_slice(key.as_bytes());
    let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    // An empty key has no such character.
    Zeroizing::new(encoded.get((before * 8).div_ceil(6)..bytes.len() * 8 / 6).unwrap_or_default().to_owned())
}

fn hex(key: &str, digits: &[u8; 16]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * key.len()));
    text.extend(
        key.bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(digits[usize::from(digit)])),
    );
    text
}

/// Base64 in the alphabet for URLs and file names.
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
    fn an_echoed_secret_is_redacted_in_every_encoding() {
        // ~~~ makes a + or a - of base64, ??? a / or a _.
        let secrets = Redactor::new("K004/abc+def~~~???", "Basic aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==");
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
            "K004\\/abc+def~~~???",
            "K004\\u002Fabc\\u002bdef~~~\\u003F\\u003f?",
            "K004\\x2Fabc\\x2bdef~~~???",
            "4b3030342f6162632b6465667e7e7e3f3f3f",
            "4B3030342F6162632B6465667E7E7E3F3F3F",
        ] {
            assert_eq!(secrets.redact(&format!("bad <{echo}> key")), "bad <***> key");
            assert_eq!(secrets.redact(&format!("ä{echo}{echo}ü%")), "ä******ü%");
        }
        for other in ["nothing here", "K004/abc+de", "K004%2Gabc+def", "", "%", "%4"] {
            assert_eq!(secrets.redact(other), other);
        }
    }

    #[test]
    fn a_key_within_other_bytes_is_redacted_in_their_base64() {
        let key = "K004/abc+def~~~???";
        let secrets = Redactor::new(key, "");
        for before in ["", "x", "xy", "xyz", "key=", "key: "] {
            for after in ["", "&", "}\n", "..."] {
                let echo = STANDARD.encode(format!("{before}{key}{after}"));
                for echo in [url_safe(&echo).to_string(), echo] {
                    let shown = secrets.redact(&echo);
                    // What shares a character with the bytes beside the key may stay: four bits on either side.
                    assert!(shown.contains("***"), "{echo} {shown}");
                    assert!(shown.len() <= 3 + (before.len() + after.len() + 4) * 8 / 6, "{echo} {shown}");
                }
            }
        }
    }

    #[test]
    fn an_empty_or_short_key_is_harmless() {
        for key in ["", "K", "K0", "K00"] {
            assert_eq!(Redactor::new(key, "").redact("K004"), "K004");
        }
    }

    #[test]
    fn a_backslash_in_a_secret_is_handled() {
        let secrets = Redactor::new("K\\x41\\\\yz", "");
        assert_eq!(secrets.redact("<K\\x41\\\\yz> <K\\x5cx41\\u005c\\yz> <KA\\\\yz>"), "<***> <***> <KA\\\\yz>");
    }

    #[test]
    fn a_percent_sign_in_a_secret_is_handled() {
        let secrets = Redactor::new("K%41%xyz", "");
        assert_eq!(secrets.redact("<K%41%xyz> <K%2541%25xyz> <KA%xyz>"), "<***> <***> <KA%xyz>");
    }

    #[test]
    fn a_text_too_short_to_be_a_secret_is_not_redacted() {
        assert_eq!(Redactor::new("a", "Basic aTph").redact("a banana"), "a banana");
    }
}
