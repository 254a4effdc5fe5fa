//! The b2 tool's database while another program changes it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::b2_tool::DatabaseFixture;
use crate::support::b2_database::{self, NEWEST, TempDir};
use crate::support::subprocess;

/// In the subprocess: locks the database of the task until its input ends. Not in a thread of the test, since a process
/// loses its locks on a file when any part of it closes that file.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(path) = subprocess::task() else { return };
    let connection = Connection::open(path.as_str().expect("a path")).expect("it opens");
    connection.execute_batch("BEGIN EXCLUSIVE").expect("it locks");
    print!("{}", subprocess::report(&"locked".into()));
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Another process that has locked the database.
pub struct Locker(Child);

impl Locker {
    pub fn lock(path: &Path) -> Self {
        let mut command = subprocess::command("b2_tool_locked::child", &path.to_str().expect("UTF-8").into());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        assert!(lines.any(|line| subprocess::parse_report(&line.expect("UTF-8")).is_some()));
        // The rest of its output is read as well, so that it can go on.
        std::thread::spawn(move || lines.count());
        Self(child)
    }

    pub fn unlock(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it ends").success());
    }
}

#[test]
fn a_locked_database_is_waited_for_only_briefly() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    let locker = Locker::lock(&path);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let failure = fixture.refuse(&path);
                assert!(failure.message.contains("is locked"), "{failure}");
                assert!(failure.hint.is_some_and(|hint| hint.contains("call again")));
            });
        }
    });
    let took = begun.elapsed();
    assert!((Duration::from_millis(200)..Duration::from_secs(30)).contains(&took), "{took:?}");
    locker.unlock();
    assert!(fixture.call(&fixture.options(&path)).is_ok());
}

#[test]
fn a_database_with_an_unfinished_change_is_not_touched() {
    let fixture = DatabaseFixture::new();
    let path = fixture.directory.path("db");
    b2_database::create(&path, NEWEST, fixture.account());
    let writer = Connection::open(&path).expect("it opens");
    // More than its cache may hold, so that it has to write before it commits.
    writer.execute_batch("PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN").expect("it begins");
    for _ in 0..200 {
        writer.execute("INSERT INTO bucket VALUES (hex(randomblob(500)), 'b')", []).expect("it writes");
    }
    let left = TempDir::new();
    let copy = left.write("db", &fs::read(&path).expect("it is there"));
    left.write("db-journal", &fs::read(fixture.directory.path("db-journal")).expect("it is there"));
    let failure = fixture.refuse(&copy);
    assert!(failure.message.contains("in the middle of a change"), "{failure}");
    assert_eq!(left.file_names().len(), 2);
}
