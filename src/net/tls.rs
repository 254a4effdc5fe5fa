//! TLS: version 1.2 and up, one fresh session for each request.

use std::io;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};

use crate::platform::sync;
use crate::ports::transport::FailureKind;

use super::failure::{NO_HANDSHAKE, failure, hinted, reason};
use super::request_watch::{Line, PLAIN_PROXY, Phase};
use super::stream::Stream;
use super::tls_error;

/// Whose word is taken for who a server is.
#[derive(Clone)]
pub(super) struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    config: ClientConfig,
}

impl Trust {
    /// Trust in these roots; `None` if there are none.
    pub(super) fn new(roots: Arc<RootCertStore>) -> Option<Self> {
        // Given outright, so that no choice that the host made for its whole process comes into it.
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let verifier = verifier.ok()?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("ring has cipher suites for both versions")
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        // One request a day gains nothing from a session cache, whose lock a fork might find taken.
        config.resumption = Resumption::disabled();
        Some(Self { verifier, config })
    }
}

/// Shakes hands with `host` over `stream`; messages say `called`.
pub(super) fn wrap(line: &Line, trust: &Trust, mut stream: Stream, host: &str, called: &str) -> io::Result<Stream> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let Ok(name) = ServerName::try_from(bare.to_owned()) else {
        let message = format!("{host} is not a name that a certificate can be for");
        return Err(line.fail(failure(FailureKind::Tls, message)));
    };
    let watch = Arc::new(Watch { inner: Arc::clone(&trust.verifier), issuer: Mutex::new(None) });
    let mut config = trust.config.clone();
    config.dangerous().set_certificate_verifier(Arc::clone(&watch) as Arc<dyn ServerCertVerifier>);
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(|e| line.fail(tls_error::explain(called, &e, None)))?;
    while connection.is_handshaking() {
        if let Err(e) = connection.complete_io(&mut stream) {
            if line.has_failed() {
                return Err(e);
            }
            // A server that says why and hangs up may cut us off in the middle of a write, with its reason unread.
            let last_word = match tls_error::inside(&e) {
                None if connection.read_tls(&mut stream).is_ok() => connection.process_new_packets().err(),
                _ => None,
            };
            let tls = last_word.as_ref().or_else(|| tls_error::inside(&e));
            let mut failure = match tls {
                Some(tls) => tls_error::explain(called, tls, watch.issuer().as_deref()),
                None => hinted(
                    FailureKind::Network,
                    match e.kind() {
                        io::ErrorKind::UnexpectedEof => format!("{called} closed the connection in the TLS handshake"),
                        _ => format!("the connection to {called} broke in the TLS handshake: {}", reason(&e)),
                    },
                    NO_HANDSHAKE,
                ),
            };
            if line.phase() == Phase::ProxyHandshake && matches!(tls, None | Some(rustls::Error::InvalidMessage(_))) {
                failure.hint = Some(PLAIN_PROXY.to_owned());
            }
            return Err(line.fail(failure));
        }
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(connection, stream))))
}

/// The usual verifier, which also remembers who signed a certificate that it refused.
#[derive(Debug)]
struct Watch {
    inner: Arc<WebPkiServerVerifier>,
    issuer: Mutex<Option<String>>,
}

impl Watch {
    fn issuer(&self) -> Option<String> {
        sync::lock(&self.issuer).take()
    }
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now);
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
