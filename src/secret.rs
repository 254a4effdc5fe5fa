//! Keeps what a server echoes from carrying our own secrets into messages and logs.

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
        let encoded = authorization.strip_prefix("Basic ").unwrap_or(authorization);
        let mut texts: Vec<_> = [key, encoded]
            .into_iter()
            .flat_map(|text| [Zeroizing::new(text.to_owned()), percent_encoded(text)])
            .filter(|text| text.len() >= SHORTEST)
            .collect();
        // The padding may be cut off in an echo.
        texts.push(Zeroizing::new(encoded.trim_end_matches('=').to_owned()));
        Self { texts }
    }

    /// The text with every secret masked.
    pub(crate) fn mask(&self, text: String) -> String {
        self.texts.iter().filter(|secret| !secret.is_empty()).fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), MASK) } else { text }
        })
    }
}

fn percent_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(char::from_digit(nibble.into(), 16).expect("a nibble is a digit").to_ascii_uppercase());
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_secret_is_masked_in_every_spelling() {
        let secrets = Secrets::new("K004/abc+def", "Basic aWQ6SzAwNC9hYmMrZGVm==");
        for echo in ["K004/abc+def", "K004%2Fabc%2Bdef", "aWQ6SzAwNC9hYmMrZGVm==", "aWQ6SzAwNC9hYmMrZGVm"] {
            assert_eq!(secrets.mask(format!("bad <{echo}> key")), "bad <***> key");
        }
        assert_eq!(secrets.mask("nothing here".into()), "nothing here");
    }

    #[test]
    fn a_text_too_short_to_be_a_secret_is_left() {
        assert_eq!(Secrets::new("a", "Basic aTph").mask("a banana".into()), "a banana");
    }
}
