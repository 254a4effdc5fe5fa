//! The one thing of the network's that outlives a request: look-ups under way, and the system's roots.

use std::cell::UnsafeCell;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use once_cell::sync::OnceCell;

use crate::platform::sync;

use super::dns::LookUp;
use super::roots::System;

/// What requests share.
pub(super) static SHARED: Shared = Shared::new();

/// Called before each fork, on the thread that forks.
pub(crate) fn before_fork() {
    SHARED.park();
}

/// Called after each fork, in the parent.
pub(crate) fn after_fork_in_parent() {
    SHARED.unpark(|_| {});
}

/// Called after each fork, in the child.
pub(crate) fn after_fork_in_child() {
    SHARED.unpark(Table::renew);
}

/// A table under a mutex that a fork finds locked by the thread that forks, and so by nobody else.
pub(super) struct Shared {
    table: Mutex<Option<Table>>,
    parked: UnsafeCell<Option<MutexGuard<'static, Option<Table>>>>,
}

// SAFETY: `parked` is touched only by a thread that holds `table`'s lock, or has it parked there.
unsafe impl Sync for Shared {}

/// The table itself. Whoever holds the lock does map work and nothing else.
#[derive(Default)]
pub(super) struct Table {
    /// Look-ups that have not come back, by host.
    pub(super) look_ups: Vec<(String, Arc<LookUp>)>,
    /// Filled by whoever comes first, outside the lock.
    pub(super) system: Arc<OnceCell<System>>,
}

impl Shared {
    pub(super) const fn new() -> Self {
        Self { table: Mutex::new(None), parked: UnsafeCell::new(None) }
    }

    /// Does a piece of map work.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
        work(self.lock().get_or_insert_default())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Table>> {
        sync::lock(&self.table)
    }

    fn park(&'static self) {
        let guard = self.lock();
        // SAFETY: this thread has just taken the lock.
        unsafe { *self.parked.get() = Some(guard) };
    }

    fn unpark(&'static self, renew: impl FnOnce(&mut Table)) {
        // SAFETY: this is the thread that parked the guard, or its copy in the child: the lock is its own.
        if let Some(mut guard) = unsafe { (*self.parked.get()).take() }
            && let Some(table) = guard.as_mut()
        {
            renew(table);
        }
    }
}

impl Table {
    /// The threads that worked on these did not come along into the child. What they may have left half done or
    /// locked is forgotten, not dropped.
    fn renew(&mut self) {
        mem::forget(mem::take(&mut self.look_ups));
        if self.system.get().is_none() {
            mem::forget(mem::take(&mut self.system));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_starts_without_what_threads_had_begun() {
        let shared: &'static Shared = Box::leak(Box::new(Shared::new()));
        let before = shared.with(|table| {
            table.look_ups.push(("host".into(), Arc::default()));
            Arc::clone(&table.system)
        });
        shared.park();
        assert!(shared.table.try_lock().is_err());
        shared.unpark(|_| {});
        assert_eq!(shared.with(|table| table.look_ups.len()), 1);
        shared.park();
        shared.unpark(Table::renew);
        assert_eq!(shared.with(|table| table.look_ups.len()), 0);
        assert!(!Arc::ptr_eq(&before, &shared.with(|table| Arc::clone(&table.system))));
    }
}
