//! The encodings in which a secret can appear in a text, and the search for any part of it in any of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A key with characters that each encoding writes differently, long enough for a message to be cut in its middle.
pub const MARKED_KEY: &str = "K001marked/secret+of=a&test~0123";
/// That many characters of a secret in a row are no coincidence.
const PART: usize = 7;
/// The same in base64, where three characters become four.
const BASE64_PART: usize = 10;

/// Replaces all but letters and digits.
fn escaped(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { escape(b) }).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes it");
        hex
    })
}

/// The ways in which programs write a key or a token into other text.
pub fn encodings(key_id: &str, secret: &str) -> Vec<String> {
    let mut all = vec![
        secret.to_owned(),
        format!("{key_id}:{secret}"),
        escaped(secret, |b| format!("%{b:02X}")),
        escaped(secret, |b| format!("%{b:02x}")),
        escaped(secret, |b| format!("\\u{b:04X}")),
        escaped(secret, |b| format!("\\u{b:04x}")),
        escaped(secret, |b| format!("\\x{b:02X}")),
        escaped(secret, |b| format!("\\x{b:02x}")),
        secret.replace('/', "\\/"),
        secret.bytes().map(|b| format!("%{b:02x}")).collect(),
        secret.bytes().map(|b| format!("\\u{b:04x}")).collect(),
    ];
    // The library masks these of a key only; a token is sent as it is.
    if secret == MARKED_KEY {
        all.extend([hex(secret), hex(secret).to_uppercase()]);
        for before in ["", "k", "k=", "k: ", &format!("{key_id}:")] {
            for engine in [STANDARD, URL_SAFE] {
                let encoded = engine.encode(format!("{before}{secret}&"));
                all.extend([escaped(&encoded, |b| format!("%{b:02X}")), encoded.replace('/', "\\/"), encoded]);
            }
        }
    }
    all
}

/// The characters of the base64 of `...text...` that depend on nothing but `text`, for each position at which it can
/// begin in a group of three bytes.
pub fn base64_cores(text: &str) -> [String; 3] {
    [0, 1, 2].map(|before: usize| {
        let encoded = STANDARD.encode([vec![0; before], text.as_bytes().to_vec()].concat());
        encoded[(before * 8).div_ceil(6)..(before + text.len()) * 8 / 6].to_owned()
    })
}

/// Undoes escapes, as the reader of a log might.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let number = |skip: usize, length: usize| {
            let digits = rest.get(skip..skip + length)?;
            let byte = u8::try_from(u32::from_str_radix(digits, 16).ok()?).ok()?;
            Some((char::from(byte), skip + length))
        };
        let (c, length) = match rest.as_bytes() {
            [b'%', ..] => number(1, 2),
            [b'\\', b'u', ..] => number(2, 4),
            [b'\\', b'x', ..] => number(2, 2),
            [b'\\', b'/', ..] => Some(('/', 2)),
            _ => None,
        }
        .unwrap_or((first, first.len_utf8()));
        plain.push(c);
        rest = &rest[length..];
    }
    plain
}

/// Parts of secrets in every encoding, short enough to find a secret that was cut.
#[derive(Default)]
pub struct SecretSearch {
    /// By their length.
    parts: BTreeMap<usize, HashSet<Vec<u8>>>,
}

impl SecretSearch {
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let mut search = Self::default();
        secrets.into_iter().for_each(|secret| search.add(secret.as_ref()));
        search
    }

    fn add(&mut self, secret: &str) {
        // A token begins with the key ID, which is no secret.
        let secret = secret.split_once("acct_").map_or(secret, |(_, secret)| secret);
        self.add_parts(secret, PART);
        self.add_parts(&hex(secret), 2 * PART);
        self.add_parts(&hex(secret).to_uppercase(), 2 * PART);
        for core in base64_cores(secret) {
            self.add_parts(&core.replace('+', "-").replace('/', "_"), BASE64_PART);
            self.add_parts(&core, BASE64_PART);
        }
    }

    fn add_parts(&mut self, text: &str, length: usize) {
        let length = length.min(text.len());
        assert!(length > 0, "an empty secret is in every text");
        self.parts.entry(length).or_default().extend(text.as_bytes().windows(length).map(<[u8]>::to_vec));
    }

    /// A part of a secret that is in this text.
    pub fn find(&self, text: &str) -> Option<String> {
        [text, &unescaped(text)].into_iter().find_map(|text| {
            self.parts.iter().find_map(|(length, parts)| {
                let found = text.as_bytes().windows(*length).find(|part| parts.contains(*part))?;
                Some(String::from_utf8_lossy(found).into_owned())
            })
        })
    }

    /// Fails if a part of a secret is in `text`, in whatever encoding.
    pub fn assert_no_secrets(&self, context: &str, text: &str) {
        let found = self.find(text);
        assert!(found.is_none(), "{context}: {found:?} in {text}");
    }
}

#[test]
fn the_search_finds_every_encoding_whole_and_cut() {
    const TOKEN: &str = "4_marked_token_0123456789abcdef";
    let search = SecretSearch::new([MARKED_KEY, TOKEN]);
    for text in [MARKED_KEY, TOKEN].into_iter().flat_map(|secret| encodings("0014aa9865d6f0000000000b0", secret)) {
        assert!(search.find(&format!("({text})")).is_some(), "{text}");
        // A third of it is found as well.
        assert!(search.find(&text[text.len() / 3..2 * text.len() / 3 + 8]).is_some(), "{text}");
    }
    assert_eq!(search.find("{\"message\": \"nothing to see\", \"attempts\": []}"), None);
}
