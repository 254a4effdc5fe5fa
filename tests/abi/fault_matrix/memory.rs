//! Responses that would fill the memory. Each call is made in a subprocess, whose memory is measured.

use b2_sandbox::{Body, Fault, Flood};
use serde_json::{Value, json};

use super::fault::fault;
use super::recorded::{Outcome, record};
use super::{PROTOCOL, Row};
use crate::support::api::{self, Operation};
use crate::support::fixture::{ID, KEY, sandbox_with_key};
use crate::support::subprocess;

/// The maximum by which a call may grow its process.
const MAX_GROWTH_KIB: u64 = 4 * 1024;

pub fn rows() -> Vec<Row> {
    let (large, headers, no_end) = ("is over 256 KiB", "the headers of the response", "does not end");
    let responses = [
        ("64 MiB", Fault::with_body(Body::Huge), large),
        ("64 MiB in chunks", Fault::with_body(Body::Huge).chunked(), large),
        ("256 MiB of gzip", Fault::with_body(Body::GzipBomb), large),
        ("256 MiB of gzip in chunks", Fault::with_body(Body::GzipBomb).chunked(), large),
        ("gzip of gzip", Fault::with_body(Body::GzipBomb).gzip(), large),
        ("100,000 nested arrays", Fault::with_body(Body::JsonBomb), "nested"),
        ("a header of 1 MiB", Fault::none().header("X-Long", &"x".repeat(1 << 20)), headers),
        ("endless interim responses", Fault::none().flood(Flood::Interim), no_end),
        ("an endless header", Fault::none().flood(Flood::Line), headers),
        ("endless headers", Fault::none().flood(Flood::Headers), "too many headers"),
        ("an endless body", Fault::none().flood(Flood::Chunks), large),
        ("an endless chunk size", Fault::none().flood(Flood::Extension), no_end),
        ("endless trailers", Fault::none().flood(Flood::Trailers), no_end),
    ];
    let rows = responses.into_iter().flat_map(|(name, response, message)| {
        [(false, " · http"), (true, " · https")].map(|(https, suffix)| {
            let case = fault(format!("memory: {name}")).status(PROTOCOL).message(message).hint("realm");
            let (response, label) = (response.clone(), format!("{name}{suffix}"));
            case.row(suffix, move || run(&label, &response, https))
        })
    });
    rows.collect()
}

fn run(label: &str, response: &Fault, https: bool) -> Outcome {
    let sandbox = sandbox_with_key();
    // A success and a failure load the code, whose memory is not that of a response.
    let warm_up = [Fault::none(), Fault::with_body(Body::Html).gzip()];
    let warm_up_calls = warm_up.len();
    sandbox.script(ID, warm_up.into_iter().chain([response.clone().forever()]));
    let realm = if https { sandbox.https() } else { sandbox.http() };
    let task = json!({"realm": realm, "ca_file": sandbox.ca_file(), "warmUpCalls": warm_up_calls});
    let report = subprocess::run(&mut subprocess::command("fault_matrix::memory::child", &task));
    let mut outcome: Outcome = serde_json::from_value(report["outcome"].clone()).expect("the child writes outcomes");
    outcome.requests = sandbox.authorize_count(ID) - warm_up_calls;
    let growth = report["growthKib"].as_u64().expect("a number");
    outcome.check(&format!("{growth} KiB of memory, at most {MAX_GROWTH_KIB}"), growth < MAX_GROWTH_KIB);
    println!("memory: {label}: {growth} KiB more");
    outcome
}

/// In the subprocess: makes the call, and measures by how much it grows the process.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(task) = subprocess::task() else { return };
    let text = |name: &str| task[name].as_str().expect("a text");
    let api = api::load();
    // However long a busy server takes, it is one attempt.
    let options = api.options(&[
        ("realm", text("realm")),
        ("ca_file", text("ca_file")),
        ("rate_limit_per_minute", "0"),
        ("attempt_timeout_ms", "600000"),
        ("total_timeout_ms", "0"),
    ]);
    let bypass = options.with(&[("cache", "bypass")]);
    let call = |options: &_| api.call(Some(ID), Some(KEY), Operation::Authorize, Some(options));
    for _ in 0..task["warmUpCalls"].as_u64().expect("a number") {
        drop(record(&bypass, call));
    }
    let before = reset_peak();
    let outcome = record(&options, call);
    let growth = peak().saturating_sub(before);
    let report: Value = json!({"outcome": outcome, "growthKib": growth});
    print!("{}", subprocess::report(&report));
}

/// Resets the peak of this process's memory, and returns its size now, in KiB.
fn reset_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process reset its own peak");
    peak()
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process may read its own status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux has the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
