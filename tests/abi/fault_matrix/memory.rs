//! What would fill the memory, and does not.

use std::time::Duration;

use b2_sandbox::{Body, Config, Fault, Flood, Key, Sandbox};

use super::isolated::{Task, apart};
use super::{Expect, Outcome, Row};
use crate::support::fixture::{ID, KEY};

/// By so much a call may grow its process at most.
const MOST_KIB: u64 = 4 * 1024;

pub fn rows() -> Vec<Row> {
    let (large, head, no_end) = ("is over 256 KiB", "the headers of the answer", "comes to no end");
    let bombs = [
        ("64 MiB", Fault::with_body(Body::Huge), large),
        ("64 MiB in chunks", Fault::with_body(Body::Huge).chunked(), large),
        ("256 MiB of gzip", Fault::with_body(Body::GzipBomb), large),
        ("256 MiB of gzip in chunks", Fault::with_body(Body::GzipBomb).chunked(), large),
        ("a refusal of 64 MiB", Fault::status(401).body(Body::Huge), large),
        ("gzip of gzip", Fault::with_body(Body::GzipBomb).gzip(), large),
        ("100,000 arrays in each other", Fault::with_body(Body::JsonBomb), "nested"),
        ("a header of 1 MiB", Fault::none().header("X-Long", &"x".repeat(1 << 20)), head),
        ("100 without end", Fault::none().flood(Flood::Interim), head),
        ("a header without end", Fault::none().flood(Flood::Line), head),
        ("headers without end", Fault::none().flood(Flood::Headers), "too many headers"),
        ("a body without end", Fault::none().flood(Flood::Chunks), large),
        ("a chunk's size without end", Fault::none().flood(Flood::Extension), no_end),
        ("trailers without end", Fault::none().flood(Flood::Trailers), no_end),
    ];
    let rows = bombs.into_iter().flat_map(|(what, fault, says)| {
        [false, true].map(|https| {
            let fault = fault.clone();
            let scheme = if https { "https" } else { "http" };
            Row {
                what: format!("memory: {what} · {scheme}"),
                expect: Expect {
                    status: "B2_PROTOCOL_ERROR",
                    hint: Some("realm"),
                    says,
                    requests: 1,
                    within: Duration::from_secs(20),
                },
                run: Box::new(move || run(&format!("{what} · {scheme}"), &fault, https)),
            }
        })
    });
    rows.collect()
}

fn run(what: &str, fault: &Fault, https: bool) -> Outcome {
    let keys = vec![Key::master(ID, KEY)];
    let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
    // A good call and a bad one bring in the code, which is no memory that an answer takes.
    let warming = [Fault::none(), Fault::with_body(Body::Html).gzip()];
    let warm = warming.len();
    sandbox.script(ID, warming.into_iter().chain([fault.clone().forever()]));
    let realm = if https { sandbox.https() } else { sandbox.http() };
    let ca_file = sandbox.ca_file().to_str().expect("a plain path");
    let options = [("realm", realm), ("ca_file", ca_file), ("rate_limit_per_minute", "0")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (outcome, grown) = apart(&Task { key_id: ID.to_owned(), options, warm }, |_| {});
    let mut outcome = outcome.after(sandbox.authorize_count(ID) - warm);
    outcome.must(&format!("{grown} KiB of memory are {MOST_KIB} at most"), grown < MOST_KIB);
    println!("memory: {what}: {grown} KiB more");
    outcome
}
