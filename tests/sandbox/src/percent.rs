//! File names in headers and URLs.

/// B2's percent-encoding, in which a plus is a space.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let (plain, left) = match (byte, escaped) {
            (b'%', Some(value)) => (value, &behind[2..]),
            (b'+', _) => (b' ', behind),
            _ => (*byte, behind),
        };
        bytes.push(plain);
        rest = left;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same in the other direction.
pub(crate) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went() {
        for name in ["plain/name.txt", "blank and + and %", "grüße", "%2", ""] {
            assert_eq!(decoded(&encoded(name)), name);
        }
        assert_eq!(decoded("a+b%20c%2"), "a b c%2");
    }
}
