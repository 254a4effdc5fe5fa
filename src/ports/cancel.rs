//! The flag by which a caller ends its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that ends calls. Clones share it, and once triggered it stays triggered.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A cancel that is not triggered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every call that holds this cancel. Safe in a signal handler: one atomic store.
    pub fn trigger(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True once [`Cancel::trigger`] was called.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
