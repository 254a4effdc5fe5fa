//! The certificates that this machine trusts, read once from one place.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::platform::environment;
use crate::platform::file;
use crate::ports::transport::{Failure, FailureKind};

use super::failure::{NO_DESCRIPTOR, hinted, reason};
use super::shared::Shared;
use super::tls::Trust;

/// Where systems keep their roots in one file. Reading a directory as well would give each of them twice.
const FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
    "/opt/etc/ssl/certs/ca-certificates.crt",
];

/// Where they keep them one by one.
const DIRECTORIES: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Ten times what systems have; a device without an end is no file of certificates.
const MOST: u64 = 4 * 1024 * 1024;

/// The system's roots, and the trust made of them.
pub(super) struct System {
    roots: Arc<RootCertStore>,
    trust: Trust,
}

/// Why a place gives no certificates.
enum Trouble {
    /// Something about the place.
    Useless(String),
    /// No descriptor was left to look at it.
    NoDescriptor(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if file::is_out_of_descriptors(&error) {
            Self::NoDescriptor(reason(&error))
        } else {
            Self::Useless(reason(&error))
        }
    }
}

/// The trust for one request: the system's, plus what is in `extra`.
pub(super) fn trust(shared: &Shared, extra: Option<&Path>) -> Result<Trust, Failure> {
    let cell = shared.with(|table| Arc::clone(&table.system));
    let system = cell.get_or_try_init(|| load(environment::raw, FILES, DIRECTORIES).and_then(System::new))?;
    let Some(path) = extra else { return Ok(system.trust.clone()) };
    let mut roots = RootCertStore::clone(&system.roots);
    if roots.add_parsable_certificates(named("ca_file", path)?).0 == 0 {
        return Err(useless("ca_file", path, "none of its certificates can be used"));
    }
    Trust::new(Arc::new(roots)).ok_or_else(|| useless("ca_file", path, "none of its certificates can be used"))
}

impl System {
    fn new(roots: RootCertStore) -> Result<Self, Failure> {
        let roots = Arc::new(roots);
        let trust = Trust::new(Arc::clone(&roots));
        let trust = trust.ok_or_else(|| hinted(FailureKind::Tls, "there is no certificate to trust", WHERE))?;
        Ok(Self { roots, trust })
    }
}

const WHERE: &str = "install the system's CA certificates, or name a file of them in SSL_CERT_FILE";

/// What the environment names is all that is trusted, and of a file and a directory only the file: many machines name
/// both, with the same certificates in them. Without it the first known place that has anything, or else the
/// set that came with this library.
fn load(
    env: impl Fn(&str) -> Option<OsString>,
    files: &[&str],
    directories: &[&str],
) -> Result<RootCertStore, Failure> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    let mut roots = RootCertStore::empty();
    if let Some(file) = set("SSL_CERT_FILE") {
        let path = Path::new(&file);
        return match roots.add_parsable_certificates(named("SSL_CERT_FILE", path)?) {
            (0, _) => Err(useless("SSL_CERT_FILE", path, "none of its certificates can be used")),
            _ => Ok(roots),
        };
    }
    if let Some(directories) = set("SSL_CERT_DIR") {
        for path in std::env::split_paths(&directories) {
            match in_directory(&path) {
                Ok(certificates) => drop(roots.add_parsable_certificates(certificates)),
                Err(trouble @ Trouble::NoDescriptor(_)) => return Err(failed("SSL_CERT_DIR", &path, trouble)),
                // Another of them may have some.
                Err(Trouble::Useless(_)) => {}
            }
        }
        return match roots.is_empty() {
            true => Err(useless("SSL_CERT_DIR", Path::new(&directories), "there is no certificate")),
            false => Ok(roots),
        };
    }
    let places = files.iter().map(|path| (path, in_file(Path::new(path))));
    for (path, found) in places.chain(directories.iter().map(|path| (path, in_directory(Path::new(path))))) {
        match found {
            Ok(certificates) => {
                if roots.add_parsable_certificates(certificates).0 > 0 {
                    return Ok(roots);
                }
            }
            // It may well have what this machine is to trust, and what is chosen now is kept.
            Err(trouble @ Trouble::NoDescriptor(_)) => return Err(failed("", Path::new(path), trouble)),
            Err(Trouble::Useless(_)) => {}
        }
    }
    Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// The certificates of a file that somebody named, and so wants to be used.
fn named(by: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let certificates = in_file(path).map_err(|trouble| failed(by, path, trouble))?;
    if certificates.is_empty() {
        return Err(useless(by, path, "it has no certificate"));
    }
    Ok(certificates)
}

fn failed(by: &str, path: &Path, trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Useless(problem) => useless(by, path, &problem),
        Trouble::NoDescriptor(problem) => {
            let message = format!("the CA certificates in {} cannot be read: {problem}", path.display());
            hinted(FailureKind::Network, message, NO_DESCRIPTOR)
        }
    }
}

fn useless(by: &str, path: &Path, problem: &str) -> Failure {
    hinted(
        FailureKind::Setup,
        format!("the CA certificates in {} cannot be used: {problem}", path.display()),
        format!("{by} names it: it should hold CA certificates in PEM form"),
    )
}

fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let mut text = Vec::new();
    let file = file::open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        let problem = if data.is_dir() { "it is a directory" } else { "it is not a file" };
        return Err(Trouble::Useless(problem.to_owned()));
    }
    file.take(MOST).read_to_end(&mut text)?;
    let (mut certificates, mut problem) = (Vec::new(), None);
    for certificate in CertificateDer::pem_slice_iter(&text) {
        match certificate {
            Ok(certificate) => certificates.push(certificate),
            Err(e) => problem = Some(e),
        }
    }
    match problem {
        Some(problem) if certificates.is_empty() => Err(Trouble::Useless(format!("it is not PEM: {problem}"))),
        _ => Ok(certificates),
    }
}

/// Each certificate once: such a directory has a second name for each, by its hash.
fn in_directory(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let entries = fs::read_dir(path)?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for path in &paths {
        match in_file(path) {
            Ok(certificates) => all.extend(certificates.into_iter().filter(|one| seen.insert(one.clone()))),
            Err(trouble @ Trouble::NoDescriptor(_)) => return Err(trouble),
            Err(Trouble::Useless(_)) => {}
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::testing::authority::{Authority, Scratch};
    use super::*;

    fn count(env: &[(&str, &Path)], files: &[&Path], directories: &[&Path]) -> Result<usize, String> {
        let read = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, path)| path.as_os_str().to_owned());
        let texts = |paths: &[&Path]| -> Vec<String> { paths.iter().map(|path| path.display().to_string()).collect() };
        let (files, directories) = (texts(files), texts(directories));
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let directories: Vec<_> = directories.iter().map(String::as_str).collect();
        load(read, &files, &directories).map(|roots| roots.len()).map_err(|failure| {
            assert_eq!(failure.kind, FailureKind::Setup);
            failure.message
        })
    }

    #[test]
    fn one_place_is_read() {
        let (one, two, folder, empty) = (Authority::new(), Authority::new(), Scratch::new(), Scratch::new());
        let both = folder.file("both.pem", &format!("# two\n{}{}", one.pem, two.pem));
        let broken = folder.file("broken.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
        let missing = folder.path().join("missing.pem");
        // The same certificate under a second name counts once.
        let many = Scratch::new();
        many.file("a.pem", &one.pem);
        many.file("0123abcd.0", &one.pem);
        many.file("b.pem", &two.pem);
        many.file("README", "not a certificate");
        let bundled = webpki_roots::TLS_SERVER_ROOTS.len();

        assert_eq!(count(&[], &[&missing, &broken, &both, &one.file], &[many.path()]), Ok(2));
        assert_eq!(count(&[], &[&missing], &[empty.path(), many.path()]), Ok(2));
        assert_eq!(count(&[], &[&missing], &[empty.path()]), Ok(bundled));
        assert_eq!(count(&[("SSL_CERT_FILE", &one.file)], &[&both], &[]), Ok(1));
        assert_eq!(count(&[("SSL_CERT_FILE", Path::new(""))], &[&both], &[]), Ok(2));
        assert_eq!(count(&[("SSL_CERT_DIR", many.path())], &[&one.file], &[]), Ok(2));
        assert_eq!(count(&[("SSL_CERT_FILE", &one.file), ("SSL_CERT_DIR", many.path())], &[&both], &[]), Ok(1));
    }

    #[test]
    fn what_the_environment_names_in_vain_is_said() {
        let (one, folder) = (Authority::new(), Scratch::new());
        let missing = folder.path().join("missing.pem");
        let message = count(&[("SSL_CERT_FILE", &missing)], &[&one.file], &[]).expect_err("it is not there");
        assert!(message.contains("missing.pem") && message.contains("no such file"), "{message}");
        let message = count(&[("SSL_CERT_DIR", folder.path())], &[&one.file], &[]).expect_err("it is empty");
        assert!(message.contains("there is no certificate"), "{message}");
    }
}
