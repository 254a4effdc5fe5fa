//! An authority made for one run, and the certificates it gives.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use time::{Duration, OffsetDateTime};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Everything that a client may call the sandbox by.
const NAMES: [&str; 6] = ["localhost", "127.0.0.1", "::1", "api.backblazeb2.com", "b2.test", "*.b2.test"];

#[derive(Debug)]
pub(crate) struct Certificates {
    /// The authority that clients are told to trust, as PEM.
    pub(crate) ca_pem: String,
    pub(crate) good: Arc<ServerConfig>,
    pub(crate) unknown_ca: Arc<ServerConfig>,
    pub(crate) expired: Arc<ServerConfig>,
    pub(crate) not_yet_valid: Arc<ServerConfig>,
    pub(crate) wrong_name: Arc<ServerConfig>,
    pub(crate) client_certificate: Arc<ServerConfig>,
}

impl Certificates {
    pub(crate) fn make() -> Result<Self, Failure> {
        let known = Authority::make("b2 sandbox CA")?;
        let stranger = Authority::make("Nobody's CA")?;
        Ok(Self {
            good: known.server(&NAMES, current(), Asked::Nothing)?,
            unknown_ca: stranger.server(&NAMES, current(), Asked::Nothing)?,
            expired: known.server(&NAMES, past(), Asked::Nothing)?,
            not_yet_valid: known.server(&NAMES, future(), Asked::Nothing)?,
            wrong_name: known.server(&["somebody-else.example"], current(), Asked::Nothing)?,
            client_certificate: known.server(&NAMES, current(), Asked::Certificate)?,
            ca_pem: known.pem,
        })
    }
}

/// What a server wants of its clients.
#[derive(Clone, Copy)]
enum Asked {
    Nothing,
    Certificate,
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn make(name: &str) -> Result<Self, Failure> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = current();
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    fn server(
        &self,
        names: &[&str],
        (from, until): (OffsetDateTime, OffsetDateTime),
        asked: Asked,
    ) -> Result<Arc<ServerConfig>, Failure> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (from, until);
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        // The provider is named, as the process may well have another one as its default.
        let provider = Arc::new(ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let config = match asked {
            Asked::Nothing => config.with_no_client_auth(),
            Asked::Certificate => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes())?)?;
                config.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
                )
            }
        };
        Ok(Arc::new(config.with_single_cert(vec![certificate.der().clone()], key.into())?))
    }
}

/// A span that some systems' limit of 398 days allows.
fn current() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(2), now + Duration::days(365))
}

fn future() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now + Duration::days(2), now + Duration::days(30))
}

fn past() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(30), now - Duration::days(2))
}
