//! Files of certificates that are none, or out of reach.

use std::ffi::CStr;
use std::fs::{self, File};
use std::path::Path;

use super::cause::{Broken, Cause, Time};
use super::private_etc::{etc, is_stranger_possible, set, stranger};
use super::subprocess::{Place, say};
use super::{Row, TLS};
use crate::support::api::Options;
use crate::support::fixture::Fixture;

pub const PLACE: Place = Place { name: "trusts", rows, walled: true };

const INVALID: &str = "B2_INVALID_ARGUMENT";
const FILE: &str = "/etc/ca.pem";

fn rows() -> Vec<Row> {
    let mut causes = [ca_files(), variables(), the_machines()].into_iter().flatten().collect::<Vec<_>>();
    if is_stranger_possible() {
        causes.push(
            Cause::ends("ca_file is out of reach", INVALID, "permission denied", "ca_file names it", |_, good| {
                write("ca.pem", &[]);
                Broken::new(good.with(&[]), stranger())
            })
            .good(by_option),
        );
    } else {
        say("SKIP night: files out of reach: only root can make a stranger of itself");
    }
    causes.into_iter().flat_map(Cause::rows).collect()
}

/// A file that nobody but its owner may read.
fn write(name: &str, content: &[u8]) {
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

/// What may stand in the place of a file of certificates, and what is said of it.
fn instead() -> Vec<(&'static str, &'static str, fn())> {
    vec![
        ("is missing", "there is no such file", || etc("ca.pem", None)),
        ("is a folder", "it is a directory", || {
            etc("ca.pem", None);
            fs::create_dir(FILE).expect("a folder can be made");
        }),
        ("is empty", "it has no certificate", || etc("ca.pem", Some(b""))),
        ("is rubbish", "it has no certificate", || etc("ca.pem", Some(&[0xa5; 4096]))),
        ("has a key and no certificate", "it has no certificate", || {
            etc("ca.pem", Some(b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"));
        }),
        ("has a certificate that is none", "none of its certificates", || {
            etc("ca.pem", Some(b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"));
        }),
        ("is broken off", "it is not PEM", || {
            etc("ca.pem", Some(b"-----BEGIN CERTIFICATE-----\nMIIB"));
        }),
        ("has 1 GiB of nothing", "it has no certificate", || {
            etc("ca.pem", Some(b""));
            let file = File::options().write(true).open(FILE).expect("it is there");
            file.set_len(1 << 30).expect("it takes no room");
        }),
        ("is a pipe that nobody writes to", "it is not a file", || pipe(c"/etc/ca.pem")),
        ("is a device without an end", "it is not a file", || {
            etc("ca.pem", None);
            std::os::unix::fs::symlink("/dev/zero", FILE).expect("a link can be made");
        }),
        ("is a link to itself", "cannot be used", || {
            etc("ca.pem", None);
            std::os::unix::fs::symlink(FILE, FILE).expect("a link can be made");
        }),
    ]
}

fn pipe(path: &CStr) {
    etc("ca.pem", None);
    // SAFETY: the name lives through the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

fn ca_files() -> Vec<Cause> {
    let cause = |(what, says, put): (&str, &'static str, fn())| {
        Cause::ends(format!("ca_file {what}"), INVALID, says, "ca_file names it", move |_, good| {
            put();
            Broken::new(good.with(&[]), ())
        })
        .good(by_option)
    };
    instead().into_iter().map(cause).collect()
}

/// The variable names the authority's file, for as long as this process lives or another row says otherwise.
fn by_variable(fixture: &Fixture) -> Options {
    etc("ca.pem", Some(&authority(fixture)));
    std::mem::forget((set("SSL_CERT_FILE", Some(FILE)), set("SSL_CERT_DIR", None)));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

fn variables() -> Vec<Cause> {
    let file = |(what, says, put): (&str, &'static str, fn())| {
        Cause::ends(format!("SSL_CERT_FILE {what}"), INVALID, says, "SSL_CERT_FILE names it", move |_, good| {
            put();
            Broken::new(good.with(&[]), ())
        })
        .good(by_variable)
        .at(&[Time::First])
    };
    let folder = |what: &str, put: fn()| {
        let name = format!("SSL_CERT_DIR {what}");
        Cause::ends(name, INVALID, "there is no certificate", "SSL_CERT_DIR names it", move |_, good| {
            put();
            let guards = (set("SSL_CERT_FILE", None), set("SSL_CERT_DIR", Some(FILE)));
            Broken::new(good.with(&[]), guards)
        })
        .good(by_variable)
        .at(&[Time::First])
    };
    let mut causes: Vec<_> = instead().into_iter().map(file).collect();
    causes.extend([
        folder("is missing", || etc("ca.pem", None)),
        folder("is a file", || ()),
        folder("is empty", || {
            etc("ca.pem", None);
            fs::create_dir(FILE).expect("a folder can be made");
        }),
        folder("is a pipe that nobody writes to", || pipe(c"/etc/ca.pem")),
        folder("has a pipe in it and nothing else", || {
            etc("ca.pem", None);
            fs::create_dir(FILE).expect("a folder can be made");
            // SAFETY: the name lives through the call.
            assert_eq!(unsafe { libc::mkfifo(c"/etc/ca.pem/0123abcd.0".as_ptr(), 0o600) }, 0);
        }),
        Cause::passes("SSL_CERT_FILE is gone after the first call", |_, good| {
            etc("ca.pem", None);
            Broken::new(good.with(&[]), ())
        })
        .good(by_variable)
        .at(&[Time::Live, Time::Dead]),
    ]);
    causes
}

/// Trusts what the machine does.
fn by_the_machine(fixture: &Fixture) -> Options {
    etc("ssl/certs/ca-certificates.crt", Some(&authority(fixture)));
    std::mem::forget((set("SSL_CERT_FILE", None), set("SSL_CERT_DIR", None)));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

/// Without anything of the machine's own the library has what most machines trust. The sandbox is not among that.
fn the_machines() -> Vec<Cause> {
    let without = |what: &str, put: fn()| {
        let name = format!("the machine's certificates {what}");
        Cause::ends(name, TLS, "whom this machine does not trust", "ca_file", move |fixture, _| {
            put();
            // By a library that has not read them, and will not again.
            Broken::new(fixture.options.with(&[("realm", fixture.sandbox.https())]), ())
        })
        .good(by_option)
        .at(&[Time::First])
    };
    vec![
        Cause::passes("the machine's certificates are good", |_, good| Broken::new(good.with(&[]), ()))
            .good(by_the_machine),
        without("are missing", || etc("ssl", None)),
        without("are rubbish", || etc("ssl/certs/ca-certificates.crt", Some(b"\xff\0rubbish"))),
        without("are a pipe", || {
            etc("ssl/certs/ca-certificates.crt", None);
            // SAFETY: the name lives through the call.
            assert_eq!(unsafe { libc::mkfifo(c"/etc/ssl/certs/ca-certificates.crt".as_ptr(), 0o600) }, 0);
        }),
    ]
}
