//! The spellings in which a secret can turn up in a text, and the search for any part of it in any of them.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::support::fixture::ID;

/// A key with characters that each spelling writes in another way.
pub const KEY: &str = "K001marked/secret+of=a&test~0123";
/// So many characters in a row are more than chance.
const PART: usize = 7;
/// The same in base64, where three of these are four.
const ENCODED_PART: usize = 10;

fn escaped(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { escape(b) }).collect()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes it");
        hex
    })
}

/// The ways in which programs write a text into another.
pub fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![
        secret.to_owned(),
        format!("{ID}:{secret}"),
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
    // Only the key is known to be a secret before it is met in other forms: a token is text.
    if secret == KEY {
        all.extend([hex(secret), hex(secret).to_uppercase()]);
        for before in ["", "k", "k=", "k: ", &format!("{ID}:")] {
            for engine in [STANDARD, URL_SAFE] {
                let encoded = engine.encode(format!("{before}{secret}&"));
                all.extend([escaped(&encoded, |b| format!("%{b:02X}")), encoded.replace('/', "\\/"), encoded]);
            }
        }
    }
    all
}

/// Undoes escapes, as whoever reads a log might.
fn bare(text: &str) -> String {
    let mut bare = String::new();
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
        bare.push(c);
        rest = &rest[length..];
    }
    bare
}

/// Whatever must not be in a text, in parts that are short enough to find what was cut.
pub struct Needles(Vec<String>);

impl Needles {
    pub fn of(key: &str, token: &str) -> Self {
        let parts = |text: &str, length: usize| -> Vec<String> {
            (0..=text.len() - length).map(|at| text[at..at + length].to_owned()).collect()
        };
        // A token begins with the key ID, which is no secret.
        let token = token.split_once("acct_").map_or(token, |(_, secret)| secret);
        let mut all = [parts(key, PART), parts(token, PART), parts(&hex(key), 2 * PART)].concat();
        all.extend(parts(&hex(key).to_uppercase(), 2 * PART));
        for before in 0..3 {
            let encoded = STANDARD.encode([vec![0; before], key.as_bytes().to_vec()].concat());
            let own = &encoded[(before * 8).div_ceil(6)..(before + key.len()) * 8 / 6];
            all.extend(parts(own, ENCODED_PART));
            all.extend(parts(&own.replace('+', "-").replace('/', "_"), ENCODED_PART));
        }
        Self(all)
    }

    pub fn look_through(&self, told: &str, text: &str) {
        for text in [text, &bare(text)] {
            let found = self.0.iter().find(|needle| text.contains(needle.as_str()));
            assert!(found.is_none(), "{told}: {found:?} in {text}");
        }
    }
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let needles = Needles::of(KEY, "4_marked_token_0123456789abcdef");
    let finds = |text: &str| std::panic::catch_unwind(|| needles.look_through("", text)).is_err();
    for text in spellings(KEY).into_iter().chain(spellings("4_marked_token_0123456789abcdef")) {
        assert!(finds(&format!("({text})")), "{text}");
        // A third of it is found as well.
        assert!(finds(&text[text.len() / 3..2 * text.len() / 3 + 8]), "{text}");
    }
    assert!(!finds("{\"message\": \"nothing to see\", \"attempts\": []}"));
}
