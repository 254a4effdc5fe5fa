//! A child after a fork can use the library, even if other threads were inside it.
//!
//! Only the forking thread exists in the child. It takes every lock before the fork, which leaves what they guard whole,
//! and releases them on both sides. So every lock that outlives a call must implement [`AtFork`] and stand in the list of its
//! room.

use crate::platform::fork_mutex::AtFork;

/// Every lock of the library, in the order in which a thread may take one while it holds another. Allocates nothing: the
/// host's allocator may have its own hooks around a fork, and may be locked by then.
fn locks() -> impl DoubleEndedIterator<Item = &'static dyn AtFork> {
    #[cfg(feature = "b2-tool")]
    let files = crate::credentials::b2_tool::LOCKS.iter();
    #[cfg(not(feature = "b2-tool"))]
    let files = [].iter();
    files
        .copied()
        .chain(crate::store::locks())
        .chain(crate::credentials::LOCKS)
        .chain(crate::options::LOCKS)
        .chain(super::shared().locks())
        .chain(crate::net::LOCKS)
        .chain(crate::diag::log::LOCKS)
}

pub(super) extern "C" fn prepare() {
    locks().for_each(AtFork::lock_before_fork);
}

pub(super) extern "C" fn in_parent() {
    locks().rev().for_each(AtFork::unlock_in_parent);
}

pub(super) extern "C" fn in_child() {
    locks().rev().for_each(AtFork::unlock_in_child);
}
