//! Keeps secrets that a server echoes out of messages and logs.

mod spelling;

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use spelling::Letter;

/// What stands in a secret's place.
const MASK: &str = "***";
/// So many characters of a secret in a row are no coincidence.
const RUN: usize = 8;
/// A shorter secret than a run counts as a whole, but not one so short that redacting it would make messages unreadable.
const MIN_LENGTH: usize = 6;

/// Texts of which no message of a call may contain a part.
pub(crate) struct Redactor {
    key_id: String,
    /// As they are and in base64.
    texts: Vec<Zeroizing<Vec<u8>>>,
    /// In hex.
    hex: Vec<Zeroizing<Vec<u8>>>,
}

impl Redactor {
    /// For the application key, and the `Authorization` header made of it.
    pub(crate) fn new(key_id: &str, key: &str, authorization: &str) -> Self {
        let pair = authorization.strip_prefix("Basic ").unwrap_or(authorization);
        let mut redactor = Self { key_id: key_id.to_owned(), texts: Vec::new(), hex: Vec::new() };
        redactor.add(key);
        redactor.add_text(pair);
        redactor
    }

    /// Also for a token that was granted earlier, which a server may know as well as the key. The key ID in it is no secret.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        let key_id = std::mem::take(&mut self.key_id);
        match key_id.is_empty() {
            true => self.add(token),
            false => token.split(&key_id).for_each(|part| self.add(part)),
        }
        Self { key_id, ..self }
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < MIN_LENGTH {
            return;
        }
        self.add_text(secret);
        for before in 0..3 {
            self.add_text(&base64_core(secret, before));
        }
        self.hex.push(hex(secret));
    }

    fn add_text(&mut self, secret: &str) {
        let bytes = spelling::bytes(secret);
        if bytes.len() >= MIN_LENGTH {
            self.texts.push(bytes);
        }
    }

    /// The text with every run of a secret replaced, however it is spelt.
    pub(crate) fn redact(&self, text: &str) -> String {
        let letters = spelling::letters(text);
        let digits = spelling::hex_digits(&letters);
        let mut found = Vec::new();
        self.texts.iter().for_each(|secret| find_runs(&letters, secret, RUN, &mut found));
        self.hex.iter().for_each(|secret| find_runs(&digits, secret, 2 * RUN, &mut found));
        found.sort_unstable_by_key(|range| range.start);
        let mut shown = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            if range.start >= end {
                shown.push_str(&text[end..range.start]);
                shown.push_str(MASK);
            }
            end = end.max(range.end);
        }
        shown.push_str(&text[end..]);
        shown
    }
}

/// Finds where the letters run along the secret for `least` characters or more.
fn find_runs(letters: &[Letter], secret: &[u8], least: usize, found: &mut Vec<Range<usize>>) {
    let least = least.min(secret.len());
    let mut at = 0;
    while at + least <= letters.len() {
        let longest = (0..=secret.len() - least).map(|start| common_length(&letters[at..], &secret[start..])).max();
        match longest {
            Some(length) if length >= least => {
                found.push(letters[at].source.start..letters[at + length - 1].source.end);
                at += length;
            }
            _ => at += 1,
        }
    }
}

fn common_length(letters: &[Letter], secret: &[u8]) -> usize {
    letters.iter().zip(secret).take_while(|(letter, byte)| letter.byte == **byte).count()
}

/// The base64 of the secret behind `before` other bytes, reduced to the characters that encode bits of the secret alone.
fn base64_core(secret: &str, before: usize) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(before + secret.len()));
    bytes.resize(before, 0);
    bytes.extend_from_slice(secret.as_bytes());
    let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    Zeroizing::new(encoded.get((before * 8).div_ceil(6)..bytes.len() * 8 / 6).unwrap_or_default().to_owned())
}

fn hex(secret: &str) -> Zeroizing<Vec<u8>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(2 * secret.len()));
    digits.extend(
        secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| b"0123456789abcdef"[usize::from(digit)]),
    );
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "K004/abc+def~~~???";

    fn redactor() -> Redactor {
        Redactor::new("id", KEY, "Basic aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==")
    }

    #[test]
    fn an_echoed_secret_is_redacted_in_every_encoding() {
        // ~~~ makes a + or a - of base64, ??? a / or a _.
        let secrets = redactor();
        for echo in [
            KEY,
            "K004%2Fabc%2Bdef~~~%3F%3F%3F",
            "K004%2fabc%2bdef~~~%3f%3f%3f",
            "%4B004/abc+de%66~~~???",
            "K004%252Fabc%252Bdef~~~%253F??",
            "K004&#47;abc&#x2B;def~~~&#63;??",
            "K004&sol;abc&plus;def~~~???",
            "k004/ABC+def~~~???",
            "K004/abc +def ~~~???",
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/==",
            "aWQ6SzAwNC9hYmMrZGVmfn5+Pz8/",
            "aWQ6SzAwNC9hYmMrZGVmfn5-Pz8_",
            "aWQ6SzAwNC9h YmMrZGVmfn5+Pz8/==",
            "aWQ6SzAwNC9hYmMrZGVmfn5%2BPz8%2F%3D%3D",
            "SzAwNC9hYmMrZGVmfn5+Pz8/",
            "SzAwNC9hYmMrZGVmfn5-Pz8_",
            "K004\\/abc+def~~~???",
            "K004\\u002Fabc\\u002bdef~~~\\u003F\\u003f?",
            "K004\\x2Fabc\\x2bdef~~~???",
            "4b3030342f6162632b6465667e7e7e3f3f3f",
            "4B3030342F6162632B6465667E7E7E3F3F3F",
            "4b:30:30:34:2f:61:62:63:2b:64:65:66:7e:7e:7e:3f:3f:3f",
            "0x4b, 0x30, 0x30, 0x34, 0x2f, 0x61, 0x62, 0x63, 0x2b, 0x64, 0x65, 0x66, 0x7e, 0x7e, 0x7e, 0x3f, 0x3f, 0x3f",
        ] {
            let shown = secrets.redact(&format!("bad <{echo}> key"));
            assert!(["bad <***> key", "bad <0x***> key"].contains(&&*shown), "{echo}: {shown}");
            let twice = secrets.redact(&format!("ä{echo}{echo}ü%"));
            assert!(twice.starts_with('ä') && twice.ends_with("***ü%") && twice.len() < 16, "{twice}");
        }
        for other in ["nothing here", "K004/ab", "K004%2Gabc+d", "", "%", "%4"] {
            assert_eq!(secrets.redact(other), other);
        }
    }

    #[test]
    fn a_part_of_a_secret_is_redacted() {
        let secrets = redactor();
        assert_eq!(secrets.redact("K004/abc+ is cut"), "*** is cut");
        assert_eq!(secrets.redact("the end: f~~~%3F%3F%3F"), "the end: f~~~%3F%3F%3F");
        assert_eq!(secrets.redact("the end: ef~~~%3F%3F%3F"), "the end: ***");
        assert_eq!(secrets.redact("4b3030342f616263 2"), "***");
    }

    #[test]
    fn a_key_within_other_bytes_is_redacted_in_their_base64() {
        let secrets = Redactor::new("id", KEY, "");
        for before in ["", "x", "xy", "xyz", "key=", "key: "] {
            for after in ["", "&", "}\n", "..."] {
                let echo = STANDARD.encode(format!("{before}{KEY}{after}"));
                for echo in [echo.replace('+', "-").replace('/', "_"), echo] {
                    let shown = secrets.redact(&echo);
                    // What shares a character with the bytes beside the key may stay: four bits on either side.
                    assert!(shown.contains("***"), "{echo} {shown}");
                    assert!(shown.len() <= 3 + (before.len() + after.len() + 4) * 8 / 6, "{echo} {shown}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_redacted_and_the_key_id_in_it_is_not() {
        let id = "0014aa9865d6f0000000000b0";
        let secrets = Redactor::new(id, KEY, "").with_token(&format!("4_{id}_01b2c3d4_e5f6a7_acct_Zm9vYmFy"));
        assert_eq!(secrets.redact(&format!("the key {id}: _01b2c3d4_e5")), format!("the key {id}: ***"));
    }

    #[test]
    fn an_empty_or_short_key_is_harmless() {
        for key in ["", "K", "K0", "K00"] {
            assert_eq!(Redactor::new("", key, "").redact("K004"), "K004");
        }
        assert_eq!(Redactor::new("id", "a", "Basic aTph").redact("a banana"), "a banana");
        assert_eq!(Redactor::new("id", "secret", "").redact("a secret"), "a ***");
    }

    #[test]
    fn escapes_in_a_secret_itself_are_handled() {
        let secrets = Redactor::new("id", "K\\x41\\\\yz/more", "");
        for echo in ["K\\x41\\\\yz/more", "K\\x5cx41\\u005c\\yz/more", "K\\\\x41\\\\\\\\yz/more"] {
            assert_eq!(secrets.redact(&format!("<{echo}>")), "<***>", "{echo}");
        }
        let secrets = Redactor::new("id", "K%41%xyz9876", "");
        assert_eq!(secrets.redact("<K%41%xyz9876> <K%2541%25xyz9876>"), "<***> <***>");
    }
}
