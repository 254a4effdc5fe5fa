//! The thread that changes the conditions: faults, keys that come and go, clock shifts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::counters::Event;
use crate::faults;
use crate::identities::{EXPIRING_ID, KEYS_PER_ID, PERMANENT_IDS, permanent_id, permanent_key_json};
use crate::rng::Rng;
use crate::run::{Interval, Run};
use crate::server_process::Control;

pub struct Chaos<'s> {
    run: &'s Run,
    index: usize,
    control: Control,
    rng: Rng,
    shifts: Interval,
    steps: Interval,
    swaps: Interval,
    expiries: Interval,
    arrivals: Interval,
}

impl<'s> Chaos<'s> {
    pub fn new(run: &'s Run, index: usize) -> Self {
        let mut chaos = Self {
            run,
            index,
            control: run.server.control(),
            rng: Rng::new(run.seed, 0),
            shifts: Interval::every(Duration::from_millis(600)),
            steps: Interval::every(Duration::from_secs(3)),
            swaps: Interval::every(Duration::from_millis(120)),
            expiries: Interval::every(Duration::from_millis(500)),
            arrivals: Interval::every(Duration::from_secs(1)),
        };
        for id in 0..PERMANENT_IDS {
            chaos.control.post("keys", &permanent_key_json(id, 0, &mut chaos.rng));
        }
        chaos
    }

    pub fn run_rounds(&mut self) {
        let run = self.run;
        loop {
            run.barrier.wait();
            if run.done.load(Ordering::SeqCst) {
                return;
            }
            while !run.pause.load(Ordering::SeqCst) {
                run.watchdog.enter(self.index, "changing conditions", "");
                run.catch_panics(|| self.step());
                std::thread::sleep(Duration::from_millis(self.rng.between(2, 15)));
            }
            run.watchdog.enter(self.index, "paused", "");
            run.barrier.wait();
        }
    }

    fn step(&mut self) {
        let run = self.run;
        self.script();
        if self.shifts.is_due() {
            run.clocks.shift(run.api, &run.oracle, &run.counters, &mut self.rng);
        }
        if self.steps.is_due() {
            run.clocks.step(&run.counters, &mut self.rng);
        }
        if self.swaps.is_due() {
            let id = self.rng.below(PERMANENT_IDS);
            let key = if self.rng.chance(800) { 0 } else { self.rng.below(KEYS_PER_ID) };
            self.control.post("keys", &permanent_key_json(id, key, &mut self.rng));
            self.control.post("keys", &permanent_key_json(EXPIRING_ID, 0, &mut self.rng));
            run.counters.add(Event::Swaps, 1);
        }
        if self.expiries.is_due() {
            let id = self.rng.below(PERMANENT_IDS);
            self.control.post("expire", &json!({ "keyId": permanent_id(id) }));
            run.counters.add(Event::Expired, 1);
        }
        if self.arrivals.is_due() {
            let control = &mut self.control;
            run.identities.add_temporary(40, |keys| control.post("keys", &keys));
            run.counters.add(Event::Temporary, 40);
        }
    }

    fn script(&mut self) {
        let of = if self.rng.chance(100) { "*".to_owned() } else { permanent_id(self.rng.below(PERMANENT_IDS)) };
        let faults = if self.rng.chance(500) { Vec::new() } else { faults::sequence(&mut self.rng) };
        self.run.counters.add(Event::Faults, faults.len() as u64);
        self.control.post("script", &json!({ "keyId": of, "faults": faults }));
    }
}
