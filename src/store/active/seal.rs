//! What hides a record from everyone without the application key: its name, and the seal on its content.
//!
//! Everything is derived from the application key, which is random and long. So a stolen folder or dump opens for nobody, and
//! a wrong key meets only itself. Pure: no I/O, and no randomness but what is passed in.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Okm, Prk, Salt};
use ring::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use crate::store::record::{MAX_RECORD, Name, OVERHEAD, Record, Tag};

/// Another layout of records gets another salt, and so other names: two releases side by side ask once each and do not meet.
const SALT: &[u8] = b"b2auth token store 1";
/// The first byte of a record.
const VERSION: u8 = 1;
/// Version and tag, which are not encrypted.
const HEAD_LEN: usize = 17;

/// The keys of one application key, key ID, realm and extra trust. ring wipes nothing, so they are on the heap, where the
/// allocator of the libraries for C does.
pub(crate) struct Keys(Box<Derived>);

struct Derived {
    name: Name,
    seal: LessSafeKey,
    tag: hmac::Key,
}

/// So many bytes of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Keys {
    /// `trust` is the digest of the CA file that the call trusts besides the system's certificates, or empty: a session that
    /// was got through one is not for callers who do not trust it.
    pub(crate) fn derive(application_key: &str, realm: &str, key_id: &str, trust: &[u8]) -> Self {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(application_key.as_bytes());
        let scope = [realm.as_bytes(), key_id.as_bytes(), trust];
        let mut name = Name([0; 16]);
        expand(&prk, b"name", scope, Length(name.0.len()), |okm| {
            okm.fill(&mut name.0).expect("the length is the name's")
        });
        Self(Box::new(Derived {
            name,
            seal: expand(&prk, b"seal", scope, &AES_256_GCM, |okm| LessSafeKey::new(UnboundKey::from(okm))),
            tag: expand(&prk, b"tag", scope, HMAC_SHA256, |okm| hmac::Key::from(okm)),
        }))
    }

    pub(crate) fn name(&self) -> Name {
        self.0.name
    }

    /// The tag of a token.
    pub(crate) fn tag(&self, token: &str) -> Tag {
        let whole = hmac::sign(&self.0.tag, token.as_bytes());
        std::array::from_fn(|index| whole.as_ref()[index])
    }

    /// Seals a plain text. The nonce must never repeat for one key.
    pub(crate) fn seal(&self, plain: &[u8], tag: Tag, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        let mut record = Vec::with_capacity(plain.len() + OVERHEAD);
        record.push(VERSION);
        record.extend_from_slice(&tag);
        let aad = self.associated(&record);
        record.extend_from_slice(&nonce);
        record.extend_from_slice(plain);
        let text = &mut record[HEAD_LEN + NONCE_LEN..];
        let nonce = Nonce::assume_unique_for_key(nonce);
        let code = self.0.seal.seal_in_place_separate_tag(nonce, aad, text).expect("a record is far below GCM's limit");
        record.extend_from_slice(code.as_ref());
        record
    }

    /// The tag and the plain text of a record; `None` if it is not one, or not sealed with these keys.
    pub(crate) fn open(&self, record: &[u8]) -> Option<(Tag, Zeroizing<Vec<u8>>)> {
        let tag = tag_of(record)?;
        let (head, rest) = record.split_at_checked(HEAD_LEN)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.seal.open_in_place(nonce, self.associated(head), &mut text).ok()?.len();
        text.truncate(length);
        Some((tag, text))
    }

    /// A record, sealed; `None` if it is too long for a store.
    pub(crate) fn seal_record(&self, record: &Record, nonce: [u8; NONCE_LEN]) -> Option<Vec<u8>> {
        Some(self.seal(&record.write()?, record.tag, nonce))
    }

    /// What is in a sealed record; `None` if it does not open with these keys.
    pub(crate) fn open_record(&self, sealed: &[u8]) -> Option<Record> {
        if sealed.len() > MAX_RECORD {
            return None;
        }
        let (tag, plain) = self.open(sealed)?;
        Record::read(tag, &plain)
    }

    /// Bound to its name, a record cannot be put in another's place.
    fn associated(&self, head: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([head, &self.0.name.0].concat())
    }
}

/// The tag of a record that has not been opened.
pub(crate) fn tag_of(record: &[u8]) -> Option<Tag> {
    let (&version, rest) = record.split_first()?;
    rest.first_chunk().copied().filter(|_| version == VERSION && record.len() >= OVERHEAD)
}

/// Each field of the scope is preceded by its length, so no two scopes give the same bytes.
fn expand<L: KeyType, T>(
    prk: &Prk,
    label: &[u8],
    scope: [&[u8]; 3],
    length: L,
    make: impl FnOnce(Okm<'_, L>) -> T,
) -> T {
    let lengths = scope.map(|field| (field.len() as u64).to_le_bytes());
    let [realm, key_id, trust] = scope;
    let info = [label, &lengths[0], realm, &lengths[1], key_id, &lengths[2], trust];
    make(prk.expand(&info, length).expect("the length is below HKDF's limit"))
}
