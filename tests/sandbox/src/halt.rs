//! The end of the sandbox, as something that every wait inside it can see.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set once, when the sandbox stops.
#[derive(Debug, Default)]
pub(crate) struct Halt(AtomicBool);

impl Halt {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
