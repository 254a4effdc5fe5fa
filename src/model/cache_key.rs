//! Digests that stand for secrets: 128 bits, keyed with randomness that never leaves the process.
//!
//! The cache knows an application key by its digest alone, so the key itself is not kept, and nobody outside the process
//! can construct two keys with one digest.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;

use once_cell::race::OnceBox;

use super::realm::Realm;
use super::sip_hash::SipHash;
use crate::platform::random;

/// The process's own digest key. A race to set it is harmless, and `OnceBox` has no lock that a fork could leave held.
static PROCESS_KEY: OnceBox<[u8; 16]> = OnceBox::new();

fn process_key() -> &'static [u8; 16] {
    PROCESS_KEY.get_or_init(|| Box::new(random::bytes()))
}

/// The digest of a text by itself, which says nothing about it outside this process.
pub(crate) fn digest(text: &[u8]) -> u128 {
    whole(SipHash::new(process_key()).digest(text))
}

fn whole([low, high]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// The realm and the extra trust of a call: everything but the credentials that distinguishes one session from another.
/// It is the hasher's state after both, so that a cache hit only has to add the credentials.
#[derive(Clone)]
pub(crate) struct CacheScope(SipHash);

impl CacheScope {
    pub(crate) fn new(realm: &Realm, ca_file: Option<&Path>) -> Self {
        Self::keyed(process_key(), realm, ca_file)
    }

    fn keyed(process_key: &[u8; 16], realm: &Realm, ca_file: Option<&Path>) -> Self {
        let hash = SipHash::new(process_key).text(realm.as_str().as_bytes());
        Self(match ca_file {
            Some(path) => hash.text(path.as_os_str().as_encoded_bytes()),
            None => hash.word(u64::MAX),
        })
    }

    /// The digest of a text within this scope.
    pub(crate) fn digest(&self, text: &[u8]) -> u128 {
        whole(self.0.digest(text))
    }
}

impl fmt::Debug for CacheScope {
    /// The hasher's state would reveal the process's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheScope").finish_non_exhaustive()
    }
}

/// What a session is cached under: the digests of key ID and application key in their scope. That of the key ID, which is
/// no secret and unique to its key, has half the bits.
#[derive(Clone, Copy)]
pub(crate) struct CacheKey {
    id: u64,
    key: [u64; 2],
}

impl CacheKey {
    #[inline(always)]
    pub(crate) fn new(scope: &CacheScope, key_id: &[u8], key: &[u8]) -> Self {
        // Not one after the other: a processor computes two that are independent at the same time.
        Self { id: scope.0.digest_half(key_id), key: scope.0.digest(key) }
    }

    /// 64 bits of the digests: enough to tell the keys of a process apart where all of them take too much room, and to
    /// choose a place by.
    #[inline(always)]
    pub(crate) fn short(&self) -> u64 {
        self.id ^ self.key[0]
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").finish_non_exhaustive()
    }
}

impl PartialEq for CacheKey {
    /// Takes the same time wherever two keys differ.
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        (self.id ^ other.id) | (self.key[0] ^ other.key[0]) | (self.key[1] ^ other.key[1]) == 0
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // They are digests already, so another hash of them would be no better.
        state.write_u64(self.short());
    }
}

/// The realm and key ID that B2 counts requests by, whatever the key and the trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RateKey(u64);

impl RateKey {
    pub(crate) fn new(realm: &Realm, key_id: &[u8]) -> Self {
        Self(CacheScope::new(realm, None).0.digest_half(key_id))
    }
}

/// Passes a digest through as its own hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct PassThroughHasher(u64);

impl Hasher for PassThroughHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

/// Builds [`PassThroughHasher`].
pub(crate) type BuildPassThrough = std::hash::BuildHasherDefault<PassThroughHasher>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_digest_counts() {
        let one = CacheKey { id: 7, key: [8, 9] };
        assert_eq!(one, CacheKey { ..one });
        for bit in 0..64 {
            let flip = 1 << bit;
            for other in [
                CacheKey { id: 7 ^ flip, ..one },
                CacheKey { key: [8 ^ flip, 9], ..one },
                CacheKey { key: [8, 9 ^ flip], ..one },
            ] {
                assert_ne!(one, other, "bit {bit}");
            }
        }
    }

    #[test]
    fn every_byte_of_id_and_key_counts_whatever_their_lengths() {
        let scope = CacheScope::new(&Realm::production(), None);
        let (id, key) = ([7_u8; 20], [9_u8; 20]);
        let mut seen = Vec::new();
        for (id_len, key_len) in (0..20).flat_map(|a| (0..20).map(move |b| (a, b))) {
            let (id, key) = (&id[..id_len], &key[..key_len]);
            let same = CacheKey::new(&scope, id, key);
            assert!(!seen.contains(&same), "{id_len} {key_len}");
            for byte in 0..id_len + key_len {
                let (mut id, mut key) = (id.to_vec(), key.to_vec());
                *id.iter_mut().chain(&mut key).nth(byte).expect("it is within both") ^= 1;
                assert_ne!(CacheKey::new(&scope, &id, &key), same, "byte {byte} of {id_len} and {key_len}");
            }
            seen.push(same);
        }
    }

    #[test]
    fn digests_depend_on_a_random_key() {
        let realm = Realm::production();
        let digest = |key| CacheScope::keyed(key, &realm, None).digest(b"key");
        assert_ne!(digest(&[0; 16]), digest(&[1; 16]));
        assert_eq!(CacheScope::new(&realm, None).digest(b"key"), digest(process_key()));
        assert_ne!(process_key(), &[0; 16]);
        assert_ne!(random::bytes::<16>(), random::bytes::<16>());
    }

    #[test]
    fn each_field_counts_and_no_two_are_concatenated() {
        let production = CacheScope::new(&Realm::production(), None);
        let staging = CacheScope::new(&Realm::parse("staging").expect("a realm"), None);
        let trusting = CacheScope::new(&Realm::production(), Some(Path::new("ca.pem")));
        let same = CacheKey::new(&production, b"id", b"key");
        assert_eq!(same, CacheKey::new(&production, b"id", b"key"));
        for other in [
            CacheKey::new(&staging, b"id", b"key"),
            CacheKey::new(&trusting, b"id", b"key"),
            CacheKey::new(&production, b"i", b"dkey"),
            CacheKey::new(&production, b"idk", b"ey"),
            CacheKey::new(&production, b"key", b"id"),
            CacheKey::new(&production, b"id", b"other"),
        ] {
            assert_ne!(same, other);
        }
    }

    #[test]
    fn debug_output_does_not_reveal_the_digest_key() {
        let scope = CacheScope::new(&Realm::production(), None);
        let key = CacheKey::new(&scope, b"id", b"key");
        assert_eq!(format!("{scope:?} {key:?}"), "CacheScope { .. } CacheKey { .. }");
    }

    #[test]
    fn a_rate_key_ignores_key_and_trust() {
        let lane = RateKey::new(&Realm::production(), b"id");
        assert_eq!(lane, RateKey::new(&Realm::production(), b"id"));
        assert_ne!(lane, RateKey::new(&Realm::production(), b"id2"));
    }
}
