//! Names for secrets: 128-bit digests keyed with randomness that never leaves the process.
//!
//! The cache knows an application key by its digest alone, so the key itself need not be kept, and nobody outside
//! the process can prepare two keys that meet in one place.

use std::hash::{Hash, Hasher};
use std::path::Path;

use once_cell::race::OnceBox;
use siphasher::sip128::{Hasher128, SipHasher13};
use subtle::ConstantTimeEq;

use crate::realm::Realm;

/// The process's own key. A race to set it is harmless, and `OnceBox` has no lock that a fork could leave held.
static PROCESS_KEY: OnceBox<[u8; 16]> = OnceBox::new();

fn process_key() -> &'static [u8; 16] {
    PROCESS_KEY.get_or_init(|| Box::new(random()))
}

/// Fresh bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// A digest of one string, or of fields with their lengths before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(u128);

impl Digest {
    /// The realm and the trust of a call: everything but the credentials that tells one session from another.
    pub(crate) fn of_scope(realm: &Realm, ca_file: Option<&Path>) -> Self {
        let realm = realm.as_str().as_bytes();
        let trust = ca_file.map_or(&[][..], |path| path.as_os_str().as_encoded_bytes());
        let mut hasher = SipHasher13::new_with_key(process_key());
        hasher.write(&(realm.len() as u64).to_le_bytes());
        hasher.write(realm);
        hasher.write(&[u8::from(ca_file.is_some())]);
        hasher.write(trust);
        Self(hasher.finish128().into())
    }

    /// A string within a scope. The scope's width is fixed, so no two pairs of fields read the same.
    fn within(scope: Self, text: &[u8]) -> Self {
        let mut hasher = SipHasher13::new_with_key(process_key());
        hasher.write(&scope.0.to_le_bytes());
        hasher.write(text);
        Self(hasher.finish128().into())
    }
}

/// What a session is cached under: scope and key id in one digest, the application key in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheKey {
    id: Digest,
    key: Digest,
}

impl CacheKey {
    pub(crate) fn new(scope: Digest, key_id: &[u8], key: &[u8]) -> Self {
        let id = Digest::within(scope, key_id);
        Self { id, key: Digest::within(scope, key) }
    }
}

impl PartialEq for CacheKey {
    /// Takes the same time wherever two keys differ.
    fn eq(&self, other: &Self) -> bool {
        let same_id = self.id.0.to_le_bytes().ct_eq(&other.id.0.to_le_bytes());
        let same_key = self.key.0.to_le_bytes().ct_eq(&other.key.0.to_le_bytes());
        (same_id & same_key).into()
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Both parts are digests already: any 64 bits of their sum are as good as another hash over them.
        state.write_u64((self.id.0 ^ self.key.0.rotate_left(1)) as u64);
    }
}

/// The realm and key id that B2 counts requests by, whatever the key and the trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lane(Digest);

impl Lane {
    pub(crate) fn new(realm: &Realm, key_id: &[u8]) -> Self {
        Self(Digest::within(Digest::of_scope(realm, None), key_id))
    }
}

/// Passes a digest through as its own hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
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

/// Builds [`AsItIs`].
pub(crate) type Identity = std::hash::BuildHasherDefault<AsItIs>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_counts_and_no_two_run_together() {
        let production = Digest::of_scope(&Realm::production(), None);
        let staging = Digest::of_scope(&Realm::parse("staging").expect("a realm"), None);
        let trusting = Digest::of_scope(&Realm::production(), Some(Path::new("ca.pem")));
        let same = CacheKey::new(production, b"id", b"key");
        assert_eq!(same, CacheKey::new(production, b"id", b"key"));
        for other in [
            CacheKey::new(staging, b"id", b"key"),
            CacheKey::new(trusting, b"id", b"key"),
            CacheKey::new(production, b"i", b"dkey"),
            CacheKey::new(production, b"idk", b"ey"),
            CacheKey::new(production, b"key", b"id"),
            CacheKey::new(production, b"id", b"other"),
        ] {
            assert_ne!(same, other);
        }
    }

    #[test]
    fn a_lane_is_blind_to_key_and_trust() {
        let lane = Lane::new(&Realm::production(), b"id");
        assert_eq!(lane, Lane::new(&Realm::production(), b"id"));
        assert_ne!(lane, Lane::new(&Realm::production(), b"id2"));
    }
}
