//! Certificate files that are invalid or unreadable.

use std::fs::{self, File};
use std::path::Path;

use b2_sandbox::{Config, Sandbox};

use super::fault::{Conditions, FaultCase, TokenAge, fault};
use super::private_etc::{can_drop_privileges, etc, etc_directory, etc_link, etc_pipe, set_env, unprivileged};
use super::subprocess::{Group, print};
use super::{Row, TLS};
use crate::support::api::Options;
use crate::support::fixture::Fixture;

pub const GROUP: Group = Group { name: "ca_files", rows, private: true };

const FILE: &str = "/etc/ca.pem";
const SYSTEM_FILE: &str = "ssl/certs/ca-certificates.crt";

fn rows() -> Vec<Row> {
    let mut cases = [ca_file(), variables(), system()].concat();
    if can_drop_privileges() {
        cases.push(invalid("ca_file is not readable", "permission denied", "ca_file names it").conditions(
            |_, good| {
                write_private("ca.pem", &[]);
                Conditions::new(good.with(&[]), unprivileged())
            },
        ));
    } else {
        print("SKIP fault_matrix: unreadable files: only root can drop its privileges");
    }
    cases.into_iter().flat_map(FaultCase::rows).collect()
}

fn invalid(name: &str, message: &'static str, hint: &'static str) -> FaultCase {
    fault(name).options(by_option).status("B2_INVALID_ARGUMENT").message(message).hint(hint)
}

/// A file that only its owner may read.
fn write_private(name: &str, content: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    etc(name, Some(content));
    let path = Path::new("/etc").join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

fn authority(fixture: &Fixture) -> Vec<u8> {
    fs::read(fixture.sandbox.ca_file()).expect("it is there")
}

fn by_option(fixture: &Fixture) -> Options {
    etc("ca.pem", Some(&authority(fixture)));
    fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", FILE)])
}

/// What replaces a certificate file, and the message for it.
fn replacements() -> Vec<(&'static str, &'static str, fn())> {
    vec![
        ("is missing", "no such file", || etc("ca.pem", None)),
        ("is a directory", "it is a directory", || etc_directory("ca.pem")),
        ("is empty", "not in PEM format", || etc("ca.pem", Some(b""))),
        ("is garbage", "not in PEM format", || etc("ca.pem", Some(&[0xa5; 4096]))),
        ("has a key and no certificate", "it contains a private key", || {
            etc("ca.pem", Some(b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"));
        }),
        ("has an invalid certificate", "none of its certificates", || {
            etc("ca.pem", Some(b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"));
        }),
        ("is truncated", "its certificates are damaged", || etc("ca.pem", Some(b"-----BEGIN CERTIFICATE-----\nMIIB"))),
        ("has 1 GiB of zeros", "not in PEM format", || {
            etc("ca.pem", Some(b""));
            let file = File::options().write(true).open(FILE).expect("it is there");
            file.set_len(1 << 30).expect("a sparse file takes no space");
        }),
        ("is a pipe without a writer", "it is not a file", || etc_pipe(c"/etc/ca.pem")),
        ("is an endless device", "it is not a file", || etc_link("ca.pem", "/dev/zero")),
        ("is a link to itself", "cannot be used", || etc_link("ca.pem", FILE)),
    ]
}

fn ca_file() -> Vec<FaultCase> {
    let case = |(what, message, replace): (&str, &'static str, fn())| {
        invalid(&format!("ca_file {what}"), message, "ca_file names it").conditions(move |_, good| {
            replace();
            Conditions::new(good.with(&[]), ())
        })
    };
    replacements().into_iter().map(case).collect()
}

/// The variable names the authority's file until another row changes it.
fn by_variable(fixture: &Fixture) -> Options {
    etc("ca.pem", Some(&authority(fixture)));
    std::mem::forget((set_env("SSL_CERT_FILE", Some(FILE)), set_env("SSL_CERT_DIR", None)));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

fn variables() -> Vec<FaultCase> {
    let file = |(what, message, replace): (&str, &'static str, fn())| {
        let case = invalid(&format!("SSL_CERT_FILE {what}"), message, "SSL_CERT_FILE names it");
        let case = case.conditions(move |_, good| {
            replace();
            Conditions::new(good.with(&[]), ())
        });
        case.options(by_variable).ages(&[TokenAge::None])
    };
    let directory = |what: &str, replace: fn()| {
        let name = format!("SSL_CERT_DIR {what}");
        let case = invalid(&name, "there is no certificate", "SSL_CERT_DIR names it").conditions(move |_, good| {
            replace();
            let guards = (set_env("SSL_CERT_FILE", None), set_env("SSL_CERT_DIR", Some(FILE)));
            Conditions::new(good.with(&[]), guards)
        });
        case.options(by_variable).ages(&[TokenAge::None])
    };
    let mut cases: Vec<_> = replacements().into_iter().map(file).collect();
    cases.extend([
        directory("is missing", || etc("ca.pem", None)),
        directory("is a file", || ()),
        directory("is empty", || etc_directory("ca.pem")),
        directory("is a pipe without a writer", || etc_pipe(c"/etc/ca.pem")),
        directory("has only a pipe in it", || {
            etc_directory("ca.pem");
            etc_pipe(c"/etc/ca.pem/0123abcd.0");
        }),
        fault("SSL_CERT_FILE is replaced by that of another CA after the first call")
            .conditions(|_, good| {
                let other = Sandbox::start(Config::default()).expect("the sandbox starts");
                etc("ca.pem", Some(&fs::read(other.ca_file()).expect("it is there")));
                Conditions::new(good.with(&[]), other)
            })
            .options(by_variable)
            .status(TLS)
            .message("not with the key of a trusted CA")
            .hint("SSL_CERT_FILE or SSL_CERT_DIR is set")
            .ages(&[TokenAge::Stale, TokenAge::Expired]),
        fault("SSL_CERT_FILE is removed after the first call")
            .conditions(|_, good| {
                etc("ca.pem", None);
                Conditions::new(good.with(&[]), ())
            })
            .options(by_variable)
            .ages(&[TokenAge::Stale, TokenAge::Expired]),
    ]);
    cases
}

/// Trusts the system's certificates, among which is the sandbox's authority.
fn by_system(fixture: &Fixture) -> Options {
    etc(SYSTEM_FILE, Some(&authority(fixture)));
    std::mem::forget((set_env("SSL_CERT_FILE", None), set_env("SSL_CERT_DIR", None)));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

/// Without certificates of the system the library has built-in ones, among which the sandbox's authority is not.
fn system() -> Vec<FaultCase> {
    let without = |what: &str, replace: fn()| {
        let case = fault(format!("the system's certificates {what}")).conditions(move |fixture, _| {
            replace();
            // Not the options of the other calls, with which the library has read the certificates.
            Conditions::new(fixture.options.with(&[("realm", fixture.sandbox.https())]), ())
        });
        let case = case.options(by_option).status(TLS).message("unknown CA").hint("ca_file");
        case.ages(&[TokenAge::None])
    };
    let later = |what: &str, change: fn()| {
        let case =
            fault(format!("the system's certificates {what} after the first call")).conditions(move |_, good| {
                change();
                Conditions::new(good.with(&[]), ())
            });
        case.options(by_system).ages(&[TokenAge::Stale, TokenAge::Expired])
    };
    vec![
        fault("the system's certificates are valid").usual_conditions().options(by_system),
        // What is still known serves while the file is away, and the recovery shows that it is read again.
        later("no longer have the CA", || {
            let other = Sandbox::start(Config::default()).expect("the sandbox starts");
            etc(SYSTEM_FILE, Some(&fs::read(other.ca_file()).expect("it is there")));
        })
        .status(TLS)
        .message("not with the key of a trusted CA")
        .hint("ca_file"),
        fault("the system's certificates get the CA after the first call")
            .conditions(|fixture, good| {
                let other = Sandbox::start(Config::default()).expect("the sandbox starts");
                etc(SYSTEM_FILE, Some(&fs::read(other.ca_file()).expect("it is there")));
                let refused = fixture.authorize_with(good).expect_err("the CA is unknown").name;
                assert_eq!(refused, "B2_TLS_ERROR");
                by_system(fixture);
                Conditions::new(good.with(&[]), ())
            })
            .options(|fixture| {
                std::mem::forget((set_env("SSL_CERT_FILE", None), set_env("SSL_CERT_DIR", None)));
                fixture.options.with(&[("realm", fixture.sandbox.https())])
            })
            .attempts(2)
            .requests(1)
            .ages(&[TokenAge::None]),
        without("are missing", || etc("ssl", None)),
        without("are garbage", || etc(SYSTEM_FILE, Some(b"\xff\0garbage"))),
        without("are a pipe", || etc_pipe(c"/etc/ssl/certs/ca-certificates.crt")),
    ]
}
