//! Rows that need a process, or a network and an `/etc`, of their own: this program, run again for all rows of a group, one
//! after the other.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use super::recorded::Outcome;
use super::{GROUPS, Row, panic_message};
use crate::support::fixture::TEST_TIMEOUT;
use crate::support::subprocess;

/// A file in a private `/etc`, which shows that it may be changed.
pub const PRIVATE_MARKER: &str = "/etc/private-for-tests";

/// Rows that run in one subprocess.
pub struct Group {
    pub name: &'static str,
    /// Makes the rows: in the parent for what they expect, in the subprocess to run them.
    pub rows: fn() -> Vec<Row>,
    /// With no network but loopback, and an empty `/etc`.
    pub private: bool,
}

/// What the subprocess has reported so far.
struct Reports {
    pid: libc::pid_t,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    outcomes: HashMap<String, Value>,
    /// How the process ended, once it has.
    end: Option<String>,
}

/// The rows of these groups. The subprocesses have started when this returns.
pub fn rows(groups: &[&'static Group]) -> Vec<Row> {
    let namespaces = namespaces();
    let mut all = Vec::new();
    for group in groups {
        let rows = (group.rows)();
        if group.private && namespaces.is_none() {
            print(&format!("SKIP fault_matrix: {} rows of {}: no private namespaces here", rows.len(), group.name));
            continue;
        }
        let reports = start(group, namespaces.filter(|_| group.private));
        all.extend(rows.into_iter().map(|Row { name, expect, .. }| {
            let (reports, what) = (Arc::clone(&reports), name.clone());
            Row { name, expect, run: Box::new(move || reports.wait_for(&what)) }
        }));
    }
    all
}

/// Prints past libtest, which hides the output of tests that pass.
pub fn print(line: &str) {
    let _ = std::io::stdout().write_all(format!("\n{line}\n").as_bytes());
}

/// The flags with which `unshare` makes a private network and private mounts, if it can.
fn namespaces() -> Option<&'static str> {
    let works = |flags: &&str| {
        let script = "PATH=$PATH:/usr/sbin:/sbin; mount -t tmpfs tmpfs /etc && ip link set lo up";
        let mut command = Command::new("unshare");
        let command = command.args([*flags, "sh", "-c", script]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["-mn", "-rmn"].into_iter().find(works)
}

fn start(group: &'static Group, namespaces: Option<&str>) -> Arc<Reports> {
    let exe = std::env::current_exe().expect("this program has a path");
    let mut command = match namespaces {
        None => Command::new(exe),
        Some(flags) => {
            let script = "PATH=$PATH:/usr/sbin:/sbin; export PATH
                mount -t tmpfs tmpfs /etc && : >\"$0\" && ip link set lo up && exec \"$@\"";
            let mut command = Command::new("unshare");
            command.args([flags, "sh", "-c", script, PRIVATE_MARKER]).arg(exe);
            command
        }
    };
    subprocess::configure(&mut command, "fault_matrix::subprocess::child", &group.name.into());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs");
    let pid = child.id().try_into().expect("a process ID");
    let reports = Arc::new(Reports { pid, state: Mutex::default(), changed: Condvar::new() });
    let (sink, output) = (Arc::clone(&reports), child.stdout.take().expect("it is piped"));
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(report) = subprocess::parse_report(&line) {
                sink.add(report);
            }
        }
        let end = child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        sink.end(end);
    });
    reports
}

impl Reports {
    fn add(&self, report: Value) {
        let name = report["name"].as_str().expect("a name").to_owned();
        self.state.lock().expect("no panic with the lock").outcomes.insert(name, report);
        self.changed.notify_all();
    }

    fn end(&self, end: String) {
        self.state.lock().expect("no panic with the lock").end.get_or_insert(end);
        self.changed.notify_all();
    }

    /// Waits for the outcome of that row, for as long as the process goes on reporting.
    fn wait_for(&self, name: &str) -> Outcome {
        let mut state = self.state.lock().expect("no panic with the lock");
        let report = loop {
            match (state.outcomes.remove(name), &state.end) {
                (Some(report), _) => break Ok(report),
                (None, Some(end)) => break Err(end.clone()),
                (None, None) => {}
            }
            let count = state.outcomes.len();
            let (now, waited) = self.changed.wait_timeout(state, 2 * TEST_TIMEOUT).expect("no panic with the lock");
            state = now;
            if waited.timed_out() && state.outcomes.len() == count {
                // SAFETY: the process has not ended, so its ID is still its own.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
                state.end.get_or_insert_with(|| "it hung".to_owned());
            }
        };
        // Without the lock, which a panic would poison for the other rows.
        drop(state);
        let report = report.unwrap_or_else(|end| panic!("its process did not report it: {end}"));
        match report["panic"].as_str() {
            Some(message) => panic!("{message}"),
            None => serde_json::from_value(report["outcome"].clone()).expect("the child writes outcomes"),
        }
    }
}

/// In the subprocess: runs all rows of a group.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(name) = subprocess::task() else { return };
    let group = GROUPS.iter().find(|group| name == group.name).expect("a group");
    for Row { name, run, .. } in (group.rows)() {
        let report = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => json!({"name": name, "outcome": outcome}),
            Err(panic) => json!({"name": name, "panic": panic_message(panic.as_ref())}),
        };
        print!("{}", subprocess::report(&report));
    }
}
