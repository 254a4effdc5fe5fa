//! `Retry-After`: how it is read, and how the call that got it waits.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use b2_sandbox::{DateFault, Fault};

use crate::support::api::{self, Ask};
use crate::support::concurrent::{aside, never, timed, turn_until, until};
use crate::support::fixture::{ID, KEY, Scene};

/// Time enough for every wait here, and attempts that a turned clock does not end.
pub const PATIENT: [(&str, &str); 2] = [("total_timeout_ms", "3600000"), ("attempt_timeout_ms", "600000")];
const A_YEAR: i64 = 365 * 24 * 60 * 60;

#[test]
fn a_call_is_not_repeated_before_the_time_asked_for() {
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
        let told = format!("{fault:?}");
        let scene = Scene::with(&PATIENT);
        scene.sandbox.script(ID, [fault]);
        let session = aside(
            &scene.options,
            || scene.authorize(),
            || {
                until("the first answer", || scene.answered() == 1);
                never("repeated at once", || scene.requests() > 1);
                scene.api.pass(Duration::from_secs(500));
                never("repeated too early", || scene.requests() > 1);
                turn_until(scene.api, Duration::from_secs(101), "the second request", || scene.requests() == 2);
            },
        );
        assert!(session.is_ok(), "{told}: {session:?}");
        assert_eq!(scene.requests(), 2, "{told}");
    }
}

#[test]
fn the_run_log_tells_of_a_wait_that_is_no_shorter_than_asked() {
    for (status, name) in [(429, "B2_RATE_LIMITED"), (503, "B2_SERVICE_UNAVAILABLE"), (500, "B2_SERVICE_UNAVAILABLE")] {
        let scene = Scene::with(&PATIENT).options_with(&[("max_attempts", "3")]);
        scene.sandbox.script(ID, [Fault::status(status).retry_after("2").forever()]);
        let failure = aside(
            &scene.options,
            || scene.authorize().expect_err("no answer but that"),
            || {
                for count in [2, 3] {
                    until("an answer", || scene.answered() == count - 1);
                    turn_until(scene.api, Duration::from_secs(2), "the next", || scene.requests() == count);
                }
            },
        );
        let waits = failure.waits();
        assert_eq!(waits.len(), 3, "the waits asked for are attempts all the same: {waits:?}");
        assert!(waits[0] == 0 && waits[1..].iter().all(|wait| (2_000..2_100).contains(wait)), "{waits:?}");
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!(failure.retry_after_ms, 2_000, "what was asked for is handed on");
        assert_eq!(scene.requests(), 3);
    }
}

#[test]
fn a_second_is_a_whole_second_of_the_servers() {
    const CALLS: usize = 12;
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let realm = format!("http://{}", server.local_addr().expect("an address"));
    let api = api::load();
    let options = api.options(&[("realm", &realm), ("max_attempts", "2")]);
    std::thread::scope(|scope| {
        for number in 0..CALLS {
            let options = &options;
            scope.spawn(move || {
                // Each at another moment of the tick by which the machine's coarse clock goes.
                std::thread::sleep(Duration::from_millis(number as u64));
                let id = format!("{ID}{number}");
                let failure = api.call(Some(&id), Some(KEY), Ask::Authorize, Some(options)).expect_err("429 for ever");
                assert_eq!((failure.name.as_str(), failure.attempts), ("B2_RATE_LIMITED", 2));
            });
        }
        let mut asked: Vec<(String, Instant)> = Vec::new();
        let mut shortest = Duration::MAX;
        for _ in 0..2 * CALLS {
            let (mut stream, _) = server.accept().expect("a caller");
            let came = Instant::now();
            let who = authorization(&mut stream);
            if let Some((_, before)) = asked.iter().find(|(known, _)| *known == who) {
                shortest = shortest.min(came.duration_since(*before));
            }
            asked.push((who, Instant::now()));
            stream
                .write_all(b"HTTP/1.1 429 x\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .expect("it listens");
        }
        assert!(shortest >= Duration::from_secs(1), "asked to wait for 1 s, one came back after {shortest:?}");
    });
}

/// Reads one request, and gives the header that tells callers apart.
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
fn what_asks_for_nothing_is_as_good_as_absent() {
    let scene = Scene::with(&[("max_attempts", "2")]);
    let raw = ["", "0", "-5", "1.5", "soon", "2 s", "Mon, 99 Foo 2026 25:61:00 GMT"];
    let raw = raw.map(|text| Fault::status(429).retry_after(text));
    let past = [0, -10, -A_YEAR].map(|seconds| Fault::status(503).retry_after_date(seconds));
    for (count, fault) in raw.into_iter().chain(past).enumerate() {
        let told = format!("{fault:?}");
        scene.sandbox.script(ID, [fault.forever()]);
        let failure = scene.authorize().expect_err("no answer but that");
        assert!(
            failure.waits()[1] <= 1,
            "{told}: the backoff is for 1 ms at most, and this took {:?}",
            failure.waits()
        );
        assert_eq!(failure.retry_after_ms, -1, "{told}");
        assert_eq!(scene.requests(), 2 * (count + 1), "{told}");
    }
}

#[test]
fn a_wait_that_the_deadline_forbids_fails_the_call_at_once() {
    for (status, name) in [(429, "B2_RATE_LIMITED"), (503, "B2_SERVICE_UNAVAILABLE"), (500, "B2_SERVICE_UNAVAILABLE")] {
        let scene = Scene::new();
        scene.sandbox.script(ID, [Fault::status(status).retry_after("3600")]);
        let (failure, took) = timed(|| scene.authorize().expect_err("the deadline is in a minute"));
        assert_eq!((failure.name.as_str(), failure.http_status), (name, status.into()));
        assert_eq!((failure.retry_after_ms, failure.attempts), (3_600_000, 1));
        assert!(failure.retryable);
        assert_eq!(failure.json["error"]["retryAfterMs"], 3_600_000);
        assert_eq!(scene.requests(), 1);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn a_refusal_is_not_retried_whenever_it_says() {
    for status in [400, 401, 403, 404, 501] {
        let scene = Scene::with(&[("negative_ttl_s", "0")]);
        scene.sandbox.script(ID, [Fault::status(status).retry_after("600")]);
        let failure = scene.authorize().expect_err("refused");
        assert_eq!((scene.requests(), failure.attempts, failure.retry_after_ms), (1, 1, -1), "{status}");
        scene.authorize().expect("the gate is open");
    }
}
