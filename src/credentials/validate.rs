//! Keys arrive by copy and paste, sometimes with invisible characters. B2 would only say that such a key is wrong; this
//! says which character stands where, and repeats nothing else of the value.

use crate::diag::error::Error;

use super::sources::{ID_VARIABLE, KEY_VARIABLE};

/// A value and the rules for it.
#[derive(Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    max_length: usize,
    may_hold_colon: bool,
}

impl Field {
    pub(super) const KEY_ID: Self = Self { name: "the key ID", max_length: 256, may_hold_colon: false };
    pub(super) const KEY: Self = Self { name: "the application key", max_length: 1024, may_hold_colon: true };
    pub(super) const ID_VARIABLE: Self = Self { name: ID_VARIABLE, ..Self::KEY_ID };
    pub(super) const KEY_VARIABLE: Self = Self { name: KEY_VARIABLE, ..Self::KEY };
    #[cfg(all(feature = "b2-tool", not(loom)))]
    pub(super) const FILED_KEY_ID: Self = Self { name: "its key ID", ..Self::KEY_ID };
    #[cfg(all(feature = "b2-tool", not(loom)))]
    pub(super) const FILED_KEY: Self = Self { name: "its application key", ..Self::KEY };
}

/// The value, if it can be sent. It was trimmed, and is not blank.
pub(super) fn validate(value: &[u8], field: Field) -> Result<&str, Error> {
    let Field { name, max_length, may_hold_colon } = field;
    if let Some(found) = first_invalid(value) {
        return Err(Error::invalid(format!("{name} has a character that cannot be part of it")).with_hint(found));
    }
    if value.len() > max_length {
        return Err(Error::invalid(format!("{name} is longer than {max_length} characters"))
            .with_hint("check that nothing else was copied with it"));
    }
    if !may_hold_colon && let Some(index) = value.iter().position(|byte| *byte == b':') {
        return Err(Error::invalid(format!("{name} has a colon in it"))
            .with_hint(format!("character {} is a colon: give the key ID and the key apart", index + 1)));
    }
    Ok(std::str::from_utf8(value).expect("visible ASCII is UTF-8"))
}

/// Where the first character outside visible ASCII stands, counted from 1, and which it is.
fn first_invalid(value: &[u8]) -> Option<String> {
    let mut position = 0_usize;
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            position += 1;
            if !c.is_ascii_graphic() {
                let name = name(c);
                let gap = if name.is_empty() { "" } else { " " };
                return Some(format!("character {position} is U+{:04X}{gap}{name}", u32::from(c)));
            }
        }
        if let Some(byte) = chunk.invalid().first() {
            return Some(format!("character {} is the byte 0x{byte:02X}, which is not UTF-8", position + 1));
        }
    }
    None
}

/// Names for those that do occur in copied text.
fn name(c: char) -> &'static str {
    match c {
        '\0' => "NUL",
        '\t' => "TAB",
        '\n' => "LINE FEED",
        '\u{b}' => "VERTICAL TAB",
        '\u{c}' => "FORM FEED",
        '\r' => "CARRIAGE RETURN",
        '\u{1b}' => "ESCAPE",
        ' ' => "SPACE",
        '\u{7f}' => "DELETE",
        '\u{a0}' => "NO-BREAK SPACE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2010}' => "HYPHEN",
        '\u{2011}' => "NON-BREAKING HYPHEN",
        '\u{2013}' => "EN DASH",
        '\u{2014}' => "EM DASH",
        '\u{2018}' => "LEFT SINGLE QUOTATION MARK",
        '\u{2019}' => "RIGHT SINGLE QUOTATION MARK",
        '\u{201c}' => "LEFT DOUBLE QUOTATION MARK",
        '\u{201d}' => "RIGHT DOUBLE QUOTATION MARK",
        '\u{2026}' => "ELLIPSIS",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{202f}' => "NARROW NO-BREAK SPACE",
        '\u{2060}' => "WORD JOINER",
        '\u{feff}' => "BYTE ORDER MARK",
        '\u{fffd}' => "REPLACEMENT CHARACTER",
        c if c.is_control() => "(a control character)",
        _ => "",
    }
}
