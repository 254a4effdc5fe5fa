//! The CA certificates that this machine trusts, read once, from one place.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;

use crate::platform::environment;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::ports::transport::{Failure, FailureKind};

use super::ca_files::{LoadError, in_directory, in_file};
use super::failure::{CA_HINT, FD_LIMIT, with_hint};
use super::tls::TlsTrust;

/// Where systems keep all their roots in one file. Reading a directory as well would give each of them twice.
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

/// What this process has read.
pub(crate) static ROOTS: ForkMutex<Roots> = ForkMutex::new(Roots(None));

/// The system's roots, and the trust made of them.
pub(crate) struct Roots(Option<Arc<SystemTrust>>);

struct SystemTrust {
    roots: Arc<RootCertStore>,
    trust: TlsTrust,
}

impl ResetInChild for Roots {
    /// What the parent has read is as good in the child.
    fn reset_in_child(&mut self) {}
}

/// The trust for one request: the system's roots, and those of `ca_file`.
pub(super) fn trust(ca_file: Option<&Path>) -> Result<TlsTrust, Failure> {
    let system = system()?;
    let Some(path) = ca_file else { return Ok(system.trust.clone()) };
    let mut roots = RootCertStore::clone(&system.roots);
    let unusable = || unusable("ca_file", path, "none of its certificates can be used");
    if roots.add_parsable_certificates(load_named("ca_file", path)?).0 == 0 {
        return Err(unusable());
    }
    TlsTrust::new(Arc::new(roots)).ok_or_else(unusable)
}

fn system() -> Result<Arc<SystemTrust>, Failure> {
    if let Some(system) = &ROOTS.lock().0 {
        return Ok(Arc::clone(system));
    }
    // Outside the lock: two first requests may both read, and either result is good.
    let roots = Arc::new(load(environment::raw, FILES, DIRECTORIES)?);
    let trust = TlsTrust::new(Arc::clone(&roots))
        .ok_or_else(|| with_hint(FailureKind::Tls, "there are no CA certificates to trust", CA_HINT))?;
    let system = Arc::new(SystemTrust { roots, trust });
    ROOTS.lock().0 = Some(Arc::clone(&system));
    Ok(system)
}

/// If the environment names a place, only that is trusted, and of a file and a directory only the file: many machines name
/// both, with the same certificates in them. Otherwise the first known place that has any, or else the set that is built
/// into this library.
fn load(
    variable: impl Fn(&str) -> Option<OsString>,
    files: &[&str],
    directories: &[&str],
) -> Result<RootCertStore, Failure> {
    let value = |name| variable(name).filter(|value| !value.is_empty());
    let mut roots = RootCertStore::empty();
    if let Some(file) = value("SSL_CERT_FILE") {
        let path = Path::new(&file);
        return match roots.add_parsable_certificates(load_named("SSL_CERT_FILE", path)?) {
            (0, _) => Err(unusable("SSL_CERT_FILE", path, "none of its certificates can be used")),
            _ => Ok(roots),
        };
    }
    if let Some(directories) = value("SSL_CERT_DIR") {
        for path in std::env::split_paths(&directories) {
            match in_directory(&path) {
                Ok(certificates) => drop(roots.add_parsable_certificates(certificates)),
                Err(error @ LoadError::FdLimit(_)) => return Err(failed("SSL_CERT_DIR", &path, error)),
                // Another of them may have some.
                Err(LoadError::Unusable(_)) => {}
            }
        }
        return match roots.is_empty() {
            true => Err(unusable("SSL_CERT_DIR", Path::new(&directories), "there is no certificate")),
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
            // This place may well have what the machine trusts, and the choice made now is kept.
            Err(error @ LoadError::FdLimit(_)) => return Err(failed("", Path::new(path), error)),
            Err(LoadError::Unusable(_)) => {}
        }
    }
    Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// The certificates of a file that was named, and so must be usable.
fn load_named(name: &str, path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, Failure> {
    let certificates = in_file(path).map_err(|error| failed(name, path, error))?;
    if certificates.is_empty() {
        return Err(unusable(name, path, "it has no certificate"));
    }
    Ok(certificates)
}

fn failed(name: &str, path: &Path, error: LoadError) -> Failure {
    match error {
        LoadError::Unusable(problem) => unusable(name, path, &problem),
        LoadError::FdLimit(problem) => {
            let message = format!("the CA certificates in {} cannot be read: {problem}", path.display());
            with_hint(FailureKind::Network, message, FD_LIMIT)
        }
    }
}

fn unusable(name: &str, path: &Path, problem: &str) -> Failure {
    with_hint(
        FailureKind::InvalidRequest,
        format!("the CA certificates in {} cannot be used: {problem}", path.display()),
        format!("{name} names it: it should contain CA certificates in PEM format"),
    )
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
            assert_eq!(failure.kind, FailureKind::InvalidRequest);
            failure.message
        })
    }

    #[test]
    fn the_first_place_with_certificates_is_read() {
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
    fn an_unusable_place_in_the_environment_is_reported() {
        let (one, folder) = (Authority::new(), Scratch::new());
        let missing = folder.path().join("missing.pem");
        let message = count(&[("SSL_CERT_FILE", &missing)], &[&one.file], &[]).expect_err("it is not there");
        assert!(message.contains("missing.pem") && message.contains("no such file"), "{message}");
        let message = count(&[("SSL_CERT_DIR", folder.path())], &[&one.file], &[]).expect_err("it is empty");
        assert!(message.contains("there is no certificate"), "{message}");
    }
}
