//! Whether a message repeats a value. Any part of an input could be a secret, so a message is to be made of the library's
//! own words and of numbers alone: each word of it must stand in the source that composes such messages.

use std::collections::HashSet;
use std::sync::OnceLock;

static SOURCES: [&str; 22] = [
    include_str!("../api/json.rs"),
    include_str!("../credentials/validate.rs"),
    include_str!("../credentials/b2_tool/mod.rs"),
    include_str!("../credentials/b2_tool/json_format.rs"),
    include_str!("../credentials/b2_tool/file_error.rs"),
    include_str!("../credentials/b2_tool/reader.rs"),
    include_str!("../credentials/b2_tool/sqlite.rs"),
    include_str!("../diag/error.rs"),
    include_str!("../json/error.rs"),
    include_str!("../json/mod.rs"),
    include_str!("../options/mod.rs"),
    include_str!("../options/setters.rs"),
    include_str!("../options/table.rs"),
    include_str!("../model/absolute_path.rs"),
    include_str!("../model/proxy.rs"),
    include_str!("../model/realm.rs"),
    include_str!("../model/redis_url.rs"),
    include_str!("../model/store_url.rs"),
    include_str!("../reply/mod.rs"),
    include_str!("../reply/object.rs"),
    include_str!("../reply/restrictions.rs"),
    include_str!("../reply/untrusted.rs"),
];

/// Shorter than this a word tells nobody anything, and is in the source by chance.
const SHORTEST: usize = 4;

fn words(text: &str) -> impl Iterator<Item = &str> {
    // The number of a character counts as one, in hex as well.
    let is_hex = |word: &str| word.bytes().all(|byte| matches!(byte, b'A'..=b'F'));
    let words = text.split(|c: char| c.is_ascii() && !c.is_ascii_alphabetic());
    words.filter(move |word| word.len() >= SHORTEST && !is_hex(word))
}

/// The message without the name of an unknown option or field, which is shown if it looks like a name.
fn without_unknown_name(message: &str) -> String {
    for marker in ["unknown option \"", "unknown field \""] {
        if let Some((before, rest)) = message.split_once(marker)
            && let Some((name, after)) = rest.split_once('"')
        {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.".contains(&byte)), "{name:?}");
            return format!("{before}{after}");
        }
    }
    message.to_owned()
}

/// Panics if the message has a word that is not the library's, or is not one line of bounded length.
pub(super) fn assert_own(message: &str) {
    let message = &without_unknown_name(message);
    static OWN: OnceLock<HashSet<&str>> = OnceLock::new();
    let own = OWN.get_or_init(|| SOURCES.into_iter().flat_map(words).collect());
    for word in words(message) {
        assert!(own.contains(word), "{word:?} is no word of ours: {message}");
    }
    assert!(message.len() < 400 && !message.contains(char::is_control), "{message:?}");
}
