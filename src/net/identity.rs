//! A client certificate and its key, for servers that ask for one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::platform::blocking::{BlockingError, BlockingTasks};
use crate::platform::file;
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{failure, reason};
use super::pem;
use super::request_watch::RequestWatch;

const MAX_SIZE: u64 = 256 * 1024;

/// Files that are being read.
pub(super) static READS: BlockingTasks<IdentityFiles, Result<Arc<CertifiedKey>, Failure>> =
    BlockingTasks::new("b2auth client certificate", 4, Duration::ZERO);

/// PEM files.
#[derive(Clone, PartialEq)]
pub(super) struct IdentityFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Reads both. What is wrong with one is said without any byte of it.
pub(super) fn load(watch: &RequestWatch, files: IdentityFiles) -> Result<Arc<CertifiedKey>, Failure> {
    let work = {
        let files = files.clone();
        move || read(&files)
    };
    let not_read = |why: &str| failure(FailureKind::Tls, format!("the client certificate could not be read: {why}"));
    match READS.run(files, || watch.check(), work) {
        Ok(result) => result,
        Err(BlockingError::Stopped(_)) => Err(watch.take_failure().unwrap_or_else(|| not_read("it takes too long"))),
        Err(BlockingError::TooMany(_)) => Err(not_read("such reads hang already")),
        Err(BlockingError::NoThread(_)) => Err(not_read("no thread could be started")),
    }
}

fn read(files: &IdentityFiles) -> Result<Arc<CertifiedKey>, Failure> {
    let broken = |path: &Path, why: &str| {
        failure(FailureKind::Tls, format!("the file {} of the client certificate is not usable: {why}", path.display()))
    };
    let text = bytes(&files.certificate).map_err(|why| broken(&files.certificate, &why))?;
    let chain = pem::certificates(&text).map_err(|why| broken(&files.certificate, why))?;
    let text = bytes(&files.key).map_err(|why| broken(&files.key, &why))?;
    let key =
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| broken(&files.key, "it has no private key that is whole"))?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
    pair.map(Arc::new).map_err(|_| broken(&files.key, "its key is not that of the certificate, or of an unknown kind"))
}

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let file: File = file::open(path).map_err(|error| reason(&error))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_SIZE) {
        return Err("it is not a file of a few kilobytes".to_owned());
    }
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    file.take(MAX_SIZE).read_to_end(&mut text).map_err(|error| reason(&error))?;
    Ok(text)
}
