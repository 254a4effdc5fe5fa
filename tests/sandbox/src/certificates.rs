//! An authority made for one run, and the certificates it gives.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
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
    pub(crate) wrong_name: Arc<ServerConfig>,
}

impl Certificates {
    pub(crate) fn make() -> Result<Self, Failure> {
        let known = Authority::make("b2 sandbox CA")?;
        let stranger = Authority::make("Nobody's CA")?;
        Ok(Self {
            good: known.server(&NAMES, current())?,
            unknown_ca: stranger.server(&NAMES, current())?,
            expired: known.server(&NAMES, past())?,
            wrong_name: known.server(&["somebody-else.example"], current())?,
            ca_pem: known.pem,
        })
    }
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
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())?;
        Ok(Arc::new(config))
    }
}

/// A span that some systems' limit of 398 days allows.
fn current() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(2), now + Duration::days(365))
}

fn past() -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - Duration::days(30), now - Duration::days(2))
}
