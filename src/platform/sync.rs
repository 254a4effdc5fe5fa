//! The mutex and the condition variable: the standard library's, or loom's when the models run.

use std::time::Duration;

#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

/// Locks. A panic elsewhere, caught and reported there, does not poison the lock for everyone after.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits for a notification, at most `timeout`; without one, for as long as it takes.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>, timeout: Option<Duration>) -> MutexGuard<'a, T> {
    match timeout {
        // Loom has no time: its models notify where time would have run out.
        Some(timeout) if cfg!(not(loom)) => {
            condvar.wait_timeout(guard, timeout).unwrap_or_else(std::sync::PoisonError::into_inner).0
        }
        _ => condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner),
    }
}
