//! A certificate authority for tests, and servers that have its certificates.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

/// A name in the system's folder for such, removed when dropped.
pub(in crate::net) struct Scratch(PathBuf);

impl Scratch {
    pub(in crate::net) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("b2auth-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(in crate::net) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a writable folder");
        path
    }

    pub(in crate::net) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A private CA, and the file that it is in.
pub(in crate::net) struct Authority {
    pub(in crate::net) pem: String,
    pub(in crate::net) file: PathBuf,
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
    _folder: Scratch,
}

impl Authority {
    pub(in crate::net) fn new() -> Self {
        Self::named("Corp Inspection CA")
    }

    pub(in crate::net) fn named(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let root = params.self_signed(&key).expect("a certificate");
        let folder = Scratch::new();
        let pem = root.pem();
        let file = folder.file("ca.pem", &pem);
        Self { pem, file, root, issuer: Issuer::new(params, key), _folder: folder }
    }

    /// A server for `names`, whose certificate `change` may spoil.
    pub(in crate::net) fn server(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Server {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("a root");
        Server {
            certificate,
            key: key.serialize_der(),
            roots,
            wants_client: false,
            versions: rustls::ALL_VERSIONS.to_vec(),
        }
    }
}

/// What a TLS server is made of.
pub(in crate::net) struct Server {
    certificate: rcgen::Certificate,
    key: Vec<u8>,
    roots: RootCertStore,
    pub(in crate::net) wants_client: bool,
    pub(in crate::net) versions: Vec<&'static SupportedProtocolVersion>,
}

impl Server {
    /// Speaks TLS over `stream` from now on.
    pub(in crate::net) fn over<S: Read + Write>(&self, stream: S) -> StreamOwned<ServerConnection, S> {
        StreamOwned::new(ServerConnection::new(self.config()).expect("a good configuration"), stream)
    }

    /// A configuration, with a session cache of its own.
    pub(in crate::net) fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .expect("ring knows them");
        let builder = if self.wants_client {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots.clone()), provider);
            builder.with_client_cert_verifier(verifier.build().expect("there is a root"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("a key");
        Arc::new(builder.with_single_cert(vec![self.certificate.der().clone()], key).expect("they fit"))
    }
}
