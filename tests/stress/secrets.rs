//! The secrets of a run, which no error and no log may contain. All keys have one word in common, and all tokens another,
//! so that one search finds every secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret_search::base64_cores;

/// Part of every application key.
pub const MARK: &str = "5tressSecretKey";
/// Part of every token, since the server writes them so.
const TOKEN_MARK: &str = "_acct_";

/// The words as they are, and the key's in base64. Percent-encoding changes no letter and no digit.
pub struct Secrets(Vec<String>);

impl Secrets {
    pub fn new() -> Self {
        Self([MARK.to_owned(), TOKEN_MARK.to_owned()].into_iter().chain(base64_cores(MARK)).collect())
    }

    /// True if this text contains a secret.
    pub fn found_in(&self, text: &str) -> bool {
        self.0.iter().any(|word| text.contains(word.as_str()))
    }

    /// Checks that each way to write a secret would be found.
    pub fn self_test(&self) {
        for id in ["0", "01", "012"] {
            let pair = format!("{id}:K001{MARK}/+0000");
            let basic = STANDARD.encode(&pair);
            assert!(self.found_in(&basic) && self.found_in(&pair.replace('/', "%2F")), "{basic}");
        }
        assert!(!self.found_in("a plain message of 14 words"));
    }
}
