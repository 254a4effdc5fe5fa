//! SipHash-1-3 with 128 bits: a keyed hash whose result says nothing about the key or the text.
//!
//! Every cache hit hashes two strings. A hasher that takes bytes in any portions spends more time on the portions than on
//! the hash, so this one takes a text in one piece, and keeps its state in registers. Its results are those of the
//! `siphasher` crate.

/// A hash in the making.
#[derive(Clone, Copy)]
pub(super) struct SipHash {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
    words: u64,
}

impl SipHash {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let key = u128::from_le_bytes(*key);
        let (k0, k1) = (key as u64, (key >> 64) as u64);
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
            words: 0,
        }
    }

    #[inline(always)]
    fn round(self) -> Self {
        let Self { mut v0, mut v1, mut v2, mut v3, words } = self;
        v0 = v0.wrapping_add(v1);
        v2 = v2.wrapping_add(v3);
        v1 = v1.rotate_left(13) ^ v0;
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.rotate_left(32).wrapping_add(v3);
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v3 = v3.rotate_left(21) ^ v0;
        Self { v0, v1, v2: v2.rotate_left(32), v3, words }
    }

    #[inline(always)]
    #[must_use]
    pub(super) fn word(mut self, word: u64) -> Self {
        self.v3 ^= word;
        self = self.round();
        self.v0 ^= word;
        self.words += 1;
        self
    }

    /// Adds a text and its length, padded to whole words.
    #[must_use]
    pub(super) fn text(self, text: &[u8]) -> Self {
        let word = |hash: Self, bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            hash.word(u64::from_le_bytes(word))
        };
        text.chunks(8).fold(self.word(text.len() as u64), word)
    }

    /// The result with these last bytes, in two halves.
    #[inline(always)]
    pub(super) fn digest(self, text: &[u8]) -> [u64; 2] {
        let (first, mut rest) = self.first_half(text);
        rest.v1 ^= 0xdd;
        [first, rest.round().round().round().folded()]
    }

    /// The first half of the result, for half the work.
    #[inline(always)]
    pub(super) fn digest_half(self, text: &[u8]) -> u64 {
        self.first_half(text).0
    }

    #[inline(always)]
    fn first_half(mut self, text: &[u8]) -> (u64, Self) {
        let length = self.words.wrapping_mul(8).wrapping_add(text.len() as u64);
        let (words, rest) = text.as_chunks::<8>();
        for word in words {
            self = self.word(u64::from_le_bytes(*word));
        }
        let tail = match text.last_chunk::<8>() {
            // Two shifts, since there may be nothing left of the eight bytes.
            Some(last) => u64::from_le_bytes(*last) >> 8 >> (8 * (7 - rest.len())),
            None => rest.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
        };
        self = self.word(length << 56 | tail);
        self.v2 ^= 0xee;
        self = self.round().round().round();
        (self.folded(), self)
    }

    #[inline(always)]
    fn folded(self) -> u64 {
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

// A model has no other hasher.
#[cfg(all(test, not(loom)))]
mod tests {
    use std::hash::Hasher;

    use siphasher::sip128::{Hasher128, SipHasher13};

    use super::*;

    #[test]
    fn the_results_are_those_of_the_reference() {
        let key = *b"a key of the pro";
        let bytes: Vec<u8> = (0..=255).cycle().take(600).collect();
        let (mut prefix, mut ours) = (SipHasher13::new_with_key(&key), SipHash::new(&key));
        for words in 0..4 {
            for length in 0..=bytes.len() {
                let mut theirs = prefix;
                theirs.write(&bytes[..length]);
                let expected = theirs.finish128();
                let text = &bytes[..length];
                assert_eq!(ours.digest(text), [expected.h1, expected.h2], "{length} bytes after {words} words");
                assert_eq!(ours.digest_half(text), expected.h1, "{length} bytes after {words} words");
            }
            prefix.write(&[7; 8]);
            ours = ours.word(u64::from_le_bytes([7; 8]));
        }
    }

    #[test]
    fn a_text_within_is_its_length_and_its_padded_words() {
        let (new, word) = (|| SipHash::new(&[7; 16]), |bytes: &[u8; 8]| u64::from_le_bytes(*bytes));
        let same = |one: SipHash, other: SipHash| assert_eq!(one.digest(b""), other.digest(b""));
        same(new().text(b""), new().word(0));
        same(new().text(b"abc"), new().word(3).word(word(b"abc\0\0\0\0\0")));
        same(new().text(b"abcdefgh"), new().word(8).word(word(b"abcdefgh")));
    }
}
