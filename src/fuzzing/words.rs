//! Whether a message repeats a value. Any part of an input could be a secret, so a message is to be made of the library's
//! own words and of numbers alone: each word of it must stand in the source that composes such messages.

use std::collections::HashSet;
use std::sync::OnceLock;

static SOURCES: [&str; 18] = [
    include_str!("../action.rs"),
    include_str!("../credentials/check.rs"),
    include_str!("../credentials/database.rs"),
    include_str!("../credentials/database/legacy.rs"),
    include_str!("../credentials/database/problem.rs"),
    include_str!("../credentials/database/reader.rs"),
    include_str!("../credentials/database/row.rs"),
    include_str!("../error.rs"),
    include_str!("../flaw.rs"),
    include_str!("../json.rs"),
    include_str!("../options.rs"),
    include_str!("../options/table.rs"),
    include_str!("../proxy.rs"),
    include_str!("../realm.rs"),
    include_str!("../reply.rs"),
    include_str!("../reply/place.rs"),
    include_str!("../reply/restrictions.rs"),
    include_str!("../reply/trust.rs"),
];

/// Shorter than this a word tells nobody anything, and is in the source by chance.
const SHORTEST: usize = 4;

fn words(text: &str) -> impl Iterator<Item = &str> {
    // The number of a character counts as one, in hex as well.
    let is_hex = |word: &str| word.bytes().all(|byte| matches!(byte, b'A'..=b'F'));
    let words = text.split(|c: char| c.is_ascii() && !c.is_ascii_alphabetic());
    words.filter(move |word| word.len() >= SHORTEST && !is_hex(word))
}

/// Panics if the message has a word that is not the library's, or is not one line of bounded length.
pub(super) fn assert_own(message: &str) {
    static OWN: OnceLock<HashSet<&str>> = OnceLock::new();
    let own = OWN.get_or_init(|| SOURCES.into_iter().flat_map(words).collect());
    for word in words(message) {
        assert!(own.contains(word), "{word:?} is no word of ours: {message}");
    }
    assert!(message.len() < 400 && !message.contains(char::is_control), "{message:?}");
}
