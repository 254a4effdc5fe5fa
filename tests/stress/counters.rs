//! Counts every operation, so that a run that left something out is noticed.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! events {
    ($($event:ident = $name:literal),* $(,)?) => {
        #[derive(Clone, Copy)]
        pub enum Event { $($event),* }

        const NAMES: &[&str] = &[$($name),*];
    };
}

events! {
    Calls = "calls",
    Cached = "tokens from the cache, returned before",
    Granted = "sessions returned",
    Failed = "calls that failed",
    Refreshed = "calls with cache=refresh or bypass",
    Reauthorized = "reauthorized with a rejected token",
    TokensUsed = "tokens used at the server",
    Invalidated = "sessions invalidated",
    Cleared = "caches cleared",
    Cancelled = "cancels triggered during a call",
    CancelledBefore = "calls whose cancel was triggered before",
    Batches = "batches",
    BatchEntries = "entries of batches",
    Actions = "JSON actions",
    Forks = "children forked",
    ChildRequests = "requests made by children",
    Retained = "sessions freed by another thread",
    InvalidKeys = "calls with an invalid key",
    UntrustedServers = "calls to an untrusted server",
    Faults = "faults scripted",
    Swaps = "keys replaced by others of their id",
    Expired = "times that the server expired a key's tokens",
    Temporary = "temporary keys",
    ClockShifts = "shifts of the library's clocks",
    DaysShifted = "days that the clocks were shifted by",
    ClockSteps = "steps of the machine's clock",
    Requests = "requests to the server",
    Matched = "responses found in both logs",
    Rounds = "rounds",
}

pub struct Counters {
    counts: Vec<AtomicU64>,
    /// By status number.
    statuses: Vec<AtomicU64>,
}

impl Counters {
    pub fn new() -> Self {
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { counts: zeros(NAMES.len()), statuses: zeros(16) }
    }

    pub fn add(&self, event: Event, count: u64) {
        self.counts[event as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self, event: Event) -> u64 {
        self.counts[event as usize].load(Ordering::Relaxed)
    }

    /// Counts a status; false for a number that the header does not define.
    pub fn status(&self, status: i32) -> bool {
        let known = usize::try_from(status).ok().and_then(|status| self.statuses.get(status));
        known.inspect(|count| _ = count.fetch_add(1, Ordering::Relaxed)).is_some()
    }

    pub fn print(&self, status_name: impl Fn(i32) -> String) {
        for (name, count) in NAMES.iter().zip(&self.counts) {
            println!("{:>12}  {name}", count.load(Ordering::Relaxed));
        }
        for (status, count) in self.statuses.iter().enumerate() {
            println!(
                "{:>12}  {}",
                count.load(Ordering::Relaxed),
                status_name(i32::try_from(status).expect("there are few"))
            );
        }
    }

    /// What was done too rarely to show anything. Not every machine has libfaketime for its clock.
    pub fn missing(&self, least: u64, with_steps: bool) -> Vec<String> {
        let rare = |count: &AtomicU64| count.load(Ordering::Relaxed) < least;
        let never = |count: &AtomicU64| count.load(Ordering::Relaxed) == 0;
        let exempt = |index: usize| {
            [Event::Rounds as usize].contains(&index) || (index == Event::ClockSteps as usize && !with_steps)
        };
        let events = self.counts.iter().enumerate().filter(|(index, count)| rare(count) && !exempt(*index));
        // Never expected here: no credentials, store error, internal error.
        let statuses =
            self.statuses.iter().enumerate().filter(|(status, count)| never(count) && ![2, 14, 15].contains(status));
        events
            .map(|(index, _)| NAMES[index].to_owned())
            .chain(statuses.map(|(status, _)| format!("status {status}")))
            .collect()
    }
}
