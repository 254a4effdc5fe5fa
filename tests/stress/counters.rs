//! How often everything was done, so that a storm that left something out is seen.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! things {
    ($($thing:ident = $words:literal),* $(,)?) => {
        #[derive(Clone, Copy)]
        pub enum What { $($thing),* }

        const WORDS: &[&str] = &[$($words),*];
    };
}

things! {
    Calls = "calls",
    Cached = "tokens from the cache, seen before",
    Granted = "sessions handed out",
    Failed = "calls that failed",
    Refreshed = "calls past the cache",
    Reauthorized = "reauthorized after a refusal",
    Spent = "tokens used at the server",
    Invalidated = "sessions invalidated",
    Cleared = "caches cleared",
    Cancelled = "cancels triggered while a call ran",
    TooLate = "calls whose cancel was triggered before",
    Batches = "batches",
    Places = "places in batches",
    Actions = "JSON actions",
    Forks = "children forked",
    ChildRequests = "requests made by children",
    Retained = "sessions freed by another thread",
    Misused = "calls with a bad key",
    Distrusted = "calls to a server not trusted",
    Faults = "faults scripted",
    Swaps = "keys exchanged for others of their id",
    Expired = "times that the server ended a key's tokens",
    Passing = "keys that came and went",
    ClockTurns = "turns of the library's clocks",
    DaysTurned = "days turned",
    ClockSteps = "steps of the machine's clock",
    Requests = "requests to the server",
    Matched = "answers found in both logs",
    Rounds = "rounds",
}

pub struct Tally {
    counts: Vec<AtomicU64>,
    /// By status number.
    statuses: Vec<AtomicU64>,
}

impl Tally {
    pub fn new() -> Self {
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { counts: zeros(WORDS.len()), statuses: zeros(16) }
    }

    pub fn add(&self, what: What, count: u64) {
        self.counts[what as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self, what: What) -> u64 {
        self.counts[what as usize].load(Ordering::Relaxed)
    }

    /// False for a number that the header does not know.
    pub fn status(&self, status: i32) -> bool {
        let known = usize::try_from(status).ok().and_then(|status| self.statuses.get(status));
        known.inspect(|count| _ = count.fetch_add(1, Ordering::Relaxed)).is_some()
    }

    pub fn print(&self, name: impl Fn(i32) -> String) {
        for (words, count) in WORDS.iter().zip(&self.counts) {
            println!("{:>12}  {words}", count.load(Ordering::Relaxed));
        }
        for (status, count) in self.statuses.iter().enumerate() {
            println!("{:>12}  {}", count.load(Ordering::Relaxed), name(i32::try_from(status).expect("there are few")));
        }
    }

    /// What was done too seldom to have shown anything. Not every machine has a clock that can be set from outside.
    pub fn missing(&self, least: u64, with_steps: bool) -> Vec<String> {
        let seldom = |count: &AtomicU64| count.load(Ordering::Relaxed) < least;
        let never = |count: &AtomicU64| count.load(Ordering::Relaxed) == 0;
        let exempt = |place: usize| {
            [What::Rounds as usize].contains(&place) || (place == What::ClockSteps as usize && !with_steps)
        };
        let things = self.counts.iter().enumerate().filter(|(place, count)| seldom(count) && !exempt(*place));
        // Never to be seen here: no credentials, no store, no bug.
        let statuses =
            self.statuses.iter().enumerate().filter(|(status, count)| never(count) && ![2, 14, 15].contains(status));
        things
            .map(|(place, _)| WORDS[place].to_owned())
            .chain(statuses.map(|(status, _)| format!("status {status}")))
            .collect()
    }
}
