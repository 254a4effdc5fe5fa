//! The `/etc` and the network of a place that has its own, and a thread that is a stranger there.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::cause::Undo;
use super::subprocess::OURS;
use crate::support::api::Options;
use crate::support::fixture::Fixture;

/// The name by which B2's server goes here, and for which it has a certificate.
pub const NAME: &str = "api.b2.test";

/// Writes a file of `/etc`; without content there is none.
pub fn etc(name: &str, content: Option<&[u8]>) {
    assert!(Path::new(OURS).exists(), "this /etc is not ours");
    let path = Path::new("/etc").join(name);
    if path.is_dir() {
        fs::remove_dir_all(&path).expect("it can be removed");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).expect("it can be removed");
    }
    if let Some(content) = content {
        fs::create_dir_all(path.parent().expect("it is in /etc")).expect("a folder can be made");
        fs::write(&path, content).expect("it can be written");
    }
}

/// Has these addresses be those of [`NAME`], and no name server.
pub fn hosts(addresses: &[&str]) {
    let lines: String = addresses.iter().map(|address| format!("{address} {NAME}\n")).collect();
    etc("hosts", Some(lines.as_bytes()));
    etc("resolv.conf", Some(b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
    // All the lines of a name, not the first alone.
    etc("host.conf", Some(b"multi on\n"));
    etc("nsswitch.conf", Some(b"hosts: files dns\n"));
}

/// The options of a call that goes to B2's server by its name.
pub fn by_name(fixture: &Fixture) -> Options {
    hosts(&["127.0.0.1"]);
    named(fixture)
}

/// The same, with the names as they are.
pub fn named(fixture: &Fixture) -> Options {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port");
    // Where a stranger may read it too.
    etc("ca.pem", Some(&fs::read(fixture.sandbox.ca_file()).expect("it is there")));
    fixture.options.with(&[("realm", &format!("https://{NAME}:{port}")), ("ca_file", "/etc/ca.pem")])
}

/// Runs `ip` with these words.
pub fn ip(words: &str) {
    assert!(Path::new(OURS).exists(), "this network is not ours");
    let status = Command::new("ip").args(words.split(' ')).status().expect("it runs");
    assert!(status.success(), "ip {words}");
}

/// Puts the network between into a state, and back when what it gives is dropped.
pub fn ip_for_now(there: &str, back: &'static str) -> impl Drop + use<> {
    ip(there);
    Undo(move || ip(back))
}

/// Sets a variable of the environment, or unsets it, until what it gives is dropped. For places, where one row runs at
/// a time.
pub fn set(name: &'static str, value: Option<&str>) -> impl Drop + use<> {
    let put = move |value: Option<&OsStr>| {
        // SAFETY: no other thread of a place touches the environment while rows begin and end.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    };
    let before = std::env::var_os(name);
    put(value.map(OsStr::new));
    Undo(move || put(before.as_deref()))
}

/// Nobody here: no user, no home, no right to anything.
const STRANGER: libc::c_long = 54_321;

/// Makes this thread a stranger's, until what it gives is dropped. Only this one: the C library would take all along.
pub fn stranger() -> impl Drop {
    assert!(become_user(STRANGER), "ask first");
    Undo(|| assert!(become_user(0)))
}

/// True if this process can make a stranger of itself, and come back.
pub fn is_stranger_possible() -> bool {
    become_user(STRANGER) && become_user(0)
}

/// Keeps a way back.
fn become_user(id: libc::c_long) -> bool {
    // SAFETY: the call takes numbers, and changes who this thread is.
    unsafe { libc::syscall(libc::SYS_setresuid, id, id, 0) == 0 }
}
