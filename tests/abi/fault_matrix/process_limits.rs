//! A process that lacks what a call needs: descriptors, threads, stack, /proc, a home.

use std::any::Any;
use std::ffi::CStr;
use std::fs::File;

use b2_sandbox::Key;

use super::fault::{Conditions, FaultCase, TokenAge, Undo, fault};
use super::private_etc::{by_name, can_drop_privileges, etc, set_env, unprivileged};
use super::recorded::{Outcome, record};
use super::subprocess::{Group, print};
use super::{NETWORK, Row};
use crate::support::api::{Options, Session};
use crate::support::concurrent::wait_until;
use crate::support::fixture::{Fixture, ID, KEY};

pub const GROUP: Group = Group { name: "process_limits", rows, private: true };

const FILES: &str = "the limit of open files is reached";
const THREADS: &str = "the limit of threads";
const ALL_AGES: [TokenAge; 4] = [TokenAge::None, TokenAge::Fresh, TokenAge::Stale, TokenAge::Expired];

fn rows() -> Vec<Row> {
    let mut cases = descriptors();
    cases.push(without_proc());
    cases.extend(small_stacks());
    let files = fault("no descriptor left · a batch").status(NETWORK).message("oo many open files").hint(FILES);
    let mut rows = vec![batch(files.requests(0), || Box::new(use_up_descriptors()))];
    if can_drop_privileges() {
        cases.extend(threads());
        cases.push(without_home());
        rows.push(batch(fault("no thread can be started · a batch").requests(4), || Box::new(forbid_threads())));
    } else {
        print("SKIP fault_matrix: rows without threads or a home: only root can drop its privileges");
    }
    rows.extend(cases.into_iter().flat_map(FaultCase::rows));
    rows
}

/// Opens files until no descriptor is left.
pub fn use_up_descriptors() -> impl Drop {
    let before = set_limit(libc::RLIMIT_NOFILE, 256);
    let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!files.is_empty(), "no descriptor was left before");
    Undo(move || {
        files.clear();
        set_limit(libc::RLIMIT_NOFILE, before);
    })
}

/// Makes this thread run as a user that may have no other.
fn forbid_threads() -> impl Drop {
    let before = set_limit(libc::RLIMIT_NPROC, 0);
    let mut user = Some(unprivileged());
    Undo(move || {
        drop(user.take());
        set_limit(libc::RLIMIT_NPROC, before);
    })
}

/// Sets a limit of this process, and returns the one before.
fn set_limit(which: libc::__rlimit_resource_t, to: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a pointer to one limit.
    unsafe {
        assert_eq!(libc::getrlimit(which, &raw mut limit), 0);
        let before = std::mem::replace(&mut limit.rlim_cur, to.min(limit.rlim_max));
        assert_eq!(libc::setrlimit(which, &raw const limit), 0);
        before
    }
}

/// Trusts the sandbox as one of the system's authorities.
fn by_system_roots(fixture: &Fixture) -> Options {
    let authority = std::fs::read(fixture.sandbox.ca_file()).expect("it is there");
    etc("ssl/certs/ca-certificates.crt", Some(&authority));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

fn descriptors() -> Vec<FaultCase> {
    let case = |how: &str, options: fn(&Fixture) -> Options| {
        let case = fault(format!("no descriptor left, {how}"))
            .options(options)
            .conditions(|_, good| Conditions::new(good.with(&[]), use_up_descriptors()));
        case.status(NETWORK).message("oo many open files").hint(FILES).retried().ages(&ALL_AGES)
    };
    vec![
        case("over http", |fixture| fixture.options.with(&[])),
        case("over https", Fixture::https_options),
        case("by name", by_name),
        case("by name, with roots that are loaded", |fixture| {
            by_system_roots(fixture);
            let options = by_name(fixture);
            options.set("ca_file", None).expect("the default");
            options
        })
        .message("too many open")
        .ages(&[TokenAge::Stale, TokenAge::Expired]),
        // What is loaded then must not be taken for the system's roots later.
        case("with the system's roots to be loaded", by_system_roots).ages(&[TokenAge::None]),
    ]
}

fn threads() -> Vec<FaultCase> {
    let case = |how: &str| {
        let case = fault(format!("no thread can be started, {how}"));
        case.conditions(|_, good| Conditions::new(good.with(&[]), forbid_threads()))
    };
    let by_name = case("by name").options(by_name).status(NETWORK).message("no thread could be started");
    vec![by_name.hint(THREADS).retried().ages(&ALL_AGES), case("by address")]
}

/// The default of some C libraries for a thread.
pub const SMALL_STACK: usize = 128 << 10;

fn small_stacks() -> [FaultCase; 2] {
    let case = |how: &str| fault(format!("128 KiB of stack, {how}")).usual_conditions().stack(SMALL_STACK);
    [case("over http"), case("by name").options(by_name)]
}

fn without_proc() -> FaultCase {
    let mount = |from: &CStr| {
        // SAFETY: the texts live through the call; this mount is private.
        unsafe { libc::mount(from.as_ptr(), c"/proc".as_ptr(), from.as_ptr(), 0, std::ptr::null()) }
    };
    let case = fault("/proc is empty").conditions(move |_, good| {
        assert_eq!(mount(c"tmpfs"), 0);
        assert!(std::fs::metadata("/proc/self").is_err());
        // SAFETY: as above.
        let undo = Undo(|| assert_eq!(unsafe { libc::umount(c"/proc".as_ptr()) }, 0));
        Conditions::new(good.with(&[]), undo)
    });
    case.options(by_name)
}

fn without_home() -> FaultCase {
    let case = fault("an unprivileged user without a home").blank_credentials().conditions(|fixture, _| {
        let unset = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", "HOME"].map(|name| set_env(name, None));
        Conditions::new(fixture.options.with(&[]), (unset, unprivileged()))
    });
    let case = case.options(|fixture| {
        let variables = [("B2_APPLICATION_KEY_ID", ID), ("B2_APPLICATION_KEY", KEY)];
        std::mem::forget(variables.map(|(name, value)| set_env(name, Some(value))));
        fixture.options.with(&[])
    });
    let case = case.status("B2_NO_CREDENTIALS").message("no home directory is known").hint("give the key ID");
    case.attempts(0).ages(&[TokenAge::None])
}

/// A batch of five keys, of which one has a fresh token and is in it twice.
fn batch(case: FaultCase, cause: fn() -> Box<dyn Any>) -> Row {
    let succeeds = !case.fails();
    case.row("", move || run_batch(cause, succeeds))
}

fn run_batch(cause: fn() -> Box<dyn Any>, succeeds: bool) -> Outcome {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let others = ["1", "2", "3", "4"].map(|number| format!("{ID}{number}"));
    for id in &others {
        fixture.sandbox.add_key(Key::master(id, KEY));
    }
    let token = fixture.authorize().expect("no fault yet").token();
    wait_until("the connection is closed", || fixture.sandbox.open_connections() == 0);
    let mut pairs = vec![(Some(ID), Some(KEY))];
    pairs.extend(others.iter().map(|id| (Some(id.as_str()), Some(KEY))));
    pairs.push(pairs[0]);
    let before = fixture.sandbox.authorize_count("*");
    let guard = cause();
    let mut results = Vec::new();
    let mut outcome = record(&fixture.options, |options| {
        results = fixture.api.authorize_many(&pairs, options).1;
        results.remove(1)
    });
    drop(guard);
    outcome.requests = fixture.sandbox.authorize_count("*") - before;
    let tokens: Vec<_> = results.iter().map(|result| result.as_ref().ok().map(Session::token)).collect();
    outcome.secrets.extend(tokens.iter().flatten().cloned());
    outcome.check("the fresh token is served", tokens[0].as_ref() == Some(&token) && tokens[4] == tokens[0]);
    outcome.check("all other entries have the same result", tokens[1..4].iter().all(|t| t.is_some() == succeeds));
    let recovered = fixture.api.authorize_many(&pairs, &fixture.options).1.iter().all(Result::is_ok);
    outcome.check("it has recovered", recovered);
    outcome
}
