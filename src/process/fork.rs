//! A child after a fork can use the library, even if other threads were inside it.
//!
//! Only the forking thread exists in the child. It takes every lock before the fork, which leaves what they guard whole,
//! and releases them on both sides. A new lock must be a [`ForkMutex`](crate::platform::fork_mutex::ForkMutex) and stand
//! in this list.

use crate::platform::fork_mutex::AtFork;

/// Every lock of the library, in the order in which a thread may take one while it holds another.
fn locks() -> [&'static dyn AtFork; LOCKS] {
    [
        // First, since its holder may be reading a file: other threads need not wait for that meanwhile.
        #[cfg(feature = "b2-tool")]
        &crate::credentials::b2_tool::READER,
        #[cfg(feature = "b2-tool")]
        &crate::credentials::b2_tool::FILES,
        &crate::options::HANDLES,
        &super::shared().0,
        &crate::net::LOOKUPS,
        &crate::net::ROOTS,
        &crate::diag::log::QUEUES,
    ]
}

const LOCKS: usize = 5 + if cfg!(feature = "b2-tool") { 2 } else { 0 };

pub(super) extern "C" fn prepare() {
    for lock in locks() {
        lock.lock_before_fork();
    }
}

pub(super) extern "C" fn in_parent() {
    for lock in locks().into_iter().rev() {
        lock.unlock_in_parent();
    }
}

pub(super) extern "C" fn in_child() {
    for lock in locks().into_iter().rev() {
        lock.unlock_in_child();
    }
}
