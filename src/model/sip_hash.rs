//! SipHash-1-3 with 128 bits, of whole 64-bit words: a keyed hash whose result says nothing about the key or the words.
//!
//! Every cache hit hashes two strings. A hasher that takes bytes in any portions spends more time on the portions than on
//! the hash, so this one takes words, and keeps its state in registers. Its results are those of the `siphasher` crate.

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

    /// Adds a text and its length, so that no two lists of texts are hashed alike. The last word may repeat bytes of the
    /// one before it.
    #[inline(always)]
    #[must_use]
    pub(super) fn text(mut self, text: &[u8]) -> Self {
        self = self.word(text.len() as u64);
        let (words, rest) = text.as_chunks::<8>();
        for word in words {
            self = self.word(u64::from_le_bytes(*word));
        }
        if rest.is_empty() {
            return self;
        }
        let last = text.last_chunk::<8>().copied().unwrap_or_else(|| {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            word
        });
        self.word(u64::from_le_bytes(last))
    }

    /// The result, in two halves.
    #[inline(always)]
    pub(super) fn finish(self) -> [u64; 2] {
        let (first, mut rest) = self.first_half();
        rest.v1 ^= 0xdd;
        [first, rest.round().round().round().folded()]
    }

    /// The first half of the result, for half the work.
    #[inline(always)]
    pub(super) fn finish_half(self) -> u64 {
        self.first_half().0
    }

    #[inline(always)]
    fn first_half(mut self) -> (u64, Self) {
        self = self.word(self.words.wrapping_mul(8) << 56);
        self.v2 ^= 0xee;
        self = self.round().round().round();
        (self.folded(), self)
    }

    #[inline(always)]
    fn folded(self) -> u64 {
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use siphasher::sip128::{Hasher128, SipHasher13};

    use super::*;

    #[test]
    fn the_results_are_those_of_the_reference() {
        let key = *b"a key of the pro";
        let (mut ours, mut theirs) = (SipHash::new(&key), SipHasher13::new_with_key(&key));
        for number in 0..100_u64 {
            let expected = theirs.finish128();
            assert_eq!(ours.finish(), [expected.h1, expected.h2], "{number} words");
            assert_eq!(ours.finish_half(), expected.h1, "{number} words");
            let word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ours = ours.word(word);
            theirs.write(&word.to_le_bytes());
        }
    }

    #[test]
    fn a_text_is_its_length_and_its_words() {
        let hash = |bytes: &[u8]| SipHash::new(&[7; 16]).text(bytes).finish();
        let words = |words: &[u64]| words.iter().fold(SipHash::new(&[7; 16]), |hash, word| hash.word(*word)).finish();
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        assert_eq!(hash(b""), words(&[0]));
        assert_eq!(hash(b"abc"), words(&[3, word(b"abc\0\0\0\0\0")]));
        assert_eq!(hash(b"abcdefgh"), words(&[8, word(b"abcdefgh")]));
        assert_eq!(hash(b"abcdefghij"), words(&[10, word(b"abcdefgh"), word(b"cdefghij")]));
    }
}
