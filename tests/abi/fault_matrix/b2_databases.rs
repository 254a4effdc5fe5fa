//! The b2 tool's database, where it is no use, or out of reach just now.

use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Row;
use super::cause::{Broken, Cause, Time, Undo};
use super::private_etc::{etc, is_stranger_possible, set, stranger};
use super::process_limits::{SMALL, hoard};
use super::subprocess::{Place, say};
use crate::b2_tool_locked::Locker;
use crate::support::api::Options;
use crate::support::b2_database::{self, Account, NEWEST};
use crate::support::fixture::{Fixture, ID, KEY};

pub const PLACE: Place = Place { name: "databases", rows, walled: true };

const NONE: &str = "B2_NO_CREDENTIALS";
const FILE: &str = "/etc/b2/account_info";

fn rows() -> Vec<Row> {
    let mut causes = [instead(), for_now(), file_systems(), places()].into_iter().flatten().collect::<Vec<_>>();
    causes.push(small_stack());
    if is_stranger_possible() {
        causes.push(keyless("is out of reach", "permission denied", "give the key ID", true, |_| Box::new(stranger())));
    } else {
        say("SKIP night: files out of reach: only root can make a stranger of itself");
    }
    causes.into_iter().flat_map(Cause::rows).collect()
}

/// Leaves what it finds as it was.
fn good(fixture: &Fixture) -> Options {
    let options = fixture.options.with(&[("account_info", FILE)]);
    let right = fs::read_to_string("/etc/b2/for").is_ok_and(|realm| realm == fixture.sandbox.http());
    if !right {
        etc("b2", None);
        b2_database::create(Path::new(FILE), NEWEST, Account { key_id: ID, key: KEY, realm: fixture.sandbox.http() });
        // A stranger may see it, and no more.
        fs::set_permissions(FILE, fs::Permissions::from_mode(0o600)).expect("it is ours");
        etc("b2/for", Some(fixture.sandbox.http().as_bytes()));
        // Past the time in which two changes of a file could look like one.
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    options
}

type Guard = Box<dyn std::any::Any>;

/// A database that gives no key. Where it is known to be as it was, a good token is not lost for that.
fn keyless(
    what: &str,
    says: &'static str,
    hint: &'static str,
    spares: bool,
    put: impl Fn(&Fixture) -> Guard + Send + Sync + 'static,
) -> Cause {
    Cause::ends(format!("the b2 tool's database {what}"), NONE, says, hint, move |fixture, good| {
        let guard = put(fixture);
        Broken::new(good.with(&[]), guard)
    })
    .good(good)
    .blank(spares)
    .tries(0)
}

/// Puts another file in its place, or none.
fn instead() -> Vec<Cause> {
    let other = |what: &str, says, hint, put: fn()| {
        keyless(what, says, hint, false, move |_| {
            // So that it is written anew.
            etc("b2/for", None);
            put();
            Box::new(())
        })
    };
    const GIVE: &str = "give the key ID and the key in the call";
    vec![
        other("is missing", "does not exist", "b2 account authorize", || etc("b2/account_info", None)),
        other("is a folder", "is not a file", GIVE, || {
            etc("b2/account_info", None);
            fs::create_dir(FILE).expect("a folder can be made");
        }),
        other("is empty", "is empty", "b2 account authorize", || etc("b2/account_info", Some(b""))),
        other("is none", "is no database", GIVE, || etc("b2/account_info", Some(&[0xa5; 4096]))),
        other("is broken off", "is damaged", "authorize the b2 tool anew", || {
            let file = OpenOptions::new().write(true).open(FILE).expect("it is there");
            file.set_len(5_000).expect("it can be cut");
        }),
        other("has 1 TiB of nothing", "is too large to be one", GIVE, || {
            let file = OpenOptions::new().write(true).open(FILE).expect("it is there");
            file.set_len(1 << 40).expect("it takes no room");
        }),
        other("is a pipe that nobody writes to", "is not a file", GIVE, || {
            etc("b2/account_info", None);
            // SAFETY: the name lives through the call.
            assert_eq!(unsafe { libc::mkfifo(c"/etc/b2/account_info".as_ptr(), 0o600) }, 0);
        }),
        other("is a device without an end", "is not a file", GIVE, || {
            etc("b2/account_info", None);
            std::os::unix::fs::symlink("/dev/zero", FILE).expect("a link can be made");
        }),
    ]
}

/// The file is as it was, and cannot be read just now.
fn for_now() -> Vec<Cause> {
    vec![
        keyless("is locked by another program", "is locked", "call again", true, |_| {
            let mut locker = Some(Locker::lock(Path::new(FILE)));
            Box::new(Undo(move || locker.take().expect("dropped once").unlock()))
        }),
        keyless("has no descriptor left for it", "too many open files", "ulimit -n", true, |_| Box::new(hoard())),
    ]
}

/// A file system of its own over the folder, with a copy of the database.
fn mounted(then: fn()) -> Guard {
    let copy = fs::read(FILE).expect("it is there");
    let mount = |flags, options: Option<&CStr>| {
        let options = options.map_or(std::ptr::null(), |options| options.as_ptr().cast());
        // SAFETY: the texts live through the call; these mounts are this place's own.
        unsafe { libc::mount(c"tmpfs".as_ptr(), c"/etc/b2".as_ptr(), c"tmpfs".as_ptr(), flags, options) }
    };
    assert_eq!(mount(0, Some(c"size=256k")), 0);
    fs::write(FILE, copy).expect("there is room for it");
    then();
    Box::new(Undo(|| {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::umount(c"/etc/b2".as_ptr()) }, 0);
    }))
}

fn small_stack() -> Cause {
    Cause::passes("128 KiB of stack, and the b2 tool's database", |_, good| Broken::new(good.with(&[]), ()))
        .good(good)
        .blank(true)
        .on_a_stack_of(SMALL)
}

fn file_systems() -> Vec<Cause> {
    let on = |what: &str, then: fn()| {
        Cause::passes(format!("the b2 tool's database is on {what}"), move |_, good| {
            Broken::new(good.with(&[]), mounted(then))
        })
        .good(good)
        .blank(true)
    };
    vec![
        on("a disk that is full", || {
            let mut file = File::create("/etc/b2/fill").expect("there is room for a name");
            while file.write_all(&[0; 4096]).is_ok() {}
        }),
        on("a disk that cannot be written to", || {
            let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
            // SAFETY: the texts live through the call; this mount is this place's own.
            let status = unsafe {
                libc::mount(c"tmpfs".as_ptr(), c"/etc/b2".as_ptr(), c"tmpfs".as_ptr(), flags, std::ptr::null())
            };
            assert_eq!(status, 0);
            assert!(File::create("/etc/b2/more").is_err());
        }),
    ]
}

/// Where it is looked for when no option names it.
fn places() -> Vec<Cause> {
    let elsewhere = |what: &str, says, variable: &'static str, value: &'static str| {
        Cause::ends(what, NONE, says, "b2 account authorize", move |fixture, _| {
            Broken::new(fixture.options.with(&[]), set(variable, Some(value)))
        })
        .good(good)
        .blank(false)
        .tries(0)
        .at(&[Time::First])
    };
    vec![
        elsewhere(
            "B2_ACCOUNT_INFO names nothing",
            "(B2_ACCOUNT_INFO) does not exist",
            "B2_ACCOUNT_INFO",
            "/nonexistent/db",
        ),
        elsewhere("HOME names nothing", "/nonexistent/.config/b2/account_info does not exist", "HOME", "/nonexistent"),
    ]
}
