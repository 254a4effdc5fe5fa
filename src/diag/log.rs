//! The run log as it happens: each decision worth knowing, passed to a function of the host's.
//!
//! No call waits for the host's function to return on another thread. A thread with a message puts it into the log's
//! queue; if no other thread is delivering, it delivers: one message for each that it added, and more for a bounded time. So the host gets one message at a time, and may call the library from its log function.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use super::level::Level;
use super::sanitize::{MAX_LINE, single_line, truncate};
#[cfg(not(loom))]
use crate::platform::fork_mutex::AtFork;
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};
use crate::platform::thread::CancellationDisabled;
use crate::ports::Clock;
use crate::ports::limits::Limits;

/// Messages kept for a host that is slow to take them.
const MAX_QUEUED: usize = 1_024;
/// How long a call may go on delivering the messages of others.
const CATCH_UP: Duration = Duration::from_millis(50);

/// The queues of all logs. One lock for all, held to put in and take out alone: a fork can take it.
static QUEUES: ForkMutex<Queues> = ForkMutex::new(Queues(BTreeMap::new()));

/// What a fork locks.
#[cfg(not(loom))]
pub(crate) static LOCKS: [&dyn AtFork; 1] = [&QUEUES];

/// How many messages were dropped since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// This thread is inside a log function of the host's.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// The queue of each log, by its ID.
struct Queues(BTreeMap<u64, Queue>);

#[derive(Default)]
struct Queue {
    messages: VecDeque<(Level, String)>,
    /// Dropped since the host was last told of it.
    dropped: u64,
    /// A thread is delivering.
    delivering: bool,
}

/// A function of the host's that gets the log.
pub type LogFn = Box<dyn Fn(Level, &str) + Send + Sync>;

/// Where a family of options logs to. Clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Sink>);

struct Sink {
    id: u64,
    function: LogFn,
}

/// How many messages were dropped because a host was slow to take them.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// True on a thread that is inside a log function of the host's, which must not wait for other threads: they may be
/// waiting for this one.
pub(crate) fn is_in_callback() -> bool {
    IN_CALLBACK.get()
}

impl Log {
    pub(crate) fn new(function: LogFn) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        QUEUES.lock().0.insert(id, Queue::default());
        Self(Arc::new(Sink { id, function }))
    }

    /// Queues a message, and delivers what is queued unless another thread does, until `limits` end that.
    pub(crate) fn log(&self, level: Level, message: fmt::Arguments<'_>, limits: &Limits<'_>) {
        let message = truncate(single_line(&message.to_string()), MAX_LINE);
        {
            let mut queues = QUEUES.lock();
            let Some(queue) = queues.0.get_mut(&self.0.id) else { return };
            queue.push(level, message);
            if std::mem::replace(&mut queue.delivering, true) {
                return;
            }
        }
        self.deliver(limits);
    }

    /// Delivers what other threads have left behind, for a moment: the call that ends may be the last one with this log.
    pub(crate) fn flush(&self, clock: &dyn Clock) {
        {
            let mut queues = QUEUES.lock();
            let Some(queue) = queues.0.get_mut(&self.0.id) else { return };
            if queue.messages.is_empty() || std::mem::replace(&mut queue.delivering, true) {
                return;
            }
        }
        self.deliver(&Limits::new(clock, None));
    }

    fn deliver(&self, limits: &Limits<'_>) {
        let _uncancellable = CancellationDisabled::new();
        let mut reset = ResetOnUnwind { id: self.0.id, was_in_callback: is_in_callback(), done: false };
        let catch_up = limits.with_timeout(CATCH_UP);
        // One for one: a thread that adds a message delivers one, however little time is left.
        let mut may_go_on = true;
        while let Some((level, message)) = next(self.0.id, may_go_on) {
            IN_CALLBACK.set(true);
            (self.0.function)(level, &message);
            IN_CALLBACK.set(reset.was_in_callback);
            may_go_on = catch_up.stop().is_none();
        }
        reset.done = true;
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.0.id).finish()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let left = QUEUES.lock().0.remove(&self.id).map_or(0, |queue| queue.messages.len());
        DROPPED.fetch_add(left as u64, Ordering::Relaxed);
    }
}

impl Queue {
    /// Adds a message. A full queue loses its least important message, the oldest of those.
    fn push(&mut self, level: Level, message: String) {
        self.messages.push_back((level, message));
        if self.messages.len() > MAX_QUEUED {
            let least = self.messages.iter().map(|(level, _)| *level).max();
            let index = self.messages.iter().position(|(level, _)| Some(*level) == least);
            self.messages.remove(index.unwrap_or(0));
            self.dropped += 1;
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The next message, or the end of delivering: both under one lock, so that no message falls in between.
fn next(id: u64, may_go_on: bool) -> Option<(Level, String)> {
    let mut queues = QUEUES.lock();
    let queue = queues.0.get_mut(&id)?;
    if may_go_on && queue.dropped > 0 && !queue.messages.is_empty() {
        let dropped = std::mem::take(&mut queue.dropped);
        return Some((Level::Warn, format!("{dropped} log messages were dropped: the log function is too slow")));
    }
    let message = if may_go_on { queue.messages.pop_front() } else { None };
    queue.delivering = message.is_some();
    message
}

/// A log function that unwinds, which only a Rust host's can, must not end its log for good.
struct ResetOnUnwind {
    id: u64,
    was_in_callback: bool,
    done: bool,
}

impl Drop for ResetOnUnwind {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        IN_CALLBACK.set(self.was_in_callback);
        if let Some(queue) = QUEUES.lock().0.get_mut(&self.id) {
            queue.delivering = false;
        }
    }
}

impl ResetInChild for Queues {
    /// The delivering thread is gone, and what it had not delivered is the parent's to deliver.
    fn reset_in_child(&mut self) {
        for queue in self.0.values_mut() {
            *queue = Queue::default();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
