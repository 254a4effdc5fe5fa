//! Text reduced to what it spells: escapes are undone, and what can differ between two spellings of one secret is dropped.

use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

/// A character that was spelt somehow, and where.
#[derive(Clone)]
pub(super) struct Letter {
    /// A character of ASCII, or [`OTHER`].
    pub(super) byte: u8,
    /// The bytes of the text that spell it.
    pub(super) source: Range<usize>,
}

/// Any character outside ASCII: no secret has one.
const OTHER: u8 = 0xff;

/// As often is an escape undone within an escape.
const MAX_ROUNDS: usize = 4;

/// The HTML entities of characters that keys, tokens and base64 have.
const ENTITIES: [(&[u8], u8); 14] = [
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"sol", b'/'),
    (b"plus", b'+'),
    (b"equals", b'='),
    (b"colon", b':'),
    (b"lowbar", b'_'),
    (b"hyphen", b'-'),
    (b"dash", b'-'),
    (b"percnt", b'%'),
    (b"bsol", b'\\'),
];

/// The text as letters, in lower case, without white space, and with base64's two alphabets made one.
pub(super) fn letters(text: &str) -> Vec<Letter> {
    let plain = |(start, c): (usize, char)| Letter {
        byte: u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(OTHER),
        source: start..start + c.len_utf8(),
    };
    let mut letters: Vec<_> = text.char_indices().map(plain).collect();
    for _ in 0..MAX_ROUNDS {
        let decoded = decode(&letters);
        let is_done = decoded.len() == letters.len();
        letters = decoded;
        if is_done {
            break;
        }
    }
    letters.retain(|letter| !letter.byte.is_ascii_whitespace());
    for letter in &mut letters {
        letter.byte = match letter.byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte.to_ascii_lowercase(),
        };
    }
    letters
}

/// The letters of a secret.
pub(super) fn bytes(secret: &str) -> Zeroizing<Vec<u8>> {
    let mut letters = letters(secret);
    let bytes = Zeroizing::new(letters.iter().map(|letter| letter.byte).collect());
    letters.iter_mut().for_each(|letter| letter.byte.zeroize());
    bytes
}

/// The letters that hex digits spell, however they are set apart: `4b:30`, `0x4b, 0x30`, `4B 30`.
pub(super) fn hex_digits(letters: &[Letter]) -> Vec<Letter> {
    let mut digits = Vec::with_capacity(letters.len());
    let mut rest = letters;
    while let Some((first, after)) = rest.split_first() {
        rest = match (first.byte, after) {
            (b'0', [x, digit, ..]) if x.byte == b'x' && digit.byte.is_ascii_hexdigit() => &after[1..],
            // A hyphen is a plus by now.
            (b':' | b',' | b';' | b'+', _) => after,
            _ => {
                digits.push(first.clone());
                after
            }
        };
    }
    digits
}

/// Undoes one layer of escapes.
fn decode(letters: &[Letter]) -> Vec<Letter> {
    let mut decoded = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let (byte, length) = escape(&letters[at..]).unwrap_or((letters[at].byte, 1));
        decoded.push(Letter { byte, source: letters[at].source.start..letters[at + length - 1].source.end });
        at += length;
    }
    decoded
}

/// The character of the escape that the letters begin with, and how many letters it takes.
fn escape(letters: &[Letter]) -> Option<(u8, usize)> {
    let byte = |at: usize| letters.get(at).map(|letter| letter.byte);
    let number = |range: Range<usize>, radix: u32| {
        let digit =
            |value: u32, letter: &Letter| Some(value.checked_mul(radix)? + char::from(letter.byte).to_digit(radix)?);
        let value = letters.get(range.clone())?.iter().try_fold(0, digit)?;
        Some((u8::try_from(value).ok().filter(u8::is_ascii).unwrap_or(OTHER), range.end))
    };
    match (byte(0)?, byte(1)?) {
        (b'%', _) => number(1..3, 16),
        (b'\\', b'u') => number(2..6, 16),
        (b'\\', b'x') => number(2..4, 16),
        (b'\\', b'0'..=b'7') => number(1..4, 8),
        (b'\\', plain) => Some((plain, 2)),
        (b'&', b'#') => {
            let (start, radix) = if matches!(byte(2)?, b'x' | b'X') { (3, 16) } else { (2, 10) };
            let digits = letters[start..].iter().take_while(|letter| char::from(letter.byte).is_digit(radix)).count();
            let (value, end) = number(start..start + digits, radix).filter(|_| (1..8).contains(&digits))?;
            Some((value, end + usize::from(byte(end) == Some(b';'))))
        }
        (b'&', _) => ENTITIES.iter().find_map(|(name, value)| {
            let length = name.len();
            let is_it = letters.get(1..=length)?.iter().map(|letter| letter.byte).eq(name.iter().copied());
            (is_it && byte(length + 1) == Some(b';')).then_some((*value, length + 2))
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(text: &str) -> String {
        letters(text).iter().map(|letter| char::from(letter.byte)).collect()
    }

    #[test]
    fn escapes_are_undone_in_layers() {
        for text in ["a/b+c", "a%2Fb%2bc", "a%252Fb%25252bc", "a\\/b\\u002Bc", "a\\x2fb\\053c", "a\\\\/b+c"] {
            assert_eq!(spelt(text), "a/b+c", "{text}");
        }
        for text in ["a&#47;b&#x2b;c", "a&sol;b&plus;c", "a&amp;#47;b&#43c", "A / B\n+ C", "a_b-c", "a&amp;sol;b+c"] {
            assert_eq!(spelt(text), "a/b+c", "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["%", "%4", "%zz", "&", "&#", "&#;", "&#x;", "&none;", "&#99999999;", "\\"] {
            assert_eq!(spelt(text), text, "{text}");
        }
        assert_eq!(spelt("ä%e4&#228;").len(), "\u{ff}".len() * 3);
    }

    #[test]
    fn each_letter_knows_its_place() {
        let text = "ä%25&#x2b;z";
        let places: Vec<_> = letters(text).into_iter().map(|letter| &text[letter.source]).collect();
        assert_eq!(places, ["ä", "%25", "&#x2b;", "z"]);
    }

    #[test]
    fn hex_digits_are_read_however_they_are_set_apart() {
        for text in ["4b3031", "4B:30:31", "4b 30 31", "0x4b, 0x30, 0x31", "4b-30-31"] {
            let digits: String = hex_digits(&letters(text)).iter().map(|letter| char::from(letter.byte)).collect();
            assert_eq!(digits, "4b3031", "{text}");
        }
    }
}
