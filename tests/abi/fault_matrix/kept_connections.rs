//! Connections that a batch reuses, and that close or carry other bytes between requests. A request that got no response on
//! a reused connection is repeated at once. That is counted as a request, but not as one of the attempts that `max_attempts` allows.

use std::sync::Arc;

use b2_sandbox::{Fault, How, Key};

use super::fault::{FaultCase, fault};
use super::recorded::{Outcome, record};
use super::{NETWORK, Row, TIMEOUT};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

/// The key whose request comes first.
const FIRST: &str = "0014aa9865d6f000000030001";

/// The requests of two keys in one batch.
struct Exchange {
    /// What is expected of the second key.
    case: FaultCase,
    /// The response to the first key.
    first: Fault,
    /// The responses to the second key.
    second: Vec<Fault>,
    connections: usize,
}

pub fn rows() -> Vec<Row> {
    let rows = successes().into_iter().chain(failures()).flat_map(|exchange| {
        let exchange = Arc::new(exchange);
        [(false, " · http"), (true, " · https")].map(|(https, suffix)| {
            let mine = Arc::clone(&exchange);
            exchange.case.row(suffix, move || run(&mine, https))
        })
    });
    rows.collect()
}

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// Beyond the last byte of every response.
const END: u64 = 1 << 20;

fn case(name: &str) -> FaultCase {
    fault(format!("reused connection: {name}"))
}

fn successes() -> Vec<Exchange> {
    let fine = Fault::none;
    let in_it = CONTINUE.len() as u64;
    let unsolicited = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let after_first = |name, first, connections| Exchange { case: case(name), first, second: Vec::new(), connections };
    let second = |name, second: &[Fault], requests, connections| Exchange {
        case: case(name).requests(requests),
        first: fine(),
        second: second.to_vec(),
        connections,
    };
    vec![
        after_first("no fault", fine(), 1),
        after_first("closed after the response", fine().cut(How::Close, END), 2),
        after_first("closed without close_notify after the response", fine().cut(How::Drop, END), 2),
        second("closed at the request", &[Fault::close_after(0)], 2, 2),
        second("closed without close_notify at the request", &[Fault::drop_after(0)], 2, 2),
        second("reset at the request", &[Fault::reset_after(0)], 2, 2),
        second("closed in the response", &[Fault::close_after(5)], 2, 2),
        second("reset in the response", &[Fault::reset_after(40)], 2, 2),
        second("an outage", &[Fault::status(503)], 2, 1),
        second("closed at the request, and then an outage", &[Fault::close_after(0), Fault::status(503)], 3, 2),
        Exchange {
            first: fine().before(CONTINUE),
            ..second("100 before each response", &[fine().before(CONTINUE)], 1, 1)
        },
        // The request got a response, so B2 may have counted it.
        second("100, and then closed", &[fine().before(CONTINUE).cut(How::Close, in_it)], 2, 2),
        after_first("Connection: close", fine().header("Connection", "close"), 2),
        after_first("HTTP/1.0", fine().status_line("HTTP/1.0 200 OK"), 2),
        after_first("bytes after the response", fine().after("more"), 2),
        after_first("an unsolicited response", fine().after(unsolicited), 2),
        after_first("Content-Length too small", fine().header("Content-Length", "10"), 2),
    ]
}

fn failures() -> Vec<Exchange> {
    let fails = |case: FaultCase, second: Fault, connections| Exchange {
        case,
        first: Fault::none(),
        second: vec![second.forever()],
        connections,
    };
    let early = |name| case(name).status(NETWORK).message("before its response was complete").hint("VPN").retried();
    let silence = case("no response").status(TIMEOUT).message("waiting for the first byte").hint("attempt_timeout_ms");
    let rejection = case("a rejection").status("B2_BAD_CREDENTIALS").message("HTTP 401").hint("Application Keys");
    vec![
        fails(early("closed at each request").requests(3), Fault::close_after(0), 3),
        fails(early("closed in each response"), Fault::close_after(5), 2),
        fails(silence.retried().settings(&[("attempt_timeout_ms", "4000")]), Fault::silent(), 2),
        fails(rejection, Fault::status(401), 1),
    ]
}

fn run(exchange: &Exchange, https: bool) -> Outcome {
    let Exchange { case, first, second, connections } = exchange;
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("concurrency", "1")]);
    fixture.sandbox.add_key(Key::master(FIRST, KEY));
    fixture.sandbox.script(FIRST, [first.clone()]);
    fixture.sandbox.script(ID, second.clone());
    let options = if https { fixture.https_options() } else { fixture.options.with(&[]) };
    let options = options.with(&case.settings);
    let mut tokens = Vec::new();
    let mut outcome = record(&options, |options| {
        let pairs = [(Some(FIRST), Some(KEY)), (Some(ID), Some(KEY))];
        let mut results = fixture.api.authorize_many(&pairs, options).1.into_iter();
        let (first, second) = (results.next().expect("a result"), results.next().expect("a result"));
        tokens.extend(first.map(|session| session.token()));
        second
    });
    fixture.sandbox.wait_until_asked(ID, case.base().requests, TEST_TIMEOUT);
    outcome.requests = fixture.requests();
    outcome.check("one request for the first key", fixture.sandbox.authorize_count(FIRST) == 1);
    let requests = case.base().requests as u64;
    let counted = fixture.api.counter("requests") - 1;
    // A server that closes after its response may do so while the next request is on its way: then it is sent once more.
    let on_its_way = u64::from(second.is_empty() && *connections > 1);
    let range = requests..=requests + on_its_way;
    outcome.check(&format!("{counted} requests are counted instead of {requests}"), range.contains(&counted));
    let retries = fixture.api.counter("retries");
    outcome.check(&format!("{retries} retries are counted"), retries == counted - 1);
    let reported = u64::from(outcome.result.attempts);
    outcome.check("the error has the attempts", outcome.result.token.is_some() || reported == requests);
    let opened = fixture.sandbox.connection_count(if https { "https" } else { "http" });
    outcome.check(&format!("{opened} connections instead of {connections}"), opened == *connections);
    outcome
        .check("each key has its own token", outcome.result.token.as_ref().is_none_or(|token| !tokens.contains(token)));
    outcome.secrets.extend(tokens);
    outcome
}
