//! Code that must not be interrupted by a fork, because it has locks of its own: SQLite, and the C library's user database.

use std::cell::UnsafeCell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::fork_mutex::AtFork;

/// How long a fork waits for threads inside: a file system that hangs must not hang every fork.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Counts the threads inside, and keeps new ones out while a fork is being made.
pub(crate) struct ForkBarrier {
    state: Mutex<BarrierState>,
    changed: Condvar,
    /// The guard between the two sides of a fork.
    parked: UnsafeCell<Option<MutexGuard<'static, BarrierState>>>,
}

struct BarrierState {
    inside: usize,
    is_forking: bool,
    /// This process is a child whose parent had a thread inside: a lock may be held for ever.
    is_broken: bool,
}

// SAFETY: `parked` is touched only by the thread that holds the mutex, or that has parked its guard there.
unsafe impl Sync for ForkBarrier {}

/// A thread inside, until it is dropped.
pub(crate) struct Inside<'b>(&'b ForkBarrier);

impl ForkBarrier {
    pub(crate) const fn new() -> Self {
        let state = BarrierState { inside: 0, is_forking: false, is_broken: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), parked: UnsafeCell::new(None) }
    }

    /// Enters, or returns `None` in a child that can never enter.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let mut state = self.lock();
        while state.is_forking {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_broken {
            return None;
        }
        state.inside += 1;
        Some(Inside(self))
    }

    fn lock(&self) -> MutexGuard<'_, BarrierState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}

impl AtFork for ForkBarrier {
    fn lock_before_fork(&'static self) {
        let mut state = self.lock();
        state.is_forking = true;
        let start = Instant::now();
        while state.inside > 0 {
            let Some(left) = MAX_WAIT.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else { break };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // SAFETY: this thread holds the mutex.
        unsafe { *self.parked.get() = Some(state) };
    }

    fn unlock_in_parent(&'static self) {
        // SAFETY: this is the thread that parked the guard.
        if let Some(mut state) = unsafe { (*self.parked.get()).take() } {
            state.is_forking = false;
            drop(state);
            self.changed.notify_all();
        }
    }

    fn unlock_in_child(&'static self) {
        // SAFETY: this is the child's copy of the thread that parked the guard.
        if let Some(mut state) = unsafe { (*self.parked.get()).take() } {
            state.is_forking = false;
            state.is_broken |= state.inside > 0;
            state.inside = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barrier() -> &'static ForkBarrier {
        Box::leak(Box::new(ForkBarrier::new()))
    }

    #[test]
    fn a_fork_waits_for_threads_inside_a_bounded_time() {
        let barrier = barrier();
        let inside = barrier.enter().expect("nothing is broken");
        let start = Instant::now();
        barrier.lock_before_fork();
        assert!(start.elapsed() >= MAX_WAIT);
        barrier.unlock_in_parent();
        drop(inside);
        barrier.lock_before_fork();
        barrier.unlock_in_child();
        assert!(barrier.enter().is_some(), "nobody was inside");
    }

    #[test]
    fn a_child_of_a_parent_with_a_thread_inside_can_never_enter() {
        let barrier = barrier();
        let inside = barrier.enter().expect("nothing is broken");
        barrier.lock_before_fork();
        barrier.unlock_in_child();
        std::mem::forget(inside);
        assert!(barrier.enter().is_none());
    }

    #[test]
    fn no_thread_enters_while_a_fork_is_being_made() {
        let barrier = barrier();
        barrier.lock_before_fork();
        let (send, receive) = std::sync::mpsc::channel();
        let entering = std::thread::spawn(move || {
            let inside = barrier.enter();
            send.send(()).expect("the test receives");
            inside.is_some()
        });
        assert!(receive.recv_timeout(Duration::from_millis(50)).is_err());
        barrier.unlock_in_parent();
        assert!(entering.join().expect("no panic"));
    }
}
