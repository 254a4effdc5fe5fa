//! Connections that fail, stall or end too early.

use std::time::Duration;

use b2_sandbox::{Fault, How};

use crate::retry_after::LONG_TIMEOUTS;
use crate::support::api::Failure;
use crate::support::concurrent::{during_call, eventually, timed, wait_until};
use crate::support::fixture::{Fixture, ID, TEST_TIMEOUT};

/// What a busy machine may add to a time limit.
const GRACE: Duration = Duration::from_secs(20);

fn assert_network_error(failure: &Failure, attempts: u32) {
    assert_eq!((failure.name.as_str(), failure.http_status, &failure.code), ("B2_NETWORK_ERROR", 0, &None));
    assert!(failure.retryable);
    assert_eq!(failure.attempts, attempts);
    let log = failure.json["error"]["attempts"].as_array().expect("a list").clone();
    assert!(log.len() == attempts as usize && log.iter().all(|one| one["httpStatus"].is_null()), "{log:?}");
}

#[test]
fn a_refused_connect_is_retried() {
    let fixture = Fixture::with_options(&[("max_attempts", "3")]);
    let options = fixture.options.with(&[("realm", &fixture.sandbox.refused_url())]);
    let (failure, took) = timed(|| fixture.authorize_with(&options).expect_err("refused"));
    assert_network_error(&failure, 3);
    assert!(failure.message.contains("127.0.0.1"), "{failure}");
    assert!(failure.hint.expect("a hint").contains("firewall"));
    assert!(took < GRACE, "{took:?}");
    assert_eq!(fixture.api.counter("requests"), 3);
}

#[test]
fn an_incomplete_response_is_retried() {
    let fixture = Fixture::with_options(&[("max_attempts", "2"), ("cache", "bypass")]);
    for how in [How::Reset, How::Close, How::Drop] {
        for fault in [
            Fault::default().cut(how, 0),
            Fault::default().cut(how, 5),
            Fault::default().cut(how, 40),
            Fault::default().cut(how, 0).of_body(),
            Fault::default().cut(how, 100).of_body(),
            Fault::default().chunked().cut(how, 0).of_body(),
            Fault::default().chunked().cut(how, 100).of_body(),
            Fault::default().gzip().cut(how, 100).of_body(),
            Fault::default().chunked().gzip().cut(how, 100).of_body(),
        ] {
            let context = format!("{fault:?}");
            fixture.sandbox.clear_log();
            fixture.sandbox.script(ID, [fault.clone().forever()]);
            let (answer, took) = timed(|| fixture.authorize());
            let failure = answer.expect_err(&context);
            assert_eq!(failure.name, "B2_NETWORK_ERROR", "{context}: {failure}");
            assert_network_error(&failure, 2);
            assert_eq!(fixture.requests(), 2, "{context}");
            assert!(took < GRACE, "{context}: {took:?}");
            fixture.sandbox.script(ID, [fault]);
            fixture.authorize().expect("the second attempt succeeds");
        }
    }
}

#[test]
fn silence_at_any_point_ends_with_the_attempt_timeout() {
    let silent = |at| Fault::default().cut(How::Silence, at);
    for (fault, answered) in [
        (Fault::silent(), false),
        (silent(20), true),
        (silent(0).of_body(), true),
        (silent(100).of_body(), true),
        (silent(100).of_body().chunked(), true),
        (silent(100).of_body().gzip(), true),
    ] {
        let context = format!("{fault:?}");
        let fixture = Fixture::with_options(&LONG_TIMEOUTS)
            .and_options(&[("attempt_timeout_ms", "60000"), ("max_attempts", "3")]);
        fixture.sandbox.script(ID, [fault.forever()]);
        let failure = during_call(
            &fixture.options,
            || fixture.authorize().expect_err(&context),
            || {
                for count in 1..=3 {
                    wait_until("the request arrives", || {
                        fixture.requests() == count && (!answered || fixture.responses() == count)
                    });
                    fixture.api.advance(Duration::from_secs(61));
                }
            },
        );
        assert_eq!((failure.name.as_str(), failure.http_status, failure.attempts), ("B2_TIMEOUT", 0, 3), "{context}");
        assert!(failure.retryable && failure.message.contains("within 60 s"), "{context}: {failure}");
        assert_eq!(fixture.requests(), 3, "{context}");
    }
}

#[test]
fn attempt_timeout_ms_is_real_time() {
    for fault in [Fault::silent(), Fault::default().cut(How::Silence, 50).of_body()] {
        let fixture = Fixture::with_options(&[("attempt_timeout_ms", "1500"), ("max_attempts", "2")]);
        fixture.sandbox.script(ID, [fault.forever()]);
        let (failure, took) = timed(|| fixture.authorize().expect_err("no response"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", 2));
        // The last attempt's time alone would not say how long the call took.
        assert!(
            failure.message.contains("within 1.5 s ") && failure.message.contains("; 2 attempts in 3"),
            "{failure}"
        );
        assert!(took >= Duration::from_millis(2_980) && took < Duration::from_secs(3) + GRACE, "{took:?}");
        assert!(eventually(|| fixture.requests() == 2, TEST_TIMEOUT));
    }
}

#[test]
fn a_slow_body_does_not_extend_a_timeout() {
    let drip = || Fault::default().body_drip(Duration::from_millis(20)).forever();
    for (limit, attempts) in [("total_timeout_ms", 1), ("attempt_timeout_ms", 2)] {
        let fixture = Fixture::with_options(&[(limit, "500"), ("max_attempts", "2")]);
        fixture.sandbox.script(ID, [drip()]);
        let (failure, took) = timed(|| fixture.authorize().expect_err("a slow response"));
        assert_eq!((failure.name.as_str(), failure.attempts), ("B2_TIMEOUT", attempts), "{limit}");
        assert!(took < Duration::from_secs(1) + GRACE, "{limit}: {took:?}");
    }
}

#[test]
fn a_call_survives_connections_that_break() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::reset_after(0), Fault::close_after(30), Fault::drop_after(300)]);
    fixture.authorize().expect("the fourth attempt");
    assert_eq!(fixture.requests(), 4);
}

#[test]
fn a_closed_port_is_a_network_error() {
    let fixture = Fixture::with_options(&[("max_attempts", "2")]);
    fixture.sandbox.close_http_port();
    assert_network_error(&fixture.authorize().expect_err("connection refused"), 2);
}
