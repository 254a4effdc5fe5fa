//! The thread that makes the weather: faults, keys that come and go, days that go by.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::counters::What;
use crate::faults;
use crate::identities::{ENDING, KEYS, STEADY, steady_id, told};
use crate::rng::Dice;
use crate::run::{Pace, Storm};
use crate::server_process::Control;

pub struct Director<'s> {
    storm: &'s Storm,
    place: usize,
    control: Control,
    dice: Dice,
    turns: Pace,
    steps: Pace,
    swaps: Pace,
    expiries: Pace,
    arrivals: Pace,
}

impl<'s> Director<'s> {
    pub fn new(storm: &'s Storm, place: usize) -> Self {
        let mut director = Self {
            storm,
            place,
            control: storm.server.control(),
            dice: Dice::new(storm.seed, 0),
            turns: Pace::every(Duration::from_millis(600)),
            steps: Pace::every(Duration::from_secs(3)),
            swaps: Pace::every(Duration::from_millis(120)),
            expiries: Pace::every(Duration::from_millis(500)),
            arrivals: Pace::every(Duration::from_secs(1)),
        };
        for id in 0..STEADY {
            director.control.post("keys", &told(id, 0, &mut director.dice));
        }
        director
    }

    pub fn play(&mut self) {
        let storm = self.storm;
        loop {
            storm.barrier.wait();
            if storm.over.load(Ordering::SeqCst) {
                return;
            }
            while !storm.rest.load(Ordering::SeqCst) {
                storm.watch.enter(self.place, "directing", "");
                storm.guarded(|| self.direct());
                std::thread::sleep(Duration::from_millis(self.dice.between(2, 15)));
            }
            storm.watch.enter(self.place, "resting", "");
            storm.barrier.wait();
        }
    }

    fn direct(&mut self) {
        let storm = self.storm;
        self.script();
        if self.turns.is_due() {
            storm.clocks.turn(storm.api, &storm.ledger, &storm.tally, &mut self.dice);
        }
        if self.steps.is_due() {
            storm.clocks.step(&storm.tally, &mut self.dice);
        }
        if self.swaps.is_due() {
            let id = self.dice.below(STEADY);
            let key = if self.dice.chance(800) { 0 } else { self.dice.below(KEYS) };
            self.control.post("keys", &told(id, key, &mut self.dice));
            self.control.post("keys", &told(ENDING, 0, &mut self.dice));
            storm.tally.add(What::Swaps, 1);
        }
        if self.expiries.is_due() {
            let id = self.dice.below(STEADY);
            self.control.post("expire", &json!({ "keyId": steady_id(id) }));
            storm.tally.add(What::Expired, 1);
        }
        if self.arrivals.is_due() {
            let control = &mut self.control;
            storm.cast.more(40, |keys| control.post("keys", &keys));
            storm.tally.add(What::Passing, 40);
        }
    }

    fn script(&mut self) {
        let of = if self.dice.chance(100) { "*".to_owned() } else { steady_id(self.dice.below(STEADY)) };
        let faults = if self.dice.chance(500) { Vec::new() } else { faults::series(&mut self.dice) };
        self.storm.tally.add(What::Faults, faults.len() as u64);
        self.control.post("script", &json!({ "keyId": of, "faults": faults }));
    }
}
