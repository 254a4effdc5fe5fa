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
        let mut texts = Vec::new();
        for text in [key].into_iter().chain(encodings) {
            texts.push(Zeroizing::new(text.to_owned()));
            texts.push(percent_encoded(text, b"0123456789ABCDEF"));
            texts.push(percent_encoded(text, b"0123456789abcdef"));
        }
        texts.extend(encodings.map(url_safe));
        texts.retain(|text| text.len() >= SHORTEST);
        Self { texts }
    }

    /// The text with every secret masked.
    pub(crate) fn mask(&self, text: String) -> String {
        self.texts.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), MASK) } else { text }
        })
    }
}

fn percent_encoded(text: &str, digits: &[u8; 16]) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|nibble| char::from(digits[usize::from(nibble)])));
        }
    }
    encoded
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
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==",
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/",
            "aWQ6SzAwNC9hYmMrZGVmfn5-Pz8_",
            "aWQ6SzAwNC9hYmMrZGVmfn5%2BPz8%2F%3D%3D",
            "SzAwNC9hYmMrZGVmfn5+Pz8/",
            "SzAwNC9hYmMrZGVmfn5-Pz8_",
        ] {
            assert_eq!(secrets.mask(format!("bad <{echo}> key")), "bad <***> key");
        }
        assert_eq!(secrets.mask("nothing here".into()), "nothing here");
    }

    #[test]
    fn a_text_too_short_to_be_a_secret_is_left() {
        assert_eq!(Secrets::new("a", "Basic aTph").mask("a banana".into()), "a banana");
    }
}
