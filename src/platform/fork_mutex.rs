//! A mutex that a fork finds locked by the thread that forks, and so by no other.
//!
//! Only the forking thread exists in the child. It takes every such mutex before the fork, which leaves what they guard
//! whole, and releases them on both sides. `process::fork` lists them all, in lock order.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// What a child process must do to data whose threads did not come along.
pub(crate) trait ResetInChild {
    fn reset_in_child(&mut self);
}

impl ResetInChild for () {
    fn reset_in_child(&mut self) {}
}

/// A mutex that is held across every fork.
#[derive(Default)]
pub(crate) struct ForkMutex<T: 'static> {
    mutex: Mutex<T>,
    /// The guard between the two sides of a fork.
    parked: UnsafeCell<Option<MutexGuard<'static, T>>>,
}

// SAFETY: `parked` is touched only by the thread that holds the mutex, or that has parked its guard there.
unsafe impl<T: Send> Sync for ForkMutex<T> {}
// SAFETY: a mutex is not moved between the two sides of a fork, and at any other time no guard is parked.
unsafe impl<T: Send> Send for ForkMutex<T> {}

impl<T> ForkMutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { mutex: Mutex::new(value), parked: UnsafeCell::new(None) }
    }

    /// Locks; a panic elsewhere does not poison it. Its holder works in memory only.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks, unless another thread holds the lock.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// What `process::fork` does with each mutex, whatever it guards.
pub(crate) trait AtFork: Sync {
    fn lock_before_fork(&'static self);
    fn unlock_in_parent(&'static self);
    fn unlock_in_child(&'static self);
}

impl<T: ResetInChild + Send> AtFork for ForkMutex<T> {
    fn lock_before_fork(&'static self) {
        let guard = self.lock();
        // SAFETY: this thread holds the mutex.
        unsafe { *self.parked.get() = Some(guard) };
    }

    fn unlock_in_parent(&'static self) {
        // SAFETY: this is the thread that parked the guard.
        drop(unsafe { (*self.parked.get()).take() });
    }

    fn unlock_in_child(&'static self) {
        // SAFETY: this is the child's copy of the thread that parked the guard.
        if let Some(mut guard) = unsafe { (*self.parked.get()).take() } {
            guard.reset_in_child();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count(u32);

    impl ResetInChild for Count {
        fn reset_in_child(&mut self) {
            self.0 = 0;
        }
    }

    #[test]
    fn it_is_locked_across_a_fork_and_reset_in_the_child_alone() {
        let mutex: &'static ForkMutex<Count> = Box::leak(Box::default());
        mutex.lock().0 = 7;
        mutex.lock_before_fork();
        assert!(mutex.mutex.try_lock().is_err());
        mutex.unlock_in_parent();
        assert_eq!(mutex.lock().0, 7);
        mutex.lock_before_fork();
        mutex.unlock_in_child();
        assert_eq!(mutex.lock().0, 0);
    }
}
