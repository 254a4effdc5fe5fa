//! What all threads of the storm share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use crate::api::{Api, Cancel, Session};
use crate::clocks::Clocks;
use crate::counters::Tally;
use crate::identities::{Cast, Who};
use crate::log_capture::Air;
use crate::secrets::Secrets;
use crate::server_log_check::Record;
use crate::server_process::Server;
use crate::token_oracle::Ledger;
use crate::watchdog::Watch;

/// What is held true, in the order of the report.
pub const RULES: [&str; 7] = [
    "one request in the air for a key",
    "no token of another key",
    "no dead token",
    "every request explained by both logs and the counters",
    "every call ends as the header says, and no text tells a secret",
    "everything given back: memory, descriptors, threads, logs",
    "no thread hangs or panics",
];

/// More of them say no more.
const MOST_TROUBLES: usize = 12;

/// A session in somebody's hands, and whose it is.
pub struct Held {
    pub session: Session,
    pub who: Who,
}

/// What can end a call of another thread.
pub struct Ending {
    pub cancel: Cancel,
    /// Set before the cancel is triggered.
    pub meant: AtomicBool,
}

impl Ending {
    pub fn end(&self) {
        self.meant.store(true, Ordering::SeqCst);
        self.cancel.trigger();
    }
}

pub struct Storm {
    pub api: &'static Api,
    pub server: Server,
    pub cast: Cast,
    pub ledger: Arc<Ledger>,
    pub air: Arc<Air>,
    pub secrets: Arc<Secrets>,
    pub clocks: Clocks,
    pub tally: Tally,
    pub watch: Watch,
    pub seed: u64,
    /// Sessions that go from thread to thread.
    pub bags: Vec<Mutex<Vec<Held>>>,
    /// One place for each actor's call.
    pub endings: Vec<Mutex<Option<Arc<Ending>>>>,
    /// What each actor's calls asked in this round.
    pub records: Vec<Mutex<Vec<Record>>>,
    /// Logs given to the library and not yet released.
    pub logs: Arc<AtomicU64>,
    /// True in rounds with calls that have no log.
    pub unheard: AtomicBool,
    /// Everybody is to come to rest.
    pub rest: AtomicBool,
    pub over: AtomicBool,
    pub barrier: Barrier,
    pub clears: Pace,
    pub forks: Pace,
    troubles: Mutex<Vec<(usize, String)>>,
}

impl Storm {
    pub fn new(api: &'static Api, server: Server, actors: usize, seed: u64, clears: Pace) -> Self {
        let secrets = Secrets::new();
        secrets.check();
        Self {
            api,
            cast: Cast::new(&server),
            server,
            ledger: Arc::new(Ledger::new()),
            air: Arc::new(Air::new()),
            secrets: Arc::new(secrets),
            clocks: Clocks::new(),
            tally: Tally::new(),
            watch: Watch::new(actors + 1),
            seed,
            bags: (0..16).map(|_| Mutex::default()).collect(),
            endings: (0..actors).map(|_| Mutex::default()).collect(),
            records: (0..actors).map(|_| Mutex::default()).collect(),
            logs: Arc::default(),
            unheard: AtomicBool::new(false),
            rest: AtomicBool::new(false),
            over: AtomicBool::new(false),
            // The actors, the director, and whoever leads the rounds.
            barrier: Barrier::new(actors + 2),
            clears,
            forks: Pace::every(Duration::from_millis(150)),
            troubles: Mutex::default(),
        }
    }

    /// Something that must not be; `rule` counts from 1.
    pub fn trouble(&self, rule: usize, what: impl Into<String>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if troubles.len() < MOST_TROUBLES {
            troubles.push((rule, what.into()));
        }
    }

    pub fn troubles(&self) -> Vec<(usize, String)> {
        self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Runs one piece of work; a panic in it is trouble, and not the end.
    pub fn guarded(&self, work: impl FnOnce()) {
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
            self.trouble(7, format!("a panic: {}", said(&*panic)));
        }
    }
}

pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}

/// Lets something happen no more often than so.
pub struct Pace {
    every: Duration,
    start: Instant,
    next_ms: AtomicU64,
}

impl Pace {
    pub fn every(every: Duration) -> Self {
        Self { every, start: Instant::now(), next_ms: AtomicU64::new(0) }
    }

    /// True for one thread each time.
    pub fn is_due(&self) -> bool {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = millis(self.start.elapsed());
        let next = self.next_ms.load(Ordering::SeqCst);
        let to = now + millis(self.every);
        now >= next && self.next_ms.compare_exchange(next, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}
