//! TLS: version 1.2 and up, a new session for each connection.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};

use crate::platform::sync;
use crate::ports::transport::FailureKind;

use super::failure::{HANDSHAKE_BLOCKED, PLAIN_PROXY, failure, reason, with_hint};
use super::request_watch::{RequestPhase, RequestWatch};
use super::stream::Stream;
use super::system_store::Distrusted;
use super::tls_error::{self, Handshake, Issuer};

/// As much of what a server sends first as is kept for a message.
const MAX_FIRST_BYTES: usize = 80;

/// Where the certificates of trusted CAs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustSource {
    System,
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR`, in place of the system's.
    CertFile,
    /// The option `ca_file`, beside those.
    CaFile,
}

/// A place, and how many CA certificates were read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootsFrom {
    pub(crate) place: String,
    pub(crate) count: usize,
}

/// Whom to trust about the identity of a server.
#[derive(Clone)]
pub(super) struct TlsTrust {
    verifier: Arc<WebPkiServerVerifier>,
    config: ClientConfig,
    source: TrustSource,
    pub(super) origin: Vec<RootsFrom>,
    distrusted: Distrusted,
}

impl TlsTrust {
    /// Trust in these roots, but in no chain that has a distrusted certificate; `None` if there are no roots.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        source: TrustSource,
        origin: Vec<RootsFrom>,
        distrusted: Distrusted,
    ) -> Option<Self> {
        // Explicit, so that a process-wide default of the host does not apply.
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let verifier = verifier.ok()?;
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(WallClock))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("ring has cipher suites for both versions")
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        // One request a day gains nothing from a session cache, and a fork might find its lock taken.
        config.resumption = Resumption::disabled();
        Some(Self { verifier, config, source, origin, distrusted })
    }

    /// The same, with a certificate for servers that ask for one.
    #[cfg(feature = "store-redis")]
    pub(super) fn with_identity(mut self, identity: Arc<rustls::sign::CertifiedKey>) -> Self {
        self.config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(identity));
        self
    }
}

/// The wall clock. rustls's own panics if that is before 1970, as on a board without a battery.
#[derive(Debug)]
struct WallClock;

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

/// Does the handshake with `host` over `stream`; messages call it `display_name`.
pub(super) fn wrap(
    watch: &RequestWatch,
    trust: &TlsTrust,
    mut stream: Stream,
    host: &str,
    display_name: &str,
) -> io::Result<Stream> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let Ok(name) = ServerName::try_from(bare.to_owned()) else {
        let message = format!("{host} is not a name that a certificate can be for");
        return Err(watch.fail(failure(FailureKind::Tls, message)));
    };
    let (inner, distrusted) = (Arc::clone(&trust.verifier), trust.distrusted.clone());
    let recorder = Arc::new(Verifier { inner, distrusted, issuer: Mutex::new(None) });
    let mut config = trust.config.clone();
    config.dangerous().set_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>);
    let explain = |error: &rustls::Error, first_bytes: &[u8]| {
        let source = trust.source;
        Handshake { server: display_name, source, issuer: recorder.issuer(), first_bytes }.explain(error)
    };
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|e| watch.fail(explain(&e, b"")))?;
    let mut recorded = FirstBytes { stream: &mut stream, bytes: Vec::new() };
    while connection.is_handshaking() {
        let Err(e) = connection.complete_io(&mut recorded) else { continue };
        if watch.has_failed() {
            return Err(e);
        }
        // A server that sends an alert and closes may break our write, with its alert still unread.
        let alert = match tls_error::rustls_error_in(&e) {
            None if connection.read_tls(&mut recorded).is_ok() => connection.process_new_packets().err(),
            _ => None,
        };
        let tls = alert.as_ref().or_else(|| tls_error::rustls_error_in(&e));
        let mut failure = match tls {
            Some(tls) => explain(tls, &recorded.bytes),
            None if e.kind() == io::ErrorKind::UnexpectedEof => {
                let message = format!("{display_name} closed the connection in the TLS handshake");
                with_hint(FailureKind::Network, message, HANDSHAKE_BLOCKED)
            }
            None => {
                let message = format!("the connection to {display_name} broke in the TLS handshake: {}", reason(&e));
                with_hint(FailureKind::Network, message, HANDSHAKE_BLOCKED)
            }
        };
        let is_not_tls = matches!(tls, None | Some(rustls::Error::InvalidMessage(_)));
        if watch.phase() == RequestPhase::ProxyHandshake && is_not_tls {
            failure.hint = Some(PLAIN_PROXY.to_owned());
        }
        return Err(watch.fail(failure));
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, stream))))
}

/// A stream, and the first bytes that came on it: they show what a server speaks that does not speak TLS.
struct FirstBytes<'a> {
    stream: &'a mut Stream,
    bytes: Vec<u8>,
}

impl Read for FirstBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let wanted = MAX_FIRST_BYTES.saturating_sub(self.bytes.len()).min(read);
        self.bytes.extend_from_slice(&buffer[..wanted]);
        Ok(read)
    }
}

impl Write for FirstBytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The usual verifier, which also rejects what the system distrusts, and records who issued a certificate that was rejected.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    distrusted: Distrusted,
    issuer: Mutex<Option<Issuer>>,
}

impl Verifier {
    fn issuer(&self) -> Option<Issuer> {
        sync::lock(&self.issuer).take()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = match self.distrusted.is_any_of(intermediates.iter().chain([end_entity])) {
            true => Err(CertificateError::ApplicationVerificationFailure.into()),
            false => self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now),
        };
        if verdict.is_err() {
            *sync::lock(&self.issuer) = tls_error::issuer(end_entity);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
