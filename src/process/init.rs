//! What must be in place before the first call: the hooks around a fork, and a panic hook that prints nothing.
//!
//! It happens when the library is loaded. Any later, a fork could come between the first calls of two threads.

use std::sync::atomic::{AtomicBool, Ordering};

use super::fork;
use crate::net;
use crate::platform;

static DONE: AtomicBool = AtomicBool::new(false);

/// Does it once.
#[cold]
extern "C" fn start() {
    if !DONE.swap(true, Ordering::AcqRel) {
        // An allocator that is linked into the host registers its own hooks when it is first used, and hooks that prepare a
        // fork run in the reverse order of their registration. With this allocation first, the allocator is still usable
        // while ours run.
        #[cfg(unix)]
        super::shared();
        // Later it might read the environment beside another thread's setenv.
        net::prepare();
        #[cfg(windows)]
        platform::pin_module(start);
        platform::at_fork(fork::prepare, fork::in_parent, fork::in_child);
        // A panic is caught at the C border and reported there. The shared library has a standard library of its own, so
        // the host's panic hook is another.
        #[cfg(feature = "c-library")]
        std::panic::set_hook(Box::new(|_| {}));
    }
}

/// For a linker that drops unreferenced sections: done by the first call at the latest.
#[inline(always)]
pub(crate) fn ensure() {
    if !DONE.load(Ordering::Acquire) {
        start();
    }
}

// SAFETY: these sections hold functions without arguments that the loader calls once, before any call can come. `start`
// is one, and needs nothing that does not exist by then.
#[cfg_attr(all(unix, not(target_vendor = "apple")), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
#[used]
static AT_LOAD: extern "C" fn() = start;
