//! Servers over plain TCP that do what no HTTP server would: listen too slowly, speak first, speak TLS. Each at every
//! time, in a good server's place.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::case::{TIMES, When};
use super::fake_server::{Relay, Serve, finish, onward, request};
use super::{Expect, Outcome, Row, watch};
use crate::support::fixture::Fixture;

struct Case {
    name: &'static str,
    serve: Serve,
    status: &'static str,
    says: &'static str,
    hint: &'static str,
    /// How often it is tried.
    tries: usize,
    /// The time for the whole call, if that is what ends it.
    total: Option<Duration>,
}

const NETWORK: &str = "B2_NETWORK_ERROR";
const PROTOCOL: &str = "B2_PROTOCOL_ERROR";
const TIMEOUT: &str = "B2_TIMEOUT";
const SHORT: Duration = Duration::from_millis(700);
/// What a call may take beyond its time on a machine that is busy with other things.
const GRACE: Duration = Duration::from_secs(2);

pub fn rows() -> Vec<Row> {
    cases()
        .into_iter()
        .flat_map(|case| {
            let case = Arc::new(case);
            TIMES.map(|when| row(&case, when))
        })
        .collect()
}

fn ends(name: &'static str, serve: Serve, status: &'static str, says: &'static str, hint: &'static str) -> Case {
    Case { name, serve, status, says, hint, tries: 1, total: None }
}

fn late(name: &'static str, serve: Serve, says: &'static str) -> Case {
    Case { total: Some(SHORT), ..ends(name, serve, TIMEOUT, says, "total_timeout_ms") }
}

fn cases() -> Vec<Case> {
    let first = "waiting for the first byte";
    let refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let alert = [0x15, 3, 3, 0, 2, 2, 10];
    vec![
        late("a byte of the request a second", Arc::new(read_slowly), first),
        late("nothing of the request is read", Arc::new(|_| thread::sleep(Duration::from_secs(2))), first),
        late("a byte of the answer a second", Arc::new(write_slowly), "reading the answer"),
        ends("a refusal before the request", first_says(refusal), "B2_BAD_CREDENTIALS", "HTTP 401", "Application Keys"),
        ends("a greeting before the request", first_says(b"220 mail.example\r\n"), PROTOCOL, "in HTTP", "realm"),
        ends("TLS on the port for http", then_says(&alert), PROTOCOL, "answers in TLS", "https://"),
        ends("zeroes", then_says(&[0; 100]), PROTOCOL, "in HTTP", "realm"),
        Case { tries: 2, ..ends("nothing at all", then_says(b""), NETWORK, "before its answer was complete", "VPN") },
        Case { tries: 2, ..ends("one byte", then_says(b"H"), NETWORK, "before its answer was complete", "VPN") },
        Case { tries: 2, ..ends("only a 100", then_says(b"HTTP/1.1 100 Go\r\n\r\n"), NETWORK, "complete", "VPN") },
    ]
}

fn first_says(bytes: &'static [u8]) -> Serve {
    Arc::new(move |stream| {
        let _ = stream.write_all(bytes);
        request(stream);
        finish(stream);
    })
}

fn then_says(bytes: &[u8]) -> Serve {
    let bytes = bytes.to_vec();
    Arc::new(move |stream| {
        request(stream);
        let _ = stream.write_all(&bytes);
        finish(stream);
    })
}

fn read_slowly(stream: &mut TcpStream) {
    while stream.read(&mut [0]).is_ok_and(|count| count > 0) {
        thread::sleep(Duration::from_secs(1));
    }
}

fn write_slowly(stream: &mut TcpStream) {
    request(stream);
    for byte in b"HTTP/1.1 200 OK\r\n" {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn row(case: &Arc<Case>, when: When) -> Row {
    let within = case.total.map_or(Duration::from_secs(10), |total| total + GRACE);
    let expect = match when.keeps_its_token(case.status) {
        true => Expect { status: "B2_OK", hint: None, says: "", requests: 0, within },
        false => Expect { status: case.status, hint: Some(case.hint), says: case.says, requests: 0, within },
    };
    let mine = Arc::clone(case);
    let what = format!("{} · {}", case.name, when.name());
    Row { what, expect, run: Box::new(move || run(&mine, when)) }
}

fn run(case: &Case, when: When) -> Outcome {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let relay = Relay::to(onward(fixture.sandbox.http()));
    let fixture = fixture.and_options(&[("realm", &format!("http://localhost:{}", relay.port()))]);
    let old = when.prepare(&fixture);
    relay.turn_to(Arc::clone(&case.serve));
    let total = case.total.map_or(60_000, |total| total.as_millis()).to_string();
    let options = fixture.options.with(&[("total_timeout_ms", &total)]);
    let before = fixture.requests();
    let mut outcome = watch(&options, |options| fixture.authorize_with(options));
    outcome = outcome.after(fixture.requests() - before);
    let (accepted, tries) = (relay.accepted(), if when == When::Live { 1 } else { case.tries });
    outcome.must(&format!("{accepted} connections are {tries}"), accepted == tries);
    if when == When::Live {
        let kept = when.keeps_its_token(case.status);
        outcome.must("the old token is served if it may be", (outcome.answer.token() == old) == kept);
        let next = watch(&options, |options| fixture.authorize_with(options));
        outcome.must("the very next call makes no connection", relay.accepted() == tries);
        outcome.must("and is answered the same", next.answer.status == outcome.answer.status);
    }
    outcome.tokens.extend(old);
    outcome
}
