//! The log that a host receives.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use b2_sandbox::Fault;

use crate::support::fixture::{Fixture, KEY, TEST_TIMEOUT};
use crate::support::log_lines::LogLines;

fn assert_logged(log: &LogLines, expected: &[(i32, &str)]) {
    let lines = log.take_with_levels();
    let as_expected = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, expected)| line.0 == expected.0 && line.1.contains(expected.1));
    assert!(as_expected, "{lines:#?}");
}

#[test]
fn each_decision_of_a_call_is_logged_in_order() {
    let fixture = Fixture::new();
    let log = LogLines::capture(&fixture.options);
    fixture.sandbox.script("*", [Fault::status(503).code("service_unavailable")]);
    fixture.authorize().expect("granted");
    assert_logged(
        &log,
        &[
            (4, "the application key comes from the call"),
            (3, "cache miss"),
            (3, "asking http://127.0.0.1"),
            (2, "HTTP 503 service_unavailable"),
            (2, "before attempt 2 of 5"),
            (3, "asking http://127.0.0.1"),
            (3, "granted a session"),
        ],
    );
    fixture.authorize().expect("cached");
    assert_logged(&log, &[(4, "cache hit")]);
    for (mode, reason) in [("refresh", "a new token is required"), ("bypass", "the cache is bypassed")] {
        fixture.options.set("cache", Some(mode)).expect(mode);
        fixture.authorize().expect("granted");
        assert_logged(
            &log,
            &[(4, "the application key comes from the call"), (3, reason), (3, "asking"), (3, "granted a session")],
        );
    }
}

#[test]
fn serving_a_stale_token_is_a_warning() {
    let fixture = Fixture::new();
    let old = fixture.stale_session();
    let log = LogLines::capture(&fixture.options);
    fixture.sandbox.script("*", [Fault::status(503).code("service_unavailable")]);
    assert_eq!(fixture.authorize().expect("the stale token").token(), old.token());
    let lines = log.take_with_levels();
    assert!(lines.iter().any(|(level, message)| *level == 3 && message.contains("the token is stale")), "{lines:#?}");
    assert!(lines.iter().any(|(level, message)| *level == 2 && message.contains("its refresh failed")), "{lines:#?}");
    assert!(lines.iter().all(|(level, _)| *level != 1), "no call failed: {lines:#?}");
}

#[test]
fn a_failure_is_logged_with_its_hint_and_without_secrets() {
    let fixture = Fixture::new();
    let log = LogLines::capture(&fixture.options);
    fixture.sandbox.script("*", [Fault::status(401).code("unauthorized").message(&format!("no such key: {KEY}"))]);
    fixture.authorize().expect_err("refused");
    let lines = log.take_with_levels();
    let (level, last) = lines.last().expect("it logged something");
    assert_eq!(*level, 1);
    assert!(last.contains("B2_BAD_CREDENTIALS") && last.contains("no such key: ***"), "{last}");
    assert!(lines.iter().all(|(_, message)| !message.contains(KEY)), "{lines:#?}");
}

#[test]
fn retry_after_and_a_blocked_call_are_logged() {
    let fixture = Fixture::with_options(&[("rate_limit_per_minute", "20"), ("total_timeout_ms", "30000")]);
    let log = LogLines::capture(&fixture.options);
    fixture.sandbox.script("*", [Fault::status(429).retry_after("3600")]);
    fixture.authorize().expect_err("the wait is too long");
    let lines = log.take_with_levels();
    assert!(lines.iter().any(|(_, message)| message.contains("asks every caller for this key to wait")), "{lines:#?}");
    fixture.authorize().expect_err("blocked");
    let lines = log.take_with_levels();
    assert!(lines.last().is_some_and(|(_, message)| message.contains("B2_RATE_LIMITED")), "{lines:#?}");
}

#[test]
fn a_log_handler_may_call_the_library() {
    let fixture = Arc::new(Fixture::new());
    let (inner, depth) = (Arc::clone(&fixture), AtomicUsize::new(0));
    fixture.options.set_log(Some(Box::new(move |_, _| {
        if depth.fetch_add(1, Ordering::SeqCst) == 0 {
            inner.api.clear_cache();
            inner.authorize().expect("granted");
        }
    })));
    fixture.authorize().expect("granted");
    assert!(fixture.requests() >= 1);
    fixture.options.set_log(None);
}

#[test]
fn calls_of_options_and_their_copies_log_one_message_at_a_time() {
    let fixture = Fixture::new();
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, highest) = (Arc::clone(&inside), Arc::clone(&most));
    fixture.options.set_log(Some(Box::new(move |_, _| {
        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        now.fetch_sub(1, Ordering::SeqCst);
    })));
    let copy = fixture.options.with(&[]);
    fixture.in_parallel(32, |number| {
        for _ in 0..50 {
            fixture.authorize_with(if number % 2 == 0 { &fixture.options } else { &copy }).expect("granted");
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// Counts when it is dropped.
struct CountDrops(Arc<AtomicUsize>);

impl Drop for CountDrops {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn user_data_is_released_once_after_the_last_use() {
    let fixture = Fixture::new();
    let released = Arc::new(AtomicUsize::new(0));
    let user_data = CountDrops(Arc::clone(&released));
    let options = fixture.options.with(&[]);
    options.set_log(Some(Box::new(move |_, _| {
        let _ = &user_data;
    })));
    let copy = options.with(&[]);
    drop(options);
    assert_eq!(released.load(Ordering::SeqCst), 0, "a copy still holds it");
    fixture.authorize_with(&copy).expect("granted");
    copy.set_log(None);
    assert_eq!(released.load(Ordering::SeqCst), 1);
    drop(copy);
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn a_running_call_keeps_its_log_handler() {
    let fixture = Fixture::new();
    let released = Arc::new(AtomicUsize::new(0));
    let user_data = CountDrops(Arc::clone(&released));
    let options = fixture.options.with(&[]);
    options.set_log(Some(Box::new(move |_, _| {
        let _ = &user_data;
    })));
    fixture.sandbox.script("*", [Fault::hold("latch")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize_with(&options).map(drop));
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        options.set_log(None);
        assert_eq!(released.load(Ordering::SeqCst), 0, "the call still uses it");
        fixture.sandbox.release("latch");
        call.join().expect("no panic").expect("granted");
    });
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn log_level_selects_how_much_is_logged() {
    for (level, expected) in [("error", vec![]), ("warn", vec![2, 2]), ("info", vec![2, 2, 3, 3, 3, 3])] {
        let fixture = Fixture::with_options(&[("log_level", level)]);
        let log = LogLines::capture(&fixture.options);
        fixture.sandbox.script("*", [Fault::status(503).code("service_unavailable")]);
        fixture.authorize().expect("granted");
        fixture.authorize().expect("cached");
        let mut levels: Vec<_> = log.take_with_levels().into_iter().map(|(level, _)| level).collect();
        levels.sort_unstable();
        assert_eq!(levels, expected, "{level}");
    }
}

#[test]
fn a_release_function_may_use_the_options_that_it_is_released_from() {
    struct UsesOptions(Arc<Fixture>, Arc<AtomicUsize>);
    impl Drop for UsesOptions {
        fn drop(&mut self) {
            self.0.options.set("max_attempts", Some("3")).expect("an option");
            drop(self.0.options.with(&[]));
            self.0.authorize().expect("granted");
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let fixture = Arc::new(Fixture::new());
    let released = Arc::new(AtomicUsize::new(0));
    let (send, receive) = mpsc::channel();
    let count = Arc::clone(&released);
    // On a thread that can be given up: a lock that is held here is waited for for ever.
    std::thread::spawn(move || {
        for expected in 0..3 {
            let user_data = UsesOptions(Arc::clone(&fixture), Arc::clone(&count));
            fixture.options.set_log(Some(Box::new(move |_, _| {
                let _ = &user_data;
            })));
            assert_eq!(count.load(Ordering::SeqCst), expected, "the one before was released, this one was not");
        }
        fixture.options.set_log(None);
        send.send(()).expect("the test receives");
    });
    receive.recv_timeout(TEST_TIMEOUT).expect("it ends");
    assert_eq!(released.load(Ordering::SeqCst), 3);
}
