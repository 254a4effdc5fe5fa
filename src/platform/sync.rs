//! The lock and the bell that threads meet at: the standard library's, or loom's when the models run.

use std::time::Duration;

#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

/// Locks; a panic elsewhere, already caught and reported, does not spoil the lock for everybody after.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits for the bell, at most `slice`; without one, for as long as it takes.
pub(crate) fn wait<'a, T>(bell: &Condvar, guard: MutexGuard<'a, T>, slice: Option<Duration>) -> MutexGuard<'a, T> {
    match slice {
        // Loom knows no time: its models ring the bell where time would have run out.
        Some(span) if cfg!(not(loom)) => {
            bell.wait_timeout(guard, span).unwrap_or_else(std::sync::PoisonError::into_inner).0
        }
        _ => bell.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner),
    }
}
