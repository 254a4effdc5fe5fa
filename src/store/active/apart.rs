//! Work on files that may hang: on a thread that the caller can leave.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::engine::Trouble;
use crate::platform::blocking::{BlockingError, BlockingTasks};
use crate::platform::sync;
use crate::ports::limits::Limits;

/// Each has a number of its own: none is shared.
pub(super) static TASKS: BlockingTasks<u64, ()> = BlockingTasks::new("b2auth store", 4, Duration::ZERO);

/// Runs `work` where a file system that hangs hangs a thread of ours, and no call for longer than it allows. What comes too
/// late is dropped.
pub(super) fn run<T: Send + 'static>(
    limits: &Limits<'_>,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let result = Arc::new(Mutex::new(None));
    let place = Arc::clone(&result);
    run_boxed(limits, Box::new(move || *sync::lock(&place) = Some(work())))?;
    sync::lock(&result).take().unwrap_or_else(|| Err(Trouble::lasting("its folder could not be looked at")))
}

/// Apart from what the work is, since this is much code.
fn run_boxed(limits: &Limits<'_>, work: Box<dyn FnOnce() + Send>) -> Result<(), Trouble> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let check = || match limits.stop() {
        Some(stop) => Err(stop),
        None => Ok(limits.poll_interval()),
    };
    match TASKS.run(NEXT.fetch_add(1, Ordering::Relaxed), check, work) {
        Ok(()) => Ok(()),
        Err(BlockingError::Stopped(_)) => Err(Trouble::slow("its folder does not answer in time")),
        Err(BlockingError::TooMany(count)) => {
            Err(Trouble::lasting(format!("{count} calls on its folder hang already")))
        }
        Err(BlockingError::NoThread(_)) => Err(Trouble::lasting("no thread could be started for its folder")),
    }
}
