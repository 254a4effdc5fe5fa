//! The run log as it happens: each decision worth knowing at 3 a.m., told to a function of the host's.
//!
//! Nobody waits for it. A thread with something to say puts it in the log's queue; if no other thread is telling, it
//! tells what is there. So the host hears one message at a time, and a host that calls the library from its log waits
//! for nothing that waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sanitize;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// A call failed.
    Error = 1,
    /// Something went wrong that a call can live with.
    Warn = 2,
    /// What was asked of B2, and what it answered.
    Info = 3,
    /// What was decided without asking.
    Debug = 4,
}

/// Messages kept for a host that is slow to hear them; past that the oldest are dropped.
const MOST_QUEUED: usize = 1_024;

/// The queues of all logs. One lock for all, held to put in and take out: a fork can take it.
static QUEUES: Mutex<BTreeMap<u64, Queue>> = Mutex::new(BTreeMap::new());

#[derive(Default)]
struct Queue {
    messages: VecDeque<(Level, String)>,
    /// A thread is telling the host, and will look again before it stops.
    told: bool,
}

/// A function that hears the log.
pub type Tell = Box<dyn Fn(Level, &str) + Send + Sync>;

/// Where a family of options reports to. Clones share it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Sink>);

struct Sink {
    id: u64,
    tell: Tell,
}

impl Log {
    pub(crate) fn new(tell: Tell) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        queues().insert(id, Queue::default());
        Self(Arc::new(Sink { id, tell }))
    }

    pub(crate) fn say(&self, level: Level, message: fmt::Arguments<'_>) {
        let message = sanitize::line(&message.to_string());
        let id = self.0.id;
        {
            let mut queues = queues();
            let Some(queue) = queues.get_mut(&id) else { return };
            if queue.messages.len() >= MOST_QUEUED {
                queue.messages.pop_front();
            }
            queue.messages.push_back((level, message));
            if std::mem::replace(&mut queue.told, true) {
                return;
            }
        }
        let _stop = StopTelling(id);
        while let Some((level, message)) = next(id) {
            (self.0.tell)(level, &message);
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.0.id).finish()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        queues().remove(&self.id);
    }
}

/// The next message, or the end of telling: both under one lock, so that nothing falls in between.
fn next(id: u64) -> Option<(Level, String)> {
    let mut queues = queues();
    let queue = queues.get_mut(&id)?;
    let message = queue.messages.pop_front();
    queue.told = message.is_some();
    message
}

/// A host whose function unwinds, which only a Rust host's can, must not silence its log for ever.
struct StopTelling(u64);

impl Drop for StopTelling {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(queue) = queues().get_mut(&self.0)
        {
            queue.told = false;
        }
    }
}

fn queues() -> MutexGuard<'static, BTreeMap<u64, Queue>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The queues' lock, for the length of a fork.
pub(crate) struct Held(MutexGuard<'static, BTreeMap<u64, Queue>>);

/// Takes the lock before a fork.
#[cfg(not(loom))]
pub(crate) fn hold() -> Held {
    Held(queues())
}

#[cfg(not(loom))]
impl Held {
    /// In the child: whoever was telling is gone, and what was not told is the parent's to tell.
    pub(crate) fn forget(&mut self) {
        for queue in self.0.values_mut() {
            *queue = Queue::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_log_that_speaks_to_itself_is_heard_in_order() {
        let (heard, said) = mpsc::channel();
        let again: Arc<Mutex<Option<Log>>> = Arc::default();
        let inner = Arc::clone(&again);
        let log = Log::new(Box::new(move |level, message| {
            heard.send((level, message.to_owned())).expect("the test listens");
            if message == "first" {
                let log = inner.lock().expect("no panic").clone().expect("it is set");
                log.say(Level::Debug, format_args!("second"));
                heard.send((Level::Debug, "after".to_owned())).expect("the test listens");
            }
        }));
        *again.lock().expect("no panic") = Some(log.clone());
        log.say(Level::Error, format_args!("first"));
        again.lock().expect("no panic").take();
        let said: Vec<_> = said.try_iter().map(|(_, message)| message).collect();
        assert_eq!(said, ["first", "after", "second"]);
    }

    #[test]
    fn a_message_is_one_harmless_line() {
        let (heard, said) = mpsc::channel();
        let log = Log::new(Box::new(move |_, message| heard.send(message.to_owned()).expect("the test listens")));
        log.say(Level::Debug, format_args!("the key comes from {}", "a\n\u{1b}[2Jb\u{202e}c"));
        assert_eq!(said.recv().expect("it is told"), "the key comes from a  [2Jb c");
    }

    #[test]
    fn a_message_said_while_another_is_told_is_told_by_that_thread() {
        let (heard, said) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let log = Log::new(Box::new(move |_, message| {
            heard.send((message.to_owned(), std::thread::current().id())).expect("the test listens");
            if message == "slow" {
                gate.lock().expect("no panic").recv().expect("it opens");
            }
        }));
        let slow = log.clone();
        let teller = std::thread::spawn(move || slow.say(Level::Info, format_args!("slow")));
        let (first, by) = said.recv().expect("it is told");
        assert_eq!(first, "slow");
        // This does not wait, though the host is busy hearing.
        log.say(Level::Info, format_args!("quick"));
        open.send(()).expect("it waits");
        teller.join().expect("no panic");
        assert_eq!(said.recv().expect("it is told"), ("quick".to_owned(), by));
    }

    #[test]
    fn a_flood_keeps_the_newest() {
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let (heard, said) = mpsc::channel();
        let log = Log::new(Box::new(move |_, message| {
            if message == "start" {
                gate.lock().expect("no panic").recv().expect("it opens");
            }
            heard.send(message.to_owned()).expect("the test listens");
        }));
        let first = log.clone();
        let teller = std::thread::spawn(move || first.say(Level::Info, format_args!("start")));
        while !queues().get(&log.0.id).is_some_and(|queue| queue.told && queue.messages.is_empty()) {
            std::thread::yield_now();
        }
        for number in 0..=MOST_QUEUED {
            log.say(Level::Info, format_args!("{number}"));
        }
        open.send(()).expect("it waits");
        teller.join().expect("no panic");
        let said: Vec<_> = said.try_iter().collect();
        assert_eq!((said.len(), said[1].as_str()), (MOST_QUEUED + 1, "1"));
    }
}
