//! What no error and no log may hold. Every key has the same word in it, and so has every token: one look finds all.

/// Stands in every application key.
pub const MARK: &str = "5tormSecretKey";
/// Stands in every token, since the server writes them so.
const TOKEN_MARK: &str = "_acct_";

/// As they are, and in base64 at each of the three places where a group of bytes can begin. Percent signs change no
/// letter and no digit, so the plain word finds those too.
pub struct Secrets(Vec<String>);

impl Secrets {
    pub fn new() -> Self {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
        let mut words = vec![MARK.to_owned(), TOKEN_MARK.to_owned()];
        for before in 0..3 {
            let text = format!("{}{MARK}", &"\0\0"[..before]);
            let whole = base64.encode(&text);
            // The letters that hold nothing but bits of the word.
            let first = (before * 8).div_ceil(6);
            let last = text.len() * 8 / 6;
            words.push(whole[first..last].to_owned());
        }
        Self(words)
    }

    /// True if a secret stands in this text.
    pub fn stand_in(&self, text: &str) -> bool {
        self.0.iter().any(|word| text.contains(word.as_str()))
    }

    /// Sees that each way to write a secret would be found.
    pub fn check(&self) {
        use base64::Engine;
        for id in ["0", "01", "012"] {
            let pair = format!("{id}:K001{MARK}/+0000");
            let basic = base64::engine::general_purpose::STANDARD.encode(&pair);
            assert!(self.stand_in(&basic) && self.stand_in(&pair.replace('/', "%2F")), "{basic}");
        }
        assert!(!self.stand_in("a plain message of 14 words"));
    }
}
