//! Days that go by in an instant: by the library's own hook, and for the machine's clock as libfaketime has it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::api::Api;
use crate::counters::{Tally, What};
use crate::rng::Dice;
use crate::token_oracle::Ledger;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long the machine's clock may take to follow the file: libfaketime looks into it once a second.
const FOLLOWS: Duration = Duration::from_secs(20);

/// Longer than any request is in the air.
const FLIGHT: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Clocks {
    begun: AtomicU64,
    over: AtomicU64,
    /// The latest turns: when, and how far the one that went furthest was turned forward.
    turns: Mutex<VecDeque<(Instant, i64)>>,
    /// How far the library's wall clock was turned by its hook.
    ahead_ms: AtomicI64,
    outside: Option<Outside>,
}

/// The file that libfaketime reads, and what it says.
struct Outside {
    file: PathBuf,
    offset_s: Mutex<i64>,
}

impl Clocks {
    /// The file's name comes from libfaketime's own variable.
    pub fn new() -> Self {
        let file = std::env::var_os("FAKETIME_TIMESTAMP_FILE").map(PathBuf::from);
        let outside = file.map(|file| Outside { file, offset_s: Mutex::new(0) });
        Self { outside, ..Self::default() }
    }

    pub fn has_outside(&self) -> bool {
        self.outside.is_some()
    }

    /// How many turns there were, if none is under way.
    pub fn still(&self) -> Option<u64> {
        let over = self.over.load(Ordering::SeqCst);
        (self.begun.load(Ordering::SeqCst) == over).then_some(over)
    }

    /// Seconds that went by besides those that really did, since a request began that was in the air at `moment`.
    pub fn turned_s(&self, moment: Instant) -> i64 {
        let turns = self.turns.lock().expect("no thread panics here");
        let late = |(when, _): &&(Instant, i64)| moment.saturating_duration_since(*when) < FLIGHT;
        turns.iter().filter(late).map(|(_, ms)| ms / 1_000).sum()
    }

    /// What the library's wall clock has to read, by the machine's clock as this process sees it.
    pub fn now_s(&self) -> i64 {
        since_epoch_s(SystemTime::now()) + self.ahead_ms.load(Ordering::SeqCst) / 1_000
    }

    /// Turns the library's clocks by its hook.
    pub fn turn(&self, api: &Api, ledger: &Ledger, tally: &Tally, dice: &mut Dice) {
        let (wall, boot) = dice.weighed(&[
            (2, (HOUR_MS, HOUR_MS)),
            (3, (20 * HOUR_MS, 20 * HOUR_MS)),
            (5, (DAY_MS, DAY_MS)),
            (1, (3 * DAY_MS, 3 * DAY_MS)),
            (1, (2 * HOUR_MS, 0)),
            (1, (-2 * HOUR_MS, 0)),
        ]);
        let since = ledger.tick();
        self.while_turning(wall.max(boot), || {
            api.turn(wall, boot);
            self.ahead_ms.fetch_add(wall, Ordering::SeqCst);
        });
        if boot >= DAY_MS {
            ledger.bury(since);
        }
        tally.add(What::DaysTurned, u64::try_from(boot / DAY_MS).expect("time goes forward"));
        tally.add(What::ClockTurns, 1);
    }

    /// Sets the machine's clock, as this process sees it, forward or back.
    pub fn step(&self, tally: &Tally, dice: &mut Dice) {
        let Some(outside) = &self.outside else { return };
        let mut offset = outside.offset_s.lock().expect("no thread panics here");
        let next = dice.pick(&[-10_800, -3_600, -60, 0, 60, 3_600, 10_800]);
        let by = next - *offset;
        let before = SystemTime::now();
        self.while_turning(by * 1_000, || {
            outside.write(next);
            // Others must not take the clock for still until it has followed.
            let start = Instant::now();
            while (since_epoch_s(SystemTime::now()) - since_epoch_s(before) - by).abs() > 25 {
                assert!(start.elapsed() < FOLLOWS, "the machine's clock does not follow libfaketime's file");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        *offset = next;
        if by != 0 {
            tally.add(What::ClockSteps, 1);
        }
    }

    fn while_turning(&self, forward_ms: i64, work: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        {
            let mut turns = self.turns.lock().expect("no thread panics here");
            while turns.front().is_some_and(|(when, _)| when.elapsed() > 3 * FLIGHT) {
                turns.pop_front();
            }
            turns.push_back((Instant::now(), forward_ms.max(0)));
        }
        work();
        self.over.fetch_add(1, Ordering::SeqCst);
    }
}

impl Outside {
    /// In one step, so that nobody reads half of it.
    fn write(&self, offset_s: i64) {
        let draft = self.file.with_extension("draft");
        std::fs::write(&draft, format!("{offset_s:+}\n")).expect("the folder can be written to");
        std::fs::rename(&draft, &self.file).expect("the folder can be written to");
    }
}

fn since_epoch_s(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).expect("the clock is set to our times")
}
