//! Calls that a test watches from another thread while they wait.

use std::time::{Duration, Instant};

use crate::support::api::{Api, Options};
use crate::support::fixture::{ID, PATIENCE, Scene};

/// Long enough for a request to be made that ought not to be.
const A_WHILE: Duration = Duration::from_millis(120);

/// Runs `call` on another thread while `watch` looks on. Should `watch` panic, the call is cancelled, so that the test
/// fails and does not hang.
pub fn aside<T: Send>(options: &Options, call: impl FnOnce() -> T + Send, watch: impl FnOnce()) -> T {
    struct Leash(crate::support::api::Cancel);
    impl Drop for Leash {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.trigger();
            }
        }
    }
    let leash = Leash(options.cancel());
    std::thread::scope(|scope| {
        let call = scope.spawn(call);
        // Moved in, so that it is dropped before the scope waits for the call.
        let leash = leash;
        watch();
        drop(leash);
        call.join().expect("the call does not panic")
    })
}

/// True as soon as `condition` is, false if it was not in so long.
pub fn comes(condition: impl Fn() -> bool, patience: Duration) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Waits for it.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    assert!(comes(condition, PATIENCE), "{what}: in vain");
}

/// Sees that it stays untrue for a while.
pub fn never(what: &str, condition: impl Fn() -> bool) {
    assert!(!comes(condition, A_WHILE), "{what}: all the same");
}

/// Turns the clock by `step` until `condition` comes true. More than once only where the call that waits had not yet
/// begun to when the clock was turned.
pub fn turn_until(api: &Api, step: Duration, what: &str, condition: impl Fn() -> bool) {
    for _ in 0..100 {
        api.pass(step);
        if comes(&condition, Duration::from_millis(200)) {
            return;
        }
    }
    panic!("{what}: in vain");
}

/// What a call comes to, and how long it takes.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (call(), start.elapsed())
}

impl Scene {
    /// The requests of the scene's key that were answered.
    pub fn answered(&self) -> usize {
        let log = self.sandbox.log();
        log.iter().filter(|entry| entry.key_id.as_deref() == Some(ID) && entry.status.is_some()).count()
    }
}
