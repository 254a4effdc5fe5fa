//! The private `/etc` and network of some groups, and threads that run as an unprivileged user.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::path::Path;
use std::process::Command;

use super::fault::Undo;
use super::subprocess::PRIVATE_MARKER;
use crate::support::api::Options;
use crate::support::fixture::Fixture;

/// The name of the sandbox in the private `/etc/hosts`. Its certificate is valid for it.
pub const NAME: &str = "api.b2.test";

/// Writes a file of `/etc`; without content it is removed.
pub fn etc(name: &str, content: Option<&[u8]>) {
    assert!(Path::new(PRIVATE_MARKER).exists(), "this /etc is not private");
    let path = Path::new("/etc").join(name);
    if path.is_dir() {
        fs::remove_dir_all(&path).expect("it can be removed");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).expect("it can be removed");
    }
    if let Some(content) = content {
        fs::create_dir_all(path.parent().expect("it is in /etc")).expect("a directory can be made");
        fs::write(&path, content).expect("it can be written");
    }
}

/// Replaces a file of `/etc` by an empty directory.
pub fn etc_directory(name: &str) {
    etc(name, None);
    fs::create_dir(Path::new("/etc").join(name)).expect("a directory can be made");
}

/// Replaces a file of `/etc` by a named pipe without a writer.
pub fn etc_pipe(path: &CStr) {
    let name = path.to_str().ok().and_then(|path| path.strip_prefix("/etc/")).expect("a path in /etc");
    etc(name, None);
    // SAFETY: the name lives through the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Replaces a file of `/etc` by a link.
pub fn etc_link(name: &str, target: &str) {
    etc(name, None);
    std::os::unix::fs::symlink(target, Path::new("/etc").join(name)).expect("a link can be made");
}

/// Gives [`NAME`] these addresses, and no name server.
pub fn hosts(addresses: &[&str]) {
    let lines: String = addresses.iter().map(|address| format!("{address} {NAME}\n")).collect();
    etc("hosts", Some(lines.as_bytes()));
    etc("resolv.conf", Some(b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
    // All lines of a name, not just the first.
    etc("host.conf", Some(b"multi on\n"));
    etc("nsswitch.conf", Some(b"hosts: files dns\n"));
}

/// The options of a call to the sandbox by its name.
pub fn by_name(fixture: &Fixture) -> Options {
    hosts(&["127.0.0.1"]);
    by_name_with_current_hosts(fixture)
}

pub fn by_name_with_current_hosts(fixture: &Fixture) -> Options {
    let port = fixture.sandbox.https().rsplit(':').next().expect("it has a port");
    // Where an unprivileged user may read it too.
    etc("ca.pem", Some(&fs::read(fixture.sandbox.ca_file()).expect("it is there")));
    fixture.options.with(&[("realm", &format!("https://{NAME}:{port}")), ("ca_file", "/etc/ca.pem")])
}

/// Runs `ip` with these arguments.
pub fn ip(arguments: &str) {
    assert!(Path::new(PRIVATE_MARKER).exists(), "this network is not private");
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("it runs");
    assert!(status.success(), "ip {arguments}");
}

/// Runs `ip`, and runs it with the other arguments when the result is dropped.
pub fn ip_until_dropped(arguments: &str, undo: &'static str) -> impl Drop + use<> {
    ip(arguments);
    Undo(move || ip(undo))
}

/// Sets a variable of the environment, or unsets it, until the result is dropped. For groups in a subprocess, where one
/// row runs at a time.
pub fn set_env(name: &'static str, value: Option<&str>) -> impl Drop + use<> {
    let set = move |value: Option<&OsStr>| {
        // SAFETY: no other thread uses the environment between two rows.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    };
    let before = std::env::var_os(name);
    set(value.map(OsStr::new));
    Undo(move || set(before.as_deref()))
}

/// A user ID without a name, a home or any privileges.
const UNPRIVILEGED: libc::c_long = 54_321;

/// Makes this thread run as an unprivileged user until the result is dropped. Not the whole process, as the C library
/// would.
pub fn unprivileged() -> impl Drop {
    assert!(set_user(UNPRIVILEGED), "check can_drop_privileges() first");
    Undo(|| assert!(set_user(0)))
}

/// True if this process can drop its privileges and regain them.
pub fn can_drop_privileges() -> bool {
    set_user(UNPRIVILEGED) && set_user(0)
}

/// Keeps 0 as the saved ID, to come back.
fn set_user(id: libc::c_long) -> bool {
    // SAFETY: the call takes numbers, and changes the user of this thread.
    unsafe { libc::syscall(libc::SYS_setresuid, id, id, 0) == 0 }
}
