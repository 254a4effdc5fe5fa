//! What the errors of a Redis server mean. Of their text nothing is repeated: it may quote a command with its password.

use crate::store::active::engine::Trouble;

/// The errors that are known, what they mean, and whether the same may succeed soon.
const KNOWN: [(&str, &str, bool); 16] = [
    ("NOAUTH", "it asks for a password", false),
    ("WRONGPASS", "it refuses this user or password", false),
    ("NOPERM", "this user lacks a right", false),
    ("OOM", "its memory is used up", false),
    ("READONLY", "it is a read-only replica", false),
    ("MISCONF", "it cannot save to its disk and takes no writes", false),
    ("NOREPLICAS", "it has too few replicas and takes no writes", false),
    ("DENIED", "it is in protected mode", false),
    ("WRONGTYPE", "another program uses its keys", false),
    ("CROSSSLOT", "the keys are not in one slot of its cluster", false),
    ("EXECABORT", "it refuses the transaction", false),
    ("LOADING", "it is loading its data", true),
    ("TRYAGAIN", "its cluster is moving the key", true),
    ("CLUSTERDOWN", "its cluster is down", true),
    ("MASTERDOWN", "it is a replica without a master", true),
    ("BUSY", "it is busy with a script", true),
];

/// The trouble that an error is.
pub(super) fn trouble(text: &[u8]) -> Trouble {
    let word = first_word(text);
    match KNOWN.iter().find(|(known, ..)| known.as_bytes() == word) {
        Some((word, what, true)) => Trouble::passing(format!("{what} ({word})")),
        Some((word, what, false)) => Trouble::lasting(format!("{what} ({word})")),
        None => Trouble::lasting("it refuses a command (ERR)"),
    }
}

/// Where the key is instead, if that is what the error says: `MOVED 1234 HOST:PORT`.
pub(super) fn moved(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("MOVED ")?;
    let (slot, place) = text.split_once(' ')?;
    (slot.bytes().all(|byte| byte.is_ascii_digit()) && !place.contains(' ')).then_some(place)
}

fn first_word(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_first_word_alone() {
        assert_eq!(
            trouble(b"WRONGPASS invalid username-password pair"),
            Trouble::lasting("it refuses this user or password (WRONGPASS)")
        );
        assert!(trouble(b"LOADING Redis is loading the dataset in memory").is_passing());
        for text in [
            &b"ERR unknown command 'AUTH', with args beginning with: 'SECRET'"[..],
            b"SECRET",
            b"SECRET SECRET",
            b"",
            b"\xff",
        ] {
            let trouble = trouble(text);
            assert_eq!(trouble, Trouble::lasting("it refuses a command (ERR)"));
        }
    }

    #[test]
    fn a_move_names_a_place() {
        assert_eq!(moved(b"MOVED 3999 127.0.0.1:6381"), Some("127.0.0.1:6381"));
        assert_eq!(moved(b"MOVED 3999 :6381"), Some(":6381"));
        for text in [&b"MOVED"[..], b"MOVED x y", b"MOVED 1 a b", b"ERR MOVED 1 a:1", b"MOVED 1 \xff:1"] {
            assert_eq!(moved(text), None, "{text:?}");
        }
    }
}
