//! The b2 tool's database, when it is unusable or temporarily unreadable.

use std::any::Any;
use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Row;
use super::fault::{Conditions, FaultCase, TokenAge, Undo, fault};
use super::private_etc::{can_drop_privileges, etc, etc_directory, etc_link, etc_pipe, set_env, unprivileged};
use super::process_limits::{SMALL_STACK, use_up_descriptors};
use super::subprocess::{Group, print};
use crate::b2_tool_locked::Locker;
use crate::support::api::Options;
use crate::support::b2_database::{self, Account, NEWEST};
use crate::support::fixture::{Fixture, ID, KEY};

pub const GROUP: Group = Group { name: "b2_databases", rows, private: true };

const FILE: &str = "/etc/b2/account_info";

fn rows() -> Vec<Row> {
    let mut cases = [replaced(), unreadable(), file_systems(), locations()].concat();
    cases.push(works("128 KiB of stack, and the b2 tool's database").usual_conditions().stack(SMALL_STACK));
    if can_drop_privileges() {
        let case = fails("is not readable", |_| Box::new(unprivileged()));
        cases.push(case.message("permission denied").hint("give the key ID"));
    } else {
        print("SKIP fault_matrix: unreadable files: only root can drop its privileges");
    }
    cases.into_iter().flat_map(FaultCase::rows).collect()
}

/// Makes the database, unless it is there and unchanged.
fn with_database(fixture: &Fixture) -> Options {
    let options = fixture.options.with(&[("account_info", FILE)]);
    let unchanged = fs::read_to_string("/etc/b2/realm").is_ok_and(|realm| realm == fixture.sandbox.http());
    if !unchanged {
        etc("b2", None);
        b2_database::create(Path::new(FILE), NEWEST, Account { key_id: ID, key: KEY, realm: fixture.sandbox.http() });
        // An unprivileged user can see it, but not read it.
        fs::set_permissions(FILE, fs::Permissions::from_mode(0o600)).expect("it is ours");
        etc("b2/realm", Some(fixture.sandbox.http().as_bytes()));
        // So that another change of the file can be told from this one.
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    options
}

type Guard = Box<dyn Any>;

fn works(name: &str) -> FaultCase {
    fault(name).options(with_database).blank_credentials()
}

/// The database has no key for this call. It has not changed, so a cached token for its key can be served.
fn fails(what: &str, cause: impl Fn(&Fixture) -> Guard + Send + Sync + 'static) -> FaultCase {
    let case = works(&format!("the b2 tool's database {what}")).conditions(move |fixture, good| {
        let guard = cause(fixture);
        Conditions::new(good.with(&[]), guard)
    });
    case.status("B2_NO_CREDENTIALS").attempts(0)
}

/// Another file, or none, in its place: it is not known which key the call is for.
fn replaced() -> Vec<FaultCase> {
    let by = |what: &str, message, replace: fn()| {
        let case = fails(what, move |_| {
            // So that it is made again.
            etc("b2/realm", None);
            replace();
            Box::new(())
        });
        case.message(message).hint("give the key ID and the key in the call").hides_key()
    };
    vec![
        by("is missing", "does not exist", || etc("b2/account_info", None)).hint("b2 account authorize"),
        by("is a directory", "is not a file", || etc_directory("b2/account_info")),
        by("is empty", "is empty", || etc("b2/account_info", Some(b""))).hint("b2 account authorize"),
        by("is garbage", "is not a database", || etc("b2/account_info", Some(&[0xa5; 4096]))),
        by("is truncated", "is damaged", || resize(5_000)).hint("authorize the b2 tool again"),
        by("has 1 TiB of zeros", "is too large to be one", || resize(1 << 40)),
        by("is a pipe without a writer", "is not a file", || etc_pipe(c"/etc/b2/account_info")),
        by("is an endless device", "is not a file", || etc_link("b2/account_info", "/dev/zero")),
    ]
}

/// Truncates or extends the file.
fn resize(length: u64) {
    let file = OpenOptions::new().write(true).open(FILE).expect("it is there");
    file.set_len(length).expect("its length can be changed");
}

fn unreadable() -> Vec<FaultCase> {
    let locked = fails("is locked by another program", |_| {
        let mut locker = Some(Locker::lock(Path::new(FILE)));
        Box::new(Undo(move || locker.take().expect("dropped once").unlock()))
    });
    let no_descriptor = fails("has no descriptor left for it", |_| Box::new(use_up_descriptors()));
    vec![locked.message("is locked").hint("call again"), no_descriptor.message("too many open files").hint("ulimit -n")]
}

/// Mounts a file system with a copy of the database over its directory.
fn mounted(then: fn()) -> Guard {
    let copy = fs::read(FILE).expect("it is there");
    assert_eq!(mount(0, Some(c"size=256k")), 0);
    fs::write(FILE, copy).expect("there is room for it");
    then();
    Box::new(Undo(|| {
        // SAFETY: the text lives through the call; this mount is private.
        assert_eq!(unsafe { libc::umount(c"/etc/b2".as_ptr()) }, 0);
    }))
}

fn mount(flags: libc::c_ulong, options: Option<&CStr>) -> libc::c_int {
    let options = options.map_or(std::ptr::null(), |options| options.as_ptr().cast());
    // SAFETY: the texts live through the call; this mount is private.
    unsafe { libc::mount(c"tmpfs".as_ptr(), c"/etc/b2".as_ptr(), c"tmpfs".as_ptr(), flags, options) }
}

fn file_systems() -> Vec<FaultCase> {
    let on = |what: &str, then: fn()| {
        let case = works(&format!("the b2 tool's database is on {what}"));
        case.conditions(move |_, good| Conditions::new(good.with(&[]), mounted(then)))
    };
    vec![
        on("a full disk", || {
            let mut file = File::create("/etc/b2/fill").expect("there is room for a name");
            while file.write_all(&[0; 4096]).is_ok() {}
        }),
        on("a read-only disk", || {
            assert_eq!(mount(libc::MS_REMOUNT | libc::MS_RDONLY, None), 0);
            assert!(File::create("/etc/b2/more").is_err());
        }),
    ]
}

/// Where it is looked for when no option names it.
fn locations() -> Vec<FaultCase> {
    let by_variable = |what: &str, message, variable: &'static str, value: &'static str| {
        let case = works(what)
            .conditions(move |fixture, _| Conditions::new(fixture.options.with(&[]), set_env(variable, Some(value))));
        let case = case.status("B2_NO_CREDENTIALS").message(message).hint("b2 account authorize").attempts(0);
        case.ages(&[TokenAge::None])
    };
    let missing = "(B2_ACCOUNT_INFO) does not exist";
    let missing_home = "/nonexistent/.config/b2/account_info does not exist";
    vec![
        by_variable("B2_ACCOUNT_INFO names no file", missing, "B2_ACCOUNT_INFO", "/nonexistent/db"),
        by_variable("HOME does not exist", missing_home, "HOME", "/nonexistent"),
    ]
}
