//! The fault matrix: what fails, and the status, message, hint, requests and time that a caller gets. No row may show a
//! secret.
//!
//! Each file has the rows of one kind of fault. `cargo test … fault_matrix -- --nocapture` prints all rows.

mod addresses;
#[cfg(feature = "b2-tool")]
mod b2_databases;
mod ca_files;
mod diagnosed;
mod dns;
mod fake_proxy;
pub mod fake_server;
mod fault;
mod kept_connections;
mod key_changes;
mod memory;
mod name_server;
mod own_fixture;
mod plain_tcp;
mod private_etc;
mod process_limits;
mod proxies;
mod recorded;
mod scripted;
mod shared_fixture;
mod signals;
mod socks;
mod standard_streams;
mod subprocess;
mod tls;
mod token_age;
mod trigger;

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use crate::support::fixture::KEY;
use crate::support::secret_search::SecretSearch;
use recorded::Outcome;

/// Most rows wait more than they compute.
const THREADS: usize = 48;

/// One fault at one time, and what is expected of a call then.
pub struct Row {
    /// What fails, where, and with which cached token: "503 · https · no token". Each name is used once.
    pub name: String,
    pub expect: Expect,
    /// Causes the fault, makes a call with [`KEY`], and returns its outcome.
    pub run: Box<dyn FnOnce() -> Outcome + Send>,
}

/// What a caller gets, and what it costs.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The status's name, `B2_OK` too.
    pub status: &'static str,
    /// A part of the hint; `None` if there is none.
    pub hint: Option<&'static str>,
    /// A part of the message; empty for success.
    pub message: &'static str,
    /// The authorize requests that reach the server.
    pub requests: usize,
    /// A generous bound on the duration of the call.
    pub within: Duration,
}

impl Expect {
    /// The same for a call that succeeds.
    fn success(self) -> Self {
        Self { status: "B2_OK", hint: None, message: "", ..self }
    }
}

const NETWORK: &str = "B2_NETWORK_ERROR";
const TIMEOUT: &str = "B2_TIMEOUT";
const TLS: &str = "B2_TLS_ERROR";
const PROTOCOL: &str = "B2_PROTOCOL_ERROR";

fn rows() -> Vec<Row> {
    let all = [
        scripted::rows(),
        memory::rows(),
        tls::rows(),
        kept_connections::rows(),
        key_changes::rows(),
        plain_tcp::rows(),
        proxies::rows(),
        socks::rows(),
        standard_streams::rows(),
    ];
    all.into_iter().flatten().collect()
}

/// Rows that run in subprocesses.
const GROUPS: &[&subprocess::Group] = &[
    &dns::GROUP,
    &addresses::GROUP,
    &process_limits::GROUP,
    &signals::GROUP,
    &proxies::GROUP,
    &ca_files::GROUP,
    #[cfg(feature = "b2-tool")]
    &b2_databases::GROUP,
];

/// Mixes rows that wait, that compute and that take memory, which are next to each other in the table.
fn interleave<T>(rows: impl Iterator<Item = T>) -> VecDeque<T> {
    let mut lanes: Vec<VecDeque<T>> = (0..THREADS * 2).map(|_| VecDeque::new()).collect();
    let count = rows.size_hint().0 / lanes.len() + 1;
    rows.enumerate().for_each(|(number, row)| lanes[number / count].push_back(row));
    let longest = lanes.iter().map(VecDeque::len).max().unwrap_or(0);
    (0..longest).flat_map(|_| lanes.iter_mut().filter_map(VecDeque::pop_front).collect::<Vec<_>>()).collect()
}

/// A line to print for a row, and its differences from what is expected.
struct Verdict {
    line: String,
    differences: Vec<String>,
}

#[test]
fn every_fault_has_the_expected_outcome() {
    let (here, elsewhere) = (rows(), subprocess::rows(GROUPS));
    let count = here.len() + elsewhere.len();
    assert!(count >= 120, "only {count} rows");
    let names: BTreeSet<_> = here.iter().chain(&elsewhere).map(|row| row.name.clone()).collect();
    assert_eq!(names.len(), count, "two rows have the same name");
    let first_elsewhere = here.len();
    let mut queue = interleave(here.into_iter().enumerate());
    // These only wait for a subprocess.
    queue.extend((first_elsewhere..).zip(elsewhere));
    let queue = Mutex::new(queue);
    let verdicts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    // In a statement of its own, so that the lock is not held while the row runs.
                    let next = queue.lock().expect("no panic with the lock").pop_front();
                    let Some((number, row)) = next else { return };
                    let verdict = judge(row);
                    verdicts.lock().expect("no panic with the lock").push((number, verdict));
                }
            });
        }
    });
    let mut verdicts = verdicts.into_inner().expect("no panic with the lock");
    verdicts.sort_by_key(|(number, _)| *number);
    let mut report = String::new();
    for (_, verdict) in &verdicts {
        println!("{}", verdict.line);
        if !verdict.differences.is_empty() {
            let _ = write!(report, "\n{}\n    {}\n", verdict.line, verdict.differences.join("\n    "));
        }
    }
    let differ = verdicts.iter().filter(|(_, verdict)| !verdict.differences.is_empty()).count();
    assert!(differ == 0, "{differ} of {count} rows differ:\n{report}");
}

fn judge(row: Row) -> Verdict {
    let Row { name, expect, run } = row;
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => {
            let (status, requests) = (&outcome.result.status, outcome.requests);
            let hint = outcome.result.hint.as_deref().unwrap_or("-");
            let line = format!(
                "{name:<72.72} {status:<24} {requests} requests {:>6} ms  {} | {hint}",
                outcome.took.as_millis(),
                outcome.result.message
            );
            Verdict { line, differences: differences(&expect, outcome) }
        }
        Err(panic) => Verdict { line: name, differences: vec![format!("a panic: {}", panic_message(panic.as_ref()))] },
    }
}

fn differences(expect: &Expect, outcome: Outcome) -> Vec<String> {
    let shown_secrets = shown_secrets(&outcome);
    let Outcome { result, requests, took, mut failed_checks, .. } = outcome;
    let mut check = |holds: bool, difference: String| {
        if !holds {
            failed_checks.push(difference);
        }
    };
    check(result.status == expect.status, format!("{} instead of {}", result.status, expect.status));
    let hint = match (expect.hint, &result.hint) {
        (None, None) => true,
        (Some(part), Some(hint)) => !part.is_empty() && hint.contains(part),
        _ => false,
    };
    check(hint, format!("the hint is {:?}, without {:?}", result.hint, expect.hint));
    let message =
        if expect.message.is_empty() { result.message.is_empty() } else { result.message.contains(expect.message) };
    check(message, format!("the message is {:?}, without {:?}", result.message, expect.message));
    check(requests == expect.requests, format!("{requests} requests instead of {}", expect.requests));
    check(took <= expect.within, format!("{took:?}, more than {:?}", expect.within));
    let no_response = [NETWORK, TIMEOUT, TLS].contains(&expect.status);
    check(!no_response || (result.http_status, &result.code) == (0, &None), "an HTTP status without a response".into());
    failed_checks.extend(shown_secrets);
    failed_checks
}

/// Texts that show a part of the key, of a token or of another secret.
fn shown_secrets(outcome: &Outcome) -> Vec<String> {
    let secrets = [KEY].into_iter().chain(outcome.secrets.iter().map(String::as_str));
    let search = SecretSearch::new(secrets.chain(outcome.result.token.as_deref()));
    let texts = std::iter::once(&outcome.result.all_text).chain(&outcome.log);
    texts.filter_map(|text| Some(format!("{:?} of a secret is in {text:?}", search.find(text)?))).collect()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "no message".to_owned())
}
