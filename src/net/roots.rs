//! The CA certificates that this machine trusts, from one place, read again when that changes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;

use crate::platform::blocking::{BlockingError, BlockingTasks};
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::platform::trust_store::{self, TrustStore};
use crate::platform::{environment, random};
use crate::ports::transport::{Failure, FailureKind};

use super::ca_files::{LoadError, Seen, in_directory, in_file};
use super::failure::{CA_HINT, FD_LIMIT, THREAD_LIMIT, reason, with_hint};
use super::request_watch::RequestWatch;
use super::system_store::{self, Distrusted};
use super::tls::{RootsFrom, TlsTrust, TrustSource};

/// Where systems that have no store of their own keep all their roots in one file. On Windows such a path would be one that
/// any user may create. Reading a directory as well would give each of them twice.
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

/// The name of the roots that need no place.
const BUILT_IN: &str = "the set built into this library";
/// The name of the place that some systems have for all their roots.
const SYSTEM_STORE: &str = "the system's certificate store";

/// Reads that are pending: a file system that hangs hangs a thread of ours, and no call for longer than it allows.
pub(super) static READS: BlockingTasks<Question, Result<TlsTrust, Failure>> =
    BlockingTasks::new("b2auth CA files", 4, Duration::ZERO);

/// The system's roots as they were read last.
pub(super) static ROOTS: ForkMutex<Roots> = ForkMutex::new(Roots(None));

pub(super) struct Roots(Option<Arc<SystemTrust>>);

impl ResetInChild for Roots {
    /// What the parent has read is as good in the child.
    fn reset_in_child(&mut self) {}
}

/// What a request asks for.
#[derive(Clone, PartialEq)]
pub(super) struct Question {
    ca_files: Vec<PathBuf>,
    cert_file: Option<OsString>,
    cert_dir: Option<OsString>,
}

/// The system's roots, the trust made of them, and the places that decided it.
struct SystemTrust {
    roots: Arc<RootCertStore>,
    trust: TlsTrust,
    cert_file: Option<OsString>,
    cert_dir: Option<OsString>,
    seen: Vec<Seen>,
    /// What the system's own store had, if that decided it.
    store: Option<TrustStore>,
    distrusted: Distrusted,
}

/// The trust for one connection: the system's roots, and those of `ca_files`.
pub(super) fn trust(watch: &RequestWatch, ca_files: &[&Path]) -> Result<TlsTrust, Failure> {
    if !random::is_available() {
        let message = "this system has no randomness to give, without which there is no TLS";
        let hint = "see that the system call getrandom or the device /dev/urandom can be used here";
        return Err(with_hint(FailureKind::Tls, message, hint));
    }
    let variable = |name| environment::raw(name).filter(|value| !value.is_empty());
    let question = Question {
        ca_files: ca_files.iter().map(|path| (*path).to_owned()).collect(),
        cert_file: variable("SSL_CERT_FILE"),
        cert_dir: variable("SSL_CERT_DIR"),
    };
    let not_read = |why: String, hint: &str| {
        with_hint(FailureKind::Network, format!("the CA certificates could not be read: {why}"), hint)
    };
    let work = {
        let question = question.clone();
        move || question.answer()
    };
    match READS.run(question, || watch.check(), work) {
        Ok(result) => result,
        Err(BlockingError::Stopped(error)) => {
            Err(watch.take_failure().unwrap_or_else(|| not_read(reason(&error), CA_HINT)))
        }
        Err(BlockingError::TooMany(count)) => {
            Err(not_read(format!("{count} such reads hang already"), "check the file system that they lie on"))
        }
        Err(BlockingError::NoThread(_)) => Err(not_read("no thread could be started".to_owned(), THREAD_LIMIT)),
    }
}

impl Question {
    fn answer(self) -> Result<TlsTrust, Failure> {
        let system = self.system()?;
        let Some(last) = self.ca_files.last() else { return Ok(system.trust.clone()) };
        let mut roots = RootCertStore::clone(&system.roots);
        let unusable = |path: &Path| unusable("ca_file", path, "none of its certificates can be used");
        let mut origin = system.trust.origin.clone();
        for path in &self.ca_files {
            let count = roots.add_parsable_certificates(load_named("ca_file", path)?).0;
            if count == 0 {
                return Err(unusable(path));
            }
            origin.push(RootsFrom { place: path.display().to_string(), count });
        }
        TlsTrust::new(Arc::new(roots), TrustSource::CaFile, origin, system.distrusted.clone())
            .ok_or_else(|| unusable(last))
    }

    fn system(&self) -> Result<Arc<SystemTrust>, Failure> {
        let is_named = self.cert_file.is_some() || self.cert_dir.is_some();
        let store = if is_named { None } else { trust_store::read() };
        let known = ROOTS.lock().0.clone();
        let is_same = |known: &Arc<SystemTrust>| {
            known.cert_file == self.cert_file
                && known.cert_dir == self.cert_dir
                && known.store == store
                && known.seen.iter().all(Seen::is_unchanged)
        };
        if let Some(known) = known.as_ref().filter(|known| is_same(known)) {
            return Ok(Arc::clone(known));
        }
        let mut seen = Vec::new();
        let loaded = match &store {
            Some(store) => Ok((system_store::roots(store), SYSTEM_STORE.to_owned())),
            None => load(self.cert_file.as_ref(), self.cert_dir.as_ref(), FILES, DIRECTORIES, &mut seen),
        };
        let (roots, place) = match (loaded, known) {
            (Ok(loaded), _) => loaded,
            // A place that is away for a moment, as when it is replaced, takes nothing with it.
            (Err(_), Some(known)) if known.cert_file == self.cert_file && known.cert_dir == self.cert_dir => {
                return Ok(known);
            }
            (Err(failure), _) => return Err(failure),
        };
        let (origin, roots) = (vec![RootsFrom { place, count: roots.len() }], Arc::new(roots));
        let distrusted = store.as_ref().map(Distrusted::of).unwrap_or_default();
        let source = if is_named { TrustSource::CertFile } else { TrustSource::System };
        let trust = TlsTrust::new(Arc::clone(&roots), source, origin, distrusted.clone())
            .ok_or_else(|| with_hint(FailureKind::Tls, "there are no CA certificates to trust", CA_HINT))?;
        let (cert_file, cert_dir) = (self.cert_file.clone(), self.cert_dir.clone());
        let system = Arc::new(SystemTrust { roots, trust, cert_file, cert_dir, seen, store, distrusted });
        ROOTS.lock().0 = Some(Arc::clone(&system));
        Ok(system)
    }
}

/// If the environment names a place, only that is trusted, and of a file and a directory only the file: many machines name
/// both, with the same certificates in them. Otherwise the first known place that has any, or else the set that is built
/// into this library. `seen` gets every place that had a part in it. Also returns the name of the place.
fn load(
    cert_file: Option<&OsString>,
    cert_dir: Option<&OsString>,
    files: &[&str],
    directories: &[&str],
    seen: &mut Vec<Seen>,
) -> Result<(RootCertStore, String), Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = cert_file {
        let path = Path::new(file);
        seen.push(Seen::now(path));
        return match roots.add_parsable_certificates(load_named("SSL_CERT_FILE", path)?) {
            (0, _) => Err(unusable("SSL_CERT_FILE", path, "none of its certificates can be used")),
            _ => Ok((roots, path.display().to_string())),
        };
    }
    if let Some(list) = cert_dir {
        for path in std::env::split_paths(list) {
            seen.push(Seen::now(&path));
            match in_directory(&path) {
                Ok(certificates) => drop(roots.add_parsable_certificates(certificates)),
                Err(error @ LoadError::FdLimit(_)) => return Err(failed("SSL_CERT_DIR", &path, error)),
                // Another of them may have some.
                Err(LoadError::Unusable(_)) => {}
            }
        }
        return match roots.is_empty() {
            true => Err(unusable("SSL_CERT_DIR", Path::new(list), "there is no certificate")),
            false => Ok((roots, Path::new(list).display().to_string())),
        };
    }
    let places = files.iter().map(|path| (path, false)).chain(directories.iter().map(|path| (path, true)));
    for (path, is_directory) in places {
        let path = Path::new(path);
        seen.push(Seen::now(path));
        match if is_directory { in_directory(path) } else { in_file(path) } {
            Ok(certificates) => {
                if roots.add_parsable_certificates(certificates).0 > 0 {
                    return Ok((roots, path.display().to_string()));
                }
            }
            // This place may well have what the machine trusts.
            Err(error @ LoadError::FdLimit(_)) => return Err(failed("", path, error)),
            Err(LoadError::Unusable(_)) => {}
        }
    }
    Ok((RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }, BUILT_IN.to_owned()))
}

/// The certificates of a file that was named, and so must be usable.
fn load_named(name: &str, path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, Failure> {
    in_file(path).map_err(|error| failed(name, path, error))
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
        let read = |name: &str| {
            let value = env.iter().find(|(n, _)| *n == name).map(|(_, path)| path.as_os_str().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let (cert_file, cert_dir) = (read("SSL_CERT_FILE"), read("SSL_CERT_DIR"));
        let texts = |paths: &[&Path]| -> Vec<String> { paths.iter().map(|path| path.display().to_string()).collect() };
        let (files, directories) = (texts(files), texts(directories));
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let directories: Vec<_> = directories.iter().map(String::as_str).collect();
        load(cert_file.as_ref(), cert_dir.as_ref(), &files, &directories, &mut Vec::new())
            .map(|(roots, _)| roots.len())
            .map_err(|failure| {
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
