//! Connections that a batch keeps, and that end or say something at the wrong time. A request that nobody answered on one
//! of them is made anew at once, and is one request for all that; one that was answered, however badly, is an attempt.

use std::time::Duration;

use b2_sandbox::{Fault, How, Key};

use super::{Expect, Outcome, Row, watch};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

/// The key whose request goes before.
const FIRST: &str = "0014aa9865d6f000000030001";

struct Case {
    name: &'static str,
    /// How the first key's request is answered.
    first: Fault,
    /// How those of the second are, while there are any.
    second: Vec<Fault>,
    status: &'static str,
    says: &'static str,
    hint: Option<&'static str>,
    /// The second key's requests: as the server sees them, and as the library counts them.
    requests: (usize, u64),
    connections: usize,
}

impl Case {
    /// All goes well in the end.
    fn well(
        name: &'static str,
        first: Fault,
        second: impl IntoIterator<Item = Fault>,
        requests: (usize, u64),
        connections: usize,
    ) -> Self {
        let second = second.into_iter().collect();
        Self { name, first, second, status: "B2_OK", says: "", hint: None, requests, connections }
    }
}

pub fn rows() -> Vec<Row> {
    let rows = cases().into_iter().chain(failures()).flat_map(|case| {
        let case = std::sync::Arc::new(case);
        [false, true].map(|https| {
            let mine = std::sync::Arc::clone(&case);
            Row {
                what: format!("kept connection: {} · {}", case.name, if https { "https" } else { "http" }),
                expect: Expect {
                    status: case.status,
                    hint: case.hint,
                    says: case.says,
                    requests: case.requests.0,
                    within: Duration::from_secs(10),
                },
                run: Box::new(move || run(&mine, https)),
            }
        })
    });
    rows.collect()
}

const TIMEOUT: &str = "B2_TIMEOUT";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// Behind the last byte of every answer.
const FAR: u64 = 1 << 20;

fn cases() -> Vec<Case> {
    let fine = Fault::none;
    let in_it = CONTINUE.len() as u64;
    let unasked = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    vec![
        Case::well("nothing is wrong", fine(), [], (1, 1), 1),
        Case::well("closed behind the answer", fine().cut(How::Close, FAR), [], (1, 1), 2),
        Case::well("lost behind the answer", fine().cut(How::Drop, FAR), [], (1, 1), 2),
        Case::well("closed at the request", fine(), [Fault::close_after(0)], (2, 1), 2),
        Case::well("lost at the request", fine(), [Fault::drop_after(0)], (2, 1), 2),
        Case::well("reset at the request", fine(), [Fault::reset_after(0)], (2, 1), 2),
        Case::well("closed in the answer", fine(), [Fault::close_after(5)], (2, 2), 2),
        Case::well("reset in the answer", fine(), [Fault::reset_after(40)], (2, 2), 2),
        Case::well("an outage on it", fine(), [Fault::status(503)], (2, 2), 1),
        Case::well(
            "closed at the request, and then an outage",
            fine(),
            [Fault::close_after(0), Fault::status(503)],
            (3, 2),
            2,
        ),
        Case::well("100 before the answer", fine().before(CONTINUE), [fine().before(CONTINUE)], (1, 1), 1),
        // Something was said to this request, so it may have been counted.
        Case::well("100, and closed then", fine(), [fine().before(CONTINUE).cut(How::Close, in_it)], (2, 2), 2),
        Case::well("not to be kept", fine().header("Connection", "close"), [], (1, 1), 2),
        Case::well("of HTTP/1.0", fine().status_line("HTTP/1.0 200 OK"), [], (1, 1), 2),
        Case::well("bytes behind the answer", fine().after("more"), [], (1, 1), 2),
        Case::well("an answer that nobody asked for", fine().after(unasked), [], (1, 1), 2),
        Case::well("less promised than sent", fine().header("Content-Length", "10"), [], (1, 1), 2),
    ]
}

fn failures() -> Vec<Case> {
    let fails = |name, second: Fault, status, says, hint, requests, connections| Case {
        name,
        first: Fault::none(),
        second: vec![second.forever()],
        status,
        says,
        hint: Some(hint),
        requests,
        connections,
    };
    let early = "before its answer was complete";
    vec![
        fails("closed at each request", Fault::close_after(0), "B2_NETWORK_ERROR", early, "VPN", (3, 2), 3),
        fails("closed in each answer", Fault::close_after(5), "B2_NETWORK_ERROR", early, "VPN", (2, 2), 2),
        fails("silence", Fault::silent(), TIMEOUT, "waiting for the first byte", "attempt_timeout_ms", (2, 2), 2),
        fails("a refusal", Fault::status(401), "B2_BAD_CREDENTIALS", "HTTP 401", "Application Keys", (1, 1), 1),
    ]
}

fn run(case: &Case, https: bool) -> Outcome {
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("concurrency", "1")]);
    fixture.sandbox.add_key(Key::master(FIRST, KEY));
    fixture.sandbox.script(FIRST, [case.first.clone()]);
    fixture.sandbox.script(ID, case.second.clone());
    let realm = if https { fixture.sandbox.https() } else { fixture.sandbox.http() };
    let ca_file = fixture.sandbox.ca_file().to_str().expect("a plain path");
    let options = fixture.options.with(&[("realm", realm), ("ca_file", ca_file)]);
    if case.status == TIMEOUT {
        options.set("attempt_timeout_ms", Some("1000")).expect("an option");
    }
    let mut tokens = Vec::new();
    let mut outcome = watch(&options, |options| {
        let pairs = [(Some(FIRST), Some(KEY)), (Some(ID), Some(KEY))];
        let mut places = fixture.api.authorize_many(&pairs, options).1.into_iter();
        let (first, second) = (places.next().expect("a place"), places.next().expect("a place"));
        tokens.extend(first.map(|session| session.token()));
        second
    });
    fixture.sandbox.wait_until_asked(ID, case.requests.0, TEST_TIMEOUT);
    outcome = outcome.after(fixture.requests());
    outcome.must("the first key is asked for once", fixture.sandbox.authorize_count(FIRST) == 1);
    let counted = fixture.api.counter("requests") - 1;
    outcome.must(&format!("{counted} requests are counted"), counted == case.requests.1);
    let retries = fixture.api.counter("retries");
    outcome.must(&format!("{retries} of them again"), retries == case.requests.1 - 1);
    let told = u64::from(outcome.answer.attempts);
    outcome.must("as many are told", outcome.answer.token().is_some() || told == case.requests.1);
    let connections = fixture.sandbox.connection_count(if https { "https" } else { "http" });
    outcome.must(&format!("{connections} connections are {}", case.connections), connections == case.connections);
    outcome.must("each key has its own token", outcome.answer.token().is_none_or(|token| !tokens.contains(&token)));
    outcome.tokens.extend(tokens);
    outcome
}
