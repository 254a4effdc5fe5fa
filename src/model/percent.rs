//! Percent-encoding in the logins and parameters of URLs.

use zeroize::Zeroizing;

/// The bytes that `text` stands for, which may be a password; `None` if a `%` is not followed by two hex digits.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next())? << 4 | digit(bytes.next())?,
            plain => plain,
        });
    }
    Some(decoded)
}
