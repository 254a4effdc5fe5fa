//! Clock shifts: of the library's clocks by its test hook, and of the machine's clock by libfaketime.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::api::Api;
use crate::counters::{Counters, Event};
use crate::rng::Rng;
use crate::token_oracle::TokenOracle;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long the machine's clock may take to follow the file, which libfaketime reads once a second.
const FOLLOW_TIME: Duration = Duration::from_secs(20);

/// Longer than any request is in flight.
const MAX_REQUEST_TIME: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Clocks {
    begun: AtomicU64,
    finished: AtomicU64,
    /// The latest shifts: when, and by how much the clock that moved furthest was set forward.
    shifts: Mutex<VecDeque<(Instant, i64)>>,
    /// By how much the library's wall clock was shifted.
    ahead_ms: AtomicI64,
    machine: Option<MachineClock>,
}

/// The file that libfaketime reads, and the offset in it.
struct MachineClock {
    file: PathBuf,
    offset_s: Mutex<i64>,
}

impl Clocks {
    /// The file's name comes from libfaketime's own variable.
    pub fn new() -> Self {
        let file = std::env::var_os("FAKETIME_TIMESTAMP_FILE").map(PathBuf::from);
        let machine = file.map(|file| MachineClock { file, offset_s: Mutex::new(0) });
        Self { machine, ..Self::default() }
    }

    pub fn has_machine_clock(&self) -> bool {
        self.machine.is_some()
    }

    /// The number of shifts, if none is in progress.
    pub fn shifts_if_idle(&self) -> Option<u64> {
        let finished = self.finished.load(Ordering::SeqCst);
        (self.begun.load(Ordering::SeqCst) == finished).then_some(finished)
    }

    /// The seconds by which the clocks were shifted since the start of any request in flight at `moment`.
    pub fn shifted_s(&self, moment: Instant) -> i64 {
        let shifts = self.shifts.lock().expect("no thread panics here");
        let recent = |(when, _): &&(Instant, i64)| moment.saturating_duration_since(*when) < MAX_REQUEST_TIME;
        shifts.iter().filter(recent).map(|(_, ms)| ms / 1_000).sum()
    }

    /// The expected reading of the library's wall clock.
    pub fn now_s(&self) -> i64 {
        since_epoch_s(SystemTime::now()) + self.ahead_ms.load(Ordering::SeqCst) / 1_000
    }

    /// Shifts the library's clocks.
    pub fn shift(&self, api: &Api, oracle: &TokenOracle, counters: &Counters, rng: &mut Rng) {
        let (wall, boot) = rng.weighted(&[
            (2, (HOUR_MS, HOUR_MS)),
            (3, (20 * HOUR_MS, 20 * HOUR_MS)),
            (5, (DAY_MS, DAY_MS)),
            (1, (3 * DAY_MS, 3 * DAY_MS)),
            (1, (2 * HOUR_MS, 0)),
            (1, (-2 * HOUR_MS, 0)),
        ]);
        let since = oracle.tick();
        self.while_shifting(wall.max(boot), || {
            api.shift_clocks(wall, boot);
            self.ahead_ms.fetch_add(wall, Ordering::SeqCst);
        });
        if boot >= DAY_MS {
            oracle.day_passed(since);
        }
        counters.add(Event::DaysShifted, u64::try_from(boot / DAY_MS).expect("time goes forward"));
        counters.add(Event::ClockShifts, 1);
    }

    /// Steps the machine's clock, as this process reads it, forward or back.
    pub fn step(&self, counters: &Counters, rng: &mut Rng) {
        let Some(machine) = &self.machine else { return };
        let mut offset = machine.offset_s.lock().expect("no thread panics here");
        let next = rng.pick(&[-10_800, -3_600, -60, 0, 60, 3_600, 10_800]);
        let by = next - *offset;
        let before = SystemTime::now();
        self.while_shifting(by * 1_000, || {
            machine.write(next);
            // Other threads must not take the shift for finished before the clock follows.
            let start = Instant::now();
            while (since_epoch_s(SystemTime::now()) - since_epoch_s(before) - by).abs() > 25 {
                assert!(start.elapsed() < FOLLOW_TIME, "the machine's clock does not follow libfaketime's file");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        *offset = next;
        if by != 0 {
            counters.add(Event::ClockSteps, 1);
        }
    }

    fn while_shifting(&self, forward_ms: i64, work: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        {
            let mut shifts = self.shifts.lock().expect("no thread panics here");
            while shifts.front().is_some_and(|(when, _)| when.elapsed() > 3 * MAX_REQUEST_TIME) {
                shifts.pop_front();
            }
            shifts.push_back((Instant::now(), forward_ms.max(0)));
        }
        work();
        self.finished.fetch_add(1, Ordering::SeqCst);
    }
}

impl MachineClock {
    /// By a rename, so that no reader gets half of it.
    fn write(&self, offset_s: i64) {
        let draft = self.file.with_extension("draft");
        std::fs::write(&draft, format!("{offset_s:+}\n")).expect("the folder can be written to");
        std::fs::rename(&draft, &self.file).expect("the folder can be written to");
    }
}

fn since_epoch_s(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).expect("the clock is after 1970")
}
