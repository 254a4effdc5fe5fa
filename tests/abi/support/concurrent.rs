//! Calls that a test observes from another thread while they wait.

use std::time::{Duration, Instant};

use super::api::{Api, Cancel, Options};
use super::fixture::TEST_TIMEOUT;

/// Long enough for a request that must not be made.
const QUIET_TIME: Duration = Duration::from_millis(120);

/// Runs `call` on another thread, and `meanwhile` on this one. If `meanwhile` panics, the call is cancelled, so that the
/// test fails instead of hanging.
pub fn during_call<T: Send>(options: &Options, call: impl FnOnce() -> T + Send, meanwhile: impl FnOnce()) -> T {
    struct CancelOnPanic(Cancel);
    impl Drop for CancelOnPanic {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.trigger();
            }
        }
    }
    let guard = CancelOnPanic(options.attach_cancel());
    std::thread::scope(|scope| {
        let call = scope.spawn(call);
        // Moved in, so that it is dropped before the scope waits for the call.
        let guard = guard;
        meanwhile();
        drop(guard);
        call.join().expect("the call does not panic")
    })
}

/// True as soon as `condition` is, false if it is not in that time.
pub fn eventually(condition: impl Fn() -> bool, timeout: Duration) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > timeout {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    assert!(eventually(condition, TEST_TIMEOUT), "timed out: {what}");
}

/// Checks that `condition` stays false for a while.
pub fn assert_stays_false(what: &str, condition: impl Fn() -> bool) {
    assert!(!eventually(condition, QUIET_TIME), "it happened: {what}");
}

/// Advances the clock by `step` until `condition` is true. More than one step is needed only if the call had not begun
/// to wait when the clock was first advanced.
pub fn advance_until(api: &Api, step: Duration, what: &str, condition: impl Fn() -> bool) {
    for _ in 0..100 {
        api.advance(step);
        if eventually(&condition, Duration::from_secs(1)) {
            return;
        }
    }
    panic!("timed out: {what}");
}

/// The result of a call, and how long it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (call(), start.elapsed())
}
