//! A process that has no more of what a call needs: descriptors, threads, a home.

use std::ffi::CStr;
use std::fs::File;

use b2_sandbox::Key;

use super::cause::{Broken, Cause, Time, Undo};
use super::private_etc::{by_name, etc, is_stranger_possible, set, stranger};
use super::subprocess::{Place, say};
use super::{Expect, NETWORK, Outcome, Row, watch};
use crate::support::api::Options;
use crate::support::fixture::{Fixture, ID, KEY};

pub const PLACE: Place = Place { name: "process", rows, walled: true };

const FILES: &str = "as many files open as it may";
const THREADS: &str = "as many threads as it may";
const ALL: [Time; 4] = [Time::First, Time::Fresh, Time::Live, Time::Dead];

fn rows() -> Vec<Row> {
    let mut causes = descriptors();
    causes.push(without_proc());
    causes.extend(small_stacks());
    let mut rows = vec![batch("no descriptor is left · a batch", || Box::new(hoard()), Some("oo many open files"))];
    if is_stranger_possible() {
        causes.extend(threads());
        causes.push(without_home());
        rows.push(batch("no thread can be had · a batch", || Box::new(crowded()), None));
    } else {
        say("SKIP night: rows without threads or a home: only root can make a stranger of itself");
    }
    rows.extend(causes.into_iter().flat_map(Cause::rows));
    rows
}

/// Opens files until there is no descriptor left.
pub fn hoard() -> impl Drop {
    let before = limit(libc::RLIMIT_NOFILE, 256);
    let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!files.is_empty(), "there was none to begin with");
    Undo(move || {
        files.clear();
        limit(libc::RLIMIT_NOFILE, before);
    })
}

/// Makes this thread a stranger's who may have no other.
fn crowded() -> impl Drop {
    let before = limit(libc::RLIMIT_NPROC, 0);
    let mut stranger = Some(stranger());
    Undo(move || {
        drop(stranger.take());
        limit(libc::RLIMIT_NPROC, before);
    })
}

/// Sets a limit of this process, and gives the one before.
fn limit(which: libc::__rlimit_resource_t, to: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a place for one limit.
    unsafe {
        assert_eq!(libc::getrlimit(which, &raw mut limit), 0);
        let before = std::mem::replace(&mut limit.rlim_cur, to.min(limit.rlim_max));
        assert_eq!(libc::setrlimit(which, &raw const limit), 0);
        before
    }
}

fn over_tls(fixture: &Fixture) -> Options {
    let ca_file = fixture.sandbox.ca_file().to_str().expect("a plain path");
    fixture.options.with(&[("realm", fixture.sandbox.https()), ("ca_file", ca_file)])
}

/// Trusts the sandbox because the machine does.
fn by_the_system(fixture: &Fixture) -> Options {
    let authority = std::fs::read(fixture.sandbox.ca_file()).expect("it is there");
    etc("ssl/certs/ca-certificates.crt", Some(&authority));
    fixture.options.with(&[("realm", fixture.sandbox.https())])
}

fn descriptors() -> Vec<Cause> {
    let fails = |name: &str, good: fn(&Fixture) -> Options| {
        let name = format!("no descriptor is left, {name}");
        Cause::retried(name, NETWORK, "oo many open files", FILES, |_, good| Broken::new(good.with(&[]), hoard()))
            .good(good)
            .at(&ALL)
    };
    vec![
        fails("over http", |fixture| fixture.options.with(&[])),
        fails("over https", over_tls),
        fails("by name", by_name),
        Cause::retried(
            "no descriptor is left, by name and with roots that are known",
            NETWORK,
            "too many open",
            FILES,
            |_, good| Broken::new(good.with(&[]), hoard()),
        )
        .good(|fixture| {
            by_the_system(fixture);
            let options = by_name(fixture);
            options.set("ca_file", None).expect("the default");
            options
        })
        .at(&[Time::Live, Time::Dead]),
        // What is taken for the system's roots then must not be taken for them for ever.
        fails("with the system's roots to be read", by_the_system).at(&[Time::First]),
    ]
}

fn threads() -> Vec<Cause> {
    vec![
        Cause::retried("no thread can be had, by name", NETWORK, "no thread could be started", THREADS, |_, good| {
            Broken::new(good.with(&[]), crowded())
        })
        .good(by_name)
        .at(&ALL),
        Cause::passes("no thread can be had, by address", |_, good| Broken::new(good.with(&[]), crowded())),
    ]
}

/// What some C libraries give a thread by default.
pub const SMALL: usize = 128 << 10;

fn small_stacks() -> [Cause; 2] {
    let on = |name: &str, good: fn(&Fixture) -> Options| {
        let name = format!("128 KiB of stack, {name}");
        Cause::passes(name, |_, good| Broken::new(good.with(&[]), ())).good(good).on_a_stack_of(SMALL)
    };
    [on("over http", |fixture| fixture.options.with(&[])), on("by name", by_name)]
}

fn without_proc() -> Cause {
    let mount = |from: &CStr| {
        // SAFETY: the texts live through the call; these mounts are this place's own.
        unsafe { libc::mount(from.as_ptr(), c"/proc".as_ptr(), from.as_ptr(), 0, std::ptr::null()) }
    };
    Cause::passes("/proc is empty", move |_, good| {
        assert_eq!(mount(c"tmpfs"), 0);
        assert!(std::fs::metadata("/proc/self").is_err());
        // SAFETY: as above.
        let back = Undo(|| assert_eq!(unsafe { libc::umount(c"/proc".as_ptr()) }, 0));
        Broken::new(good.with(&[]), back)
    })
    .good(by_name)
}

fn without_home() -> Cause {
    Cause::retried("a stranger without a home", "B2_NO_CREDENTIALS", "no home directory is known", "give the key ID", {
        |fixture, _| {
            let unset = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", "HOME"].map(|name| set(name, None));
            let guards = (unset, stranger());
            Broken::new(fixture.options.with(&[]), guards)
        }
    })
    .good(|fixture| {
        let settings = [("B2_APPLICATION_KEY_ID", ID), ("B2_APPLICATION_KEY", KEY)];
        std::mem::forget(settings.map(|(name, value)| set(name, Some(value))));
        fixture.options.with(&[])
    })
    .blank(false)
    .tries(0)
    .at(&[Time::First])
}

/// A batch of keys, of which some have a fresh token.
fn batch(what: &str, breaks: fn() -> Box<dyn std::any::Any>, says: Option<&'static str>) -> Row {
    let expect = Expect {
        status: if says.is_some() { NETWORK } else { "B2_OK" },
        hint: says.map(|_| FILES),
        says: says.unwrap_or_default(),
        requests: if says.is_some() { 0 } else { 4 },
        within: std::time::Duration::from_secs(6),
    };
    let goes_well = says.is_none();
    Row { what: what.to_owned(), expect, run: Box::new(move || run_batch(breaks, goes_well)) }
}

fn run_batch(breaks: fn() -> Box<dyn std::any::Any>, goes_well: bool) -> Outcome {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let others = ["1", "2", "3", "4"].map(|number| format!("{ID}{number}"));
    for id in &others {
        fixture.sandbox.add_key(Key::master(id, KEY));
    }
    let token = fixture.authorize().expect("nothing is broken yet").token();
    crate::support::concurrent::wait_until("the connection is closed", || fixture.sandbox.open_connections() == 0);
    let mut pairs = vec![(Some(ID), Some(KEY))];
    pairs.extend(others.iter().map(|id| (Some(id.as_str()), Some(KEY))));
    pairs.push(pairs[0]);
    let before = fixture.sandbox.authorize_count("*");
    let broken = breaks();
    let mut places = Vec::new();
    let mut outcome = watch(&fixture.options, |options| {
        places = fixture.api.authorize_many(&pairs, options).1;
        places.remove(1)
    });
    drop(broken);
    outcome = outcome.after(fixture.sandbox.authorize_count("*") - before);
    let tokens: Vec<_> =
        places.iter().map(|place| place.as_ref().ok().map(crate::support::api::Session::token)).collect();
    outcome.tokens.extend(tokens.iter().flatten().cloned());
    outcome.must("the fresh token is served", tokens[0].as_ref() == Some(&token) && tokens[4] == tokens[0]);
    outcome.must("each other place fares alike", tokens[1..4].iter().all(|token| token.is_some() == goes_well));
    let well = fixture.api.authorize_many(&pairs, &fixture.options).1.iter().all(Result::is_ok);
    outcome.must("it is well again", well);
    outcome
}
