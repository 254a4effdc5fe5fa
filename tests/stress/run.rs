//! What all threads share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use crate::api::{Api, Cancel, Session};
use crate::clocks::Clocks;
use crate::counters::Counters;
use crate::identities::{Identities, Identity};
use crate::log_capture::InFlight;
use crate::secrets::Secrets;
use crate::server_log_check::CallRecord;
use crate::server_process::Server;
use crate::token_oracle::TokenOracle;
use crate::watchdog::Watchdog;

/// The invariants, in the order of the report.
pub const INVARIANTS: [&str; 7] = [
    "one request in flight for a key",
    "no token of another key",
    "no expired, invalidated or rejected token",
    "every request accounted for in both logs and the counters",
    "every call returns what the header documents, and no text contains a secret",
    "everything released: memory, descriptors, threads, log handlers",
    "no thread hangs or panics",
];

/// Further violations are not recorded.
const MAX_VIOLATIONS: usize = 12;

/// A session that a thread holds, and whose it is.
pub struct HeldSession {
    pub session: Session,
    pub identity: Identity,
}

/// A cancel for a call of another thread.
pub struct CancelHandle {
    pub cancel: Cancel,
    /// Set before the cancel is triggered.
    pub triggered: AtomicBool,
}

impl CancelHandle {
    pub fn trigger(&self) {
        self.triggered.store(true, Ordering::SeqCst);
        self.cancel.trigger();
    }
}

pub struct Run {
    pub api: &'static Api,
    pub server: Server,
    pub identities: Identities,
    pub oracle: Arc<TokenOracle>,
    pub in_flight: Arc<InFlight>,
    pub secrets: Arc<Secrets>,
    pub clocks: Clocks,
    pub counters: Counters,
    pub watchdog: Watchdog,
    pub seed: u64,
    /// Sessions that go from thread to thread.
    pub pools: Vec<Mutex<Vec<HeldSession>>>,
    /// One slot for each worker's call.
    pub cancels: Vec<Mutex<Option<Arc<CancelHandle>>>>,
    /// The requests of each worker's calls in this round.
    pub records: Vec<Mutex<Vec<CallRecord>>>,
    /// Log handlers that the library has not released.
    pub logs: Arc<AtomicU64>,
    /// True in rounds with calls that have no log.
    pub some_unlogged: AtomicBool,
    /// All threads are to pause.
    pub pause: AtomicBool,
    pub done: AtomicBool,
    pub barrier: Barrier,
    pub clears: Interval,
    pub forks: Interval,
    violations: Mutex<Vec<(usize, String)>>,
}

impl Run {
    pub fn new(api: &'static Api, server: Server, workers: usize, seed: u64, clears: Interval) -> Self {
        let secrets = Secrets::new();
        secrets.self_test();
        Self {
            api,
            identities: Identities::new(&server),
            server,
            oracle: Arc::new(TokenOracle::new()),
            in_flight: Arc::new(InFlight::new()),
            secrets: Arc::new(secrets),
            clocks: Clocks::new(),
            counters: Counters::new(),
            watchdog: Watchdog::new(workers + 1),
            seed,
            pools: (0..16).map(|_| Mutex::default()).collect(),
            cancels: (0..workers).map(|_| Mutex::default()).collect(),
            records: (0..workers).map(|_| Mutex::default()).collect(),
            logs: Arc::default(),
            some_unlogged: AtomicBool::new(false),
            pause: AtomicBool::new(false),
            done: AtomicBool::new(false),
            // The workers, the chaos thread, and the thread that runs the rounds.
            barrier: Barrier::new(workers + 2),
            clears,
            forks: Interval::every(Duration::from_millis(150)),
            violations: Mutex::default(),
        }
    }

    /// Records a violation of an invariant, which is counted from 1.
    pub fn violation(&self, invariant: usize, what: impl Into<String>) {
        let mut violations = self.violations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if violations.len() < MAX_VIOLATIONS {
            violations.push((invariant, what.into()));
        }
    }

    pub fn violations(&self) -> Vec<(usize, String)> {
        self.violations.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Runs some work; a panic in it is a violation.
    pub fn catch_panics(&self, work: impl FnOnce()) {
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
            self.violation(7, format!("a panic: {}", panic_message(&*panic)));
        }
    }
}

pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}

/// A minimum time between two events.
pub struct Interval {
    every: Duration,
    start: Instant,
    next_ms: AtomicU64,
}

impl Interval {
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
