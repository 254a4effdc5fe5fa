//! `Retry-After`: how it is read, and how the call that received it waits.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use b2_sandbox::{DateFault, Fault};

use crate::support::api::{self, Operation};
use crate::support::concurrent::{advance_until, assert_stays_false, during_call, timed, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};
use crate::support::log_lines::LogLines;

/// Enough time for every wait here, and attempts that a shifted clock does not end.
pub const LONG_TIMEOUTS: [(&str, &str); 2] = [("total_timeout_ms", "3600000"), ("attempt_timeout_ms", "600000")];
const A_YEAR: i64 = 365 * 24 * 60 * 60;

#[test]
fn a_retry_waits_for_the_time_in_retry_after() {
    let dated = |status, offset| Fault::status(status).date(DateFault::OffsetS(offset)).retry_after_date(600);
    for fault in [
        Fault::status(429).retry_after("600"),
        Fault::status(503).retry_after("600"),
        Fault::status(500).retry_after("600"),
        Fault::status(408).retry_after("600"),
        dated(429, 0),
        dated(503, A_YEAR),
        dated(503, -A_YEAR),
        Fault::status(503).date(DateFault::Omit).retry_after("600"),
    ] {
        let context = format!("{fault:?}");
        let fixture = Fixture::with_options(&LONG_TIMEOUTS);
        fixture.sandbox.script(ID, [fault]);
        let session = during_call(
            &fixture.options,
            || fixture.authorize(),
            || {
                wait_until("the first response", || fixture.responses() == 1);
                assert_stays_false("a retry at once", || fixture.requests() > 1);
                fixture.api.advance(Duration::from_secs(500));
                assert_stays_false("a retry too early", || fixture.requests() > 1);
                advance_until(fixture.api, Duration::from_secs(101), "the second request", || fixture.requests() == 2);
            },
        );
        assert!(session.is_ok(), "{context}: {session:?}");
        assert_eq!(fixture.requests(), 2, "{context}");
    }
}

#[test]
fn the_run_log_has_waits_no_shorter_than_retry_after() {
    for (status, name) in [(429, "B2_RATE_LIMITED"), (503, "B2_SERVICE_UNAVAILABLE"), (500, "B2_SERVICE_UNAVAILABLE")] {
        let fixture = Fixture::with_options(&LONG_TIMEOUTS).and_options(&[("max_attempts", "3")]);
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("2").forever()]);
        let failure = during_call(
            &fixture.options,
            || fixture.authorize().expect_err("every response is that"),
            || {
                for count in [2, 3] {
                    wait_until("a response", || fixture.responses() == count - 1);
                    advance_until(fixture.api, Duration::from_secs(2), "the next request", || {
                        fixture.requests() == count
                    });
                }
            },
        );
        let waits = failure.waits_ms();
        assert_eq!(waits.len(), 3, "each wait is in the run log: {waits:?}");
        assert!(waits[0] == 0 && waits[1..].iter().all(|wait| (2_000..2_100).contains(wait)), "{waits:?}");
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!(failure.retry_after_ms, 2_000, "the time asked for is reported");
        assert_eq!(fixture.requests(), 3);
    }
}

#[test]
fn one_second_of_retry_after_is_a_whole_second_for_the_server() {
    const CALLS: usize = 12;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let realm = format!("http://{}", server.local_addr().expect("an address"));
    let api = api::load();
    let options = api.options(&[("realm", &realm), ("max_attempts", "2")]);
    std::thread::scope(|scope| {
        for number in 0..CALLS {
            let options = &options;
            scope.spawn(move || {
                // Each at another moment between two ticks of the machine's coarse clock.
                std::thread::sleep(Duration::from_millis(number as u64));
                let id = format!("{ID}{number}");
                let failure =
                    api.call(Some(&id), Some(KEY), Operation::Authorize, Some(options)).expect_err("429 forever");
                assert_eq!((failure.name.as_str(), failure.attempts), ("B2_RATE_LIMITED", 2));
            });
        }
        let mut asked: Vec<(String, Instant)> = Vec::new();
        let mut shortest = Duration::MAX;
        for _ in 0..2 * CALLS {
            let (mut stream, _) = server.accept().expect("a caller");
            let arrival = Instant::now();
            let caller = authorization(&mut stream);
            if let Some((_, before)) = asked.iter().find(|(known, _)| *known == caller) {
                shortest = shortest.min(arrival.duration_since(*before));
            }
            asked.push((caller, Instant::now()));
            stream
                .write_all(b"HTTP/1.1 429 x\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .expect("it listens");
        }
        assert!(shortest >= Duration::from_secs(1), "Retry-After is 1 s, and a retry came after {shortest:?}");
    });
}

/// Reads one request, and returns the header by which the calls differ.
fn authorization(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("a request"), 1, "a whole request");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ASCII");
    head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization")).expect("the header").to_owned()
}

#[test]
fn a_retry_after_that_asks_for_no_wait_is_ignored() {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    let raw = ["", "0", "-5", "1.5", "soon", "2 s", "Mon, 99 Foo 2026 25:61:00 GMT"];
    let raw = raw.map(|text| Fault::status(429).retry_after(text));
    let past = [0, -10, -A_YEAR].map(|seconds| Fault::status(503).retry_after_date(seconds));
    for (count, fault) in raw.into_iter().chain(past).enumerate() {
        let context = format!("{fault:?}");
        fixture.sandbox.script(ID, [fault.forever()]);
        let failure = fixture.authorize().expect_err("every response is that");
        assert!(failure.waits_ms()[1] <= 1, "{context}: the backoff is 1 ms at most, not {:?}", failure.waits_ms());
        assert_eq!(failure.retry_after_ms, -1, "{context}");
        assert_eq!(fixture.requests(), 2 * (count + 1), "{context}");
    }
}

#[test]
fn a_wait_that_would_outlast_the_deadline_fails_the_call_at_once() {
    for (status, name) in [(429, "B2_RATE_LIMITED"), (503, "B2_SERVICE_UNAVAILABLE"), (500, "B2_SERVICE_UNAVAILABLE")] {
        let fixture = Fixture::new();
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("3600")]);
        let (failure, took) = timed(|| fixture.authorize().expect_err("the deadline is in a minute"));
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!((failure.retry_after_ms, failure.attempts), (3_600_000, 1));
        assert!(failure.retryable);
        assert_eq!(failure.json["error"]["retryAfterMs"], 3_600_000);
        assert_eq!(fixture.requests(), 1);
        assert!(took < TEST_TIMEOUT, "{took:?}");
    }
}

#[test]
fn a_retry_after_does_not_make_a_permanent_failure_retryable() {
    for status in [400, 401, 403, 404, 501] {
        let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("600")]);
        let failure = fixture.authorize().expect_err("refused");
        assert_eq!((fixture.requests(), failure.attempts, failure.retry_after_ms), (1, 1, -1), "{status}");
        fixture.authorize().expect("no other call is blocked");
    }
}

#[test]
fn a_wait_is_longer_than_retry_after_by_what_the_clock_may_be_off() {
    const GRANULARITY_MS: u64 = 10;
    for status in [429, 500, 503] {
        let fixture = Fixture::with_options(&[("max_attempts", "2")]);
        let log = LogLines::capture(&fixture.options);
        fixture.sandbox.script(ID, [Fault::status(status).retry_after("1").forever()]);
        let failure = fixture.authorize().expect_err("every response is that");
        assert!(failure.waits_ms()[1] >= 1_000 + GRANULARITY_MS, "{:?}", failure.waits_ms());
        let lines = log.take();
        let logged = lines.iter().any(|line| line.contains("every caller for this key to wait 1010 ms"));
        assert_eq!(logged, status != 500, "{lines:#?}");
    }
}
