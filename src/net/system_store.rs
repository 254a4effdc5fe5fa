//! Roots from a system's own store of certificates, and the certificates that it distrusts.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use crate::platform::trust_store::{self, TrustStore};

/// Certificates that no chain may contain.
#[derive(Clone, Debug, Default)]
pub(super) struct Distrusted(Arc<[CertificateDer<'static>]>);

impl Distrusted {
    pub(super) fn of(store: &TrustStore) -> Self {
        Self(store.distrusted.iter().map(|der| der.clone().into()).collect())
    }

    pub(super) fn is_any_of<'a>(&self, mut chain: impl Iterator<Item = &'a CertificateDer<'a>>) -> bool {
        !self.0.is_empty() && chain.any(|one| self.0.iter().any(|distrusted| distrusted == one))
    }

    /// True for a distrusted CA, and for any other certificate of the same name and key.
    fn covers(&self, root: &TrustAnchor<'_>) -> bool {
        self.0.iter().filter_map(|der| webpki::anchor_from_trusted_cert(der).ok()).any(|distrusted| {
            distrusted.subject == root.subject && distrusted.subject_public_key_info == root.subject_public_key_info
        })
    }
}

/// What the store trusts. The set that is built into this library stands in for what a store has not loaded yet, or for one
/// that has nothing.
pub(super) fn roots(store: &TrustStore) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(store.trusted.iter().map(|der| CertificateDer::from(der.as_slice())));
    if !trust_store::IS_COMPLETE || roots.is_empty() {
        let known: Vec<_> = roots.roots.iter().map(|root| root.subject_public_key_info.to_vec()).collect();
        let is_new = |root: &&TrustAnchor<'_>| !known.iter().any(|key| *key == *root.subject_public_key_info);
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().filter(is_new).cloned());
    }
    let distrusted = Distrusted::of(store);
    roots.roots.retain(|root| !distrusted.covers(root));
    roots
}

#[cfg(test)]
mod tests {
    use super::super::pem;
    use super::super::testing::authority::Authority;
    use super::*;

    fn der(authority: &Authority) -> Vec<u8> {
        pem::certificates(authority.pem.as_bytes()).expect("it is PEM")[0].to_vec()
    }

    #[test]
    fn a_store_without_certificates_leaves_the_built_in_set() {
        assert_eq!(roots(&TrustStore::default()).len(), webpki_roots::TLS_SERVER_ROOTS.len());
    }

    #[test]
    fn what_is_trusted_and_distrusted_is_not_trusted() {
        let (good, bad) = (Authority::new(), Authority::new());
        let trusted = vec![der(&good), der(&bad), b"not a certificate".to_vec()];
        let both = roots(&TrustStore { trusted: trusted.clone(), distrusted: Vec::new() });
        let one = roots(&TrustStore { trusted, distrusted: vec![b"nor this".to_vec(), der(&bad)] });
        assert_eq!(both.len(), one.len() + 1);
        let good = CertificateDer::from(der(&good));
        let good = webpki::anchor_from_trusted_cert(&good).expect("a CA");
        assert!(one.roots.iter().any(|root| root.subject_public_key_info == good.subject_public_key_info));
    }

    #[test]
    fn a_distrusted_certificate_is_found_anywhere_in_a_chain() {
        let (one, other) = (Authority::new(), Authority::new());
        let distrusted = Distrusted::of(&TrustStore { trusted: Vec::new(), distrusted: vec![der(&one)] });
        let chain = [CertificateDer::from(der(&other)), CertificateDer::from(der(&one))];
        assert!(distrusted.is_any_of(chain.iter()));
        assert!(!distrusted.is_any_of(chain[..1].iter()));
        assert!(!Distrusted::default().is_any_of(chain.iter()));
    }
}
