//! Names for secrets: 128-bit digests keyed with randomness that never leaves the process.
//!
//! The cache knows an application key by its digest alone, so the key itself need not be kept, and nobody outside
//! the process can prepare two keys that meet in one place.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;

use once_cell::race::OnceBox;
use siphasher::sip128::{Hasher128, SipHasher13};
use subtle::ConstantTimeEq;

use super::realm::Realm;

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

/// The realm and the trust of a call: everything but the credentials that tells one session from another. It is the
/// hasher itself, which has taken both in, so that a hit goes on from there.
#[derive(Clone)]
pub(crate) struct Scope(SipHasher13);

impl Scope {
    pub(crate) fn new(realm: &Realm, ca_file: Option<&Path>) -> Self {
        let realm = realm.as_str().as_bytes();
        let trust = ca_file.map(|path| path.as_os_str().as_encoded_bytes());
        let mut hasher = SipHasher13::new_with_key(process_key());
        // Each field has its length before it, or a mark for none, so no two scopes read the same.
        hasher.write(&(realm.len() as u64).to_le_bytes());
        hasher.write(realm);
        hasher.write(&trust.map_or(u64::MAX, |trust| trust.len() as u64).to_le_bytes());
        hasher.write(trust.unwrap_or_default());
        // To a whole block, for speed.
        hasher.write(&[0; 8][(realm.len() + trust.map_or(0, <[u8]>::len)) % 8..]);
        Self(hasher)
    }

    /// The digest of a text within this scope. It is the last field, so it needs no length.
    pub(crate) fn digest(&self, text: &[u8]) -> u128 {
        let mut hasher = self.0;
        hasher.write(text);
        hasher.finish128().into()
    }
}

impl fmt::Debug for Scope {
    /// The hasher's state would give the process's key away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// What a session is cached under: key id and application key, each in its scope.
#[derive(Clone, Copy)]
pub(crate) struct CacheKey {
    id: u128,
    key: u128,
}

impl CacheKey {
    pub(crate) fn new(scope: &Scope, key_id: &[u8], key: &[u8]) -> Self {
        Self { id: scope.digest(key_id), key: scope.digest(key) }
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").finish_non_exhaustive()
    }
}

impl PartialEq for CacheKey {
    /// Takes the same time wherever two keys differ.
    fn eq(&self, other: &Self) -> bool {
        let difference = (self.id ^ other.id) | (self.key ^ other.key);
        ((difference >> 64) as u64 | difference as u64).ct_eq(&0).into()
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Both parts are digests already: any 64 bits of their sum are as good as another hash over them.
        state.write_u64((self.id ^ self.key.rotate_left(1)) as u64);
    }
}

/// The realm and key id that B2 counts requests by, whatever the key and the trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lane(u128);

impl Lane {
    pub(crate) fn new(realm: &Realm, key_id: &[u8]) -> Self {
        Self(Scope::new(realm, None).digest(key_id))
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
        let production = Scope::new(&Realm::production(), None);
        let staging = Scope::new(&Realm::parse("staging").expect("a realm"), None);
        let trusting = Scope::new(&Realm::production(), Some(Path::new("ca.pem")));
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
    fn what_would_let_others_compute_digests_is_not_shown() {
        let scope = Scope::new(&Realm::production(), None);
        let key = CacheKey::new(&scope, b"id", b"key");
        assert_eq!(format!("{scope:?} {key:?}"), "Scope { .. } CacheKey { .. }");
    }

    #[test]
    fn a_lane_is_blind_to_key_and_trust() {
        let lane = Lane::new(&Realm::production(), b"id");
        assert_eq!(lane, Lane::new(&Realm::production(), b"id"));
        assert_ne!(lane, Lane::new(&Realm::production(), b"id2"));
    }
}
