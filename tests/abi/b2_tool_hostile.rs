//! Files in the place of the b2 tool's database that would keep a reader busy, or waiting.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::b2_tool::DatabaseFixture;
use crate::b2_tool_locked::Locker;
use crate::support::api::{self, Operation};
use crate::support::b2_database::{self, NEWEST};
use crate::support::concurrent::timed;
use crate::support::subprocess;

/// What a busy machine may make of a fraction of a second. Without bounds, each of these took minutes or hours.
const BUSY: Duration = Duration::from_secs(15);

/// A database with an account, changed by these statements.
fn changed(fixture: &DatabaseFixture, statements: &str) -> PathBuf {
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    b2_database::execute(&path, statements);
    path
}

fn assert_refused_soon(fixture: &DatabaseFixture, path: &Path, reason: &str) {
    let (failure, took) = timed(|| fixture.refuse(path));
    assert!(failure.message.contains(reason), "{failure}");
    assert!(took < BUSY, "{took:?}");
}

#[test]
fn a_pipe_in_the_place_of_the_journal_is_refused() {
    for suffix in ["journal", "wal", "shm"] {
        let fixture = DatabaseFixture::new();
        let path = changed(&fixture, "");
        let pipe = fixture.directory.path(&format!("db-{suffix}"));
        let name = CString::new(pipe.as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: the name lives through the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert_refused_soon(&fixture, &path, "that is not a file");
        fs::remove_file(&pipe).expect("it is there");
        assert!(fixture.call(&fixture.options(&path)).is_ok());
    }
}

#[test]
fn a_column_that_computes_is_refused() {
    let endless = "(substr('K001', 1, printf('%.1000c', 'a') LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b'))";
    for kind in ["VIRTUAL", "STORED"] {
        let fixture = DatabaseFixture::new();
        let path = fixture.directory.path("db");
        b2_database::create_empty(&path, NEWEST);
        // No row yet, so that this test need not compute it either.
        let stored = if kind == "STORED" { "" } else { "INSERT INTO account (account_id, realm) VALUES ('a', 'b');" };
        b2_database::execute(
            &path,
            &format!(
                "DROP TABLE account; CREATE TABLE account (account_id TEXT, realm TEXT, account_id_or_app_key_id TEXT,
                    application_key TEXT GENERATED ALWAYS AS {endless} {kind}); {stored}"
            ),
        );
        assert!(fs::metadata(&path).expect("it is there").len() < 64 * 1024);
        assert_refused_soon(&fixture, &path, "has a computed column");
    }
}

#[test]
fn a_schema_of_forty_thousand_views_is_refused() {
    let fixture = DatabaseFixture::new();
    let path = changed(
        &fixture,
        "PRAGMA writable_schema = ON; BEGIN;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
            INSERT INTO sqlite_schema SELECT 'view', 'v' || i, 'v' || i, 0, 'CREATE VIEW v' || i || ' AS SELECT 1' FROM n;
        COMMIT",
    );
    assert_refused_soon(&fixture, &path, "is too large to be one");
}

#[test]
fn a_call_waits_for_a_locked_database_no_longer_than_it_may_take() {
    let fixture = DatabaseFixture::new();
    let path = changed(&fixture, "");
    let locker = Locker::lock(&path);
    let options = fixture.options(&path).with(&[("total_timeout_ms", "20")]);
    let failure = fixture.call(&options).expect_err("its time is over before the wait for the lock is");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 0), "{failure}");
    locker.unlock();
    fixture.call(&fixture.options(&path)).expect("granted");
}

/// In the subprocess: many callers for the locked database of the task, and a fork meanwhile.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    const CALLERS: usize = 32;
    let Some(task) = subprocess::task() else { return };
    let text = |name: &str| task[name].as_str().expect("text");
    let api = api::load();
    let options = api.options(&[("account_info", text("path")), ("realm", text("realm")), ("total_timeout_ms", "500")]);
    let call = || timed(|| api.call(None, None, Operation::Authorize, Some(&options)).map(drop));
    let (calls, fork) = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        let start = Instant::now();
        // SAFETY: the child does nothing but end.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: takes a number.
            unsafe { libc::_exit(0) };
        }
        let fork = start.elapsed();
        // SAFETY: the child is this process's own.
        assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
        (callers.into_iter().map(|caller| caller.join().expect("no panic")).collect::<Vec<_>>(), fork)
    });
    let longest = calls.iter().map(|(_, took)| took.as_millis()).max().expect("many");
    let granted = calls.iter().filter(|(result, _)| result.is_ok()).count();
    let report = json!({"longestMs": longest, "forkMs": fork.as_millis(), "granted": granted});
    print!("{}", subprocess::report(&report));
}

#[test]
fn neither_callers_nor_a_fork_wait_long_for_a_locked_database() {
    let fixture = DatabaseFixture::new();
    let path = changed(&fixture, "");
    let locker = Locker::lock(&path);
    let task = json!({"path": path.to_str().expect("UTF-8"), "realm": fixture.sandbox.http()});
    let report: Value = subprocess::run(&mut subprocess::command("b2_tool_hostile::child", &task));
    locker.unlock();
    let bound = |name: &str| report[name].as_u64().is_some_and(|ms| u128::from(ms) < BUSY.as_millis() / 3);
    assert!(bound("longestMs") && bound("forkMs"), "{report}");
    assert_eq!(report["granted"], 0, "{report}");
}
