//! The worst night, as one table: what goes wrong, what the caller is told, what it costs, and that no secret gets out.
//!
//! The rows stand in `night/*.rs`, one kind of cause a file. `cargo test … night -- --nocapture` prints them all.

mod addresses;
#[cfg(feature = "b2-tool")]
mod b2_databases;
mod ca_files;
mod case;
mod cause;
mod dns;
mod fake_proxy;
mod fake_server;
mod isolated;
mod kept_connections;
mod key_changes;
mod memory;
mod name_server;
mod plain_tcp;
mod private_etc;
mod process_limits;
mod proxies;
mod recorded;
mod scripted;
mod signals;
mod socks;
mod standard_streams;
mod subprocess;
mod times;
mod tls;

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::support::fixture::KEY;

pub use recorded::{Answer, Outcome, watch};

/// Most rows wait more than they work.
const THREADS: usize = 16;

/// One thing that goes wrong, and all that is expected of the library then.
pub struct Row {
    /// What goes wrong, where, and when: "503 for ever · https · first call". No two are the same.
    pub what: String,
    /// What a caller must be told, at which cost.
    pub expect: Expect,
    /// Does it, and tells what came of it. The call is made with [`KEY`], which nothing may tell.
    pub run: Box<dyn FnOnce() -> Outcome + Send>,
}

/// What a caller must be told, at which cost.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The status's name, `B2_OK` too.
    pub status: &'static str,
    /// A telling part of the hint; `None`: there is none.
    pub hint: Option<&'static str>,
    /// A telling part of the message; "" for success.
    pub says: &'static str,
    /// The authorize requests that reached the server.
    pub requests: usize,
    /// A generous bound on the call.
    pub within: Duration,
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

/// Where rows run that this process has no room for.
const PLACES: &[&subprocess::Place] = &[
    &dns::PLACE,
    &addresses::PLACE,
    &process_limits::PLACE,
    &signals::PLACE,
    &proxies::PLACE,
    &ca_files::PLACE,
    #[cfg(feature = "b2-tool")]
    &b2_databases::PLACE,
];

/// Mixes those that wait, those that compute and those that take memory, which stand together.
fn spread<T>(rows: impl Iterator<Item = T>) -> VecDeque<T> {
    let mut lanes: Vec<VecDeque<T>> = (0..THREADS * 2).map(|_| VecDeque::new()).collect();
    let count = rows.size_hint().0 / lanes.len() + 1;
    rows.enumerate().for_each(|(number, row)| lanes[number / count].push_back(row));
    let longest = lanes.iter().map(VecDeque::len).max().unwrap_or(0);
    (0..longest).flat_map(|_| lanes.iter_mut().filter_map(VecDeque::pop_front).collect::<Vec<_>>()).collect()
}

/// What came of a row: a line to print, and what is wrong with it.
struct Verdict {
    line: String,
    wrong: Vec<String>,
}

#[test]
fn the_worst_night() {
    let (rows, elsewhere) = (rows(), subprocess::rows(PLACES));
    let here = rows.len();
    let count = here + elsewhere.len();
    assert!(count >= 120, "{count} rows are too few for a bad night");
    let names: BTreeSet<_> = rows.iter().chain(&elsewhere).map(|row| row.what.clone()).collect();
    assert_eq!(names.len(), count, "two rows have the same name");
    let mut queue = spread(rows.into_iter().enumerate());
    // Of these there is nothing to do but to wait for what others tell.
    queue.extend((here..).zip(elsewhere));
    let queue = Mutex::new(queue);
    let verdicts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    // Taken by itself, so that the lock is not held while the row runs.
                    let next = queue.lock().expect("no row panics here").pop_front();
                    let Some((number, row)) = next else { return };
                    let verdict = judge(row);
                    verdicts.lock().expect("no row panics here").push((number, verdict));
                }
            });
        }
    });
    let mut verdicts = verdicts.into_inner().expect("no row panicked here");
    verdicts.sort_by_key(|(number, _)| *number);
    let mut report = String::new();
    for (_, verdict) in &verdicts {
        println!("{}", verdict.line);
        if !verdict.wrong.is_empty() {
            let _ = write!(report, "\n{}\n    {}\n", verdict.line, verdict.wrong.join("\n    "));
        }
    }
    let differ = verdicts.iter().filter(|(_, verdict)| !verdict.wrong.is_empty()).count();
    assert!(differ == 0, "{differ} of {count} rows differ:\n{report}");
}

fn judge(row: Row) -> Verdict {
    let Row { what, expect, run } = row;
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => {
            let (status, requests) = (&outcome.answer.status, outcome.requests);
            let hint = outcome.answer.hint.as_deref().unwrap_or("-");
            let line = format!(
                "{what:<72.72} {status:<24} {requests} requests {:>6} ms  {} | {hint}",
                outcome.took.as_millis(),
                outcome.answer.message
            );
            Verdict { line, wrong: differences(&expect, outcome) }
        }
        Err(panic) => Verdict { line: what, wrong: vec![format!("it panicked: {}", words_of(panic.as_ref()))] },
    }
}

/// All that is not as expected.
fn differences(expect: &Expect, outcome: Outcome) -> Vec<String> {
    let leaks = leaks(&outcome);
    let Outcome { answer, requests, took, mut wrong, .. } = outcome;
    let mut differ = |what: String| wrong.push(what);
    if answer.status != expect.status {
        differ(format!("{} instead of {}", answer.status, expect.status));
    }
    let hinted = match (expect.hint, &answer.hint) {
        (None, None) => true,
        (Some(part), Some(hint)) => !part.is_empty() && hint.contains(part),
        _ => false,
    };
    if !hinted {
        differ(format!("the hint is {:?} and not about {:?}", answer.hint, expect.hint));
    }
    let said = if expect.says.is_empty() { answer.message.is_empty() } else { answer.message.contains(expect.says) };
    if !said {
        differ(format!("{:?} is not in the message {:?}", expect.says, answer.message));
    }
    if requests != expect.requests {
        differ(format!("{requests} requests instead of {}", expect.requests));
    }
    if took > expect.within {
        differ(format!("{took:?} instead of {:?} at most", expect.within));
    }
    wrong.extend(leaks);
    wrong
}

/// What was told of the key or of a token, in whatever spelling.
fn leaks(outcome: &Outcome) -> Vec<String> {
    let pair = format!("{}:{KEY}", outcome.key_id);
    let secrets =
        [KEY.to_owned(), pair].into_iter().chain(outcome.tokens.iter().cloned()).chain(outcome.answer.token());
    let spellings: Vec<_> = secrets.flat_map(|secret| spellings(&secret)).collect();
    let told = std::iter::once(&outcome.answer.told).chain(&outcome.said);
    told.filter(|text| spellings.iter().any(|secret| text.contains(secret.as_str())))
        .map(|text| format!("a secret stands in {text:?}"))
        .collect()
}

fn spellings(secret: &str) -> [String; 6] {
    let percent = |hex: fn(u8) -> String| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        secret.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { hex(byte) }).collect()
    };
    [
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        percent(|byte| format!("%{byte:02X}")),
        percent(|byte| format!("%{byte:02x}")),
    ]
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "no words".to_owned())
}
