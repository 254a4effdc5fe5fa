//! One of the threads that do everything at random.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::api::Options;
use crate::rng::Dice;
use crate::run::Storm;

type Act = fn(&mut Actor<'_>);

/// What an actor can do. The weights say how often.
const ACTS: &[(u64, (&str, Act))] = &[
    (60, ("authorize", |me| me.authorize())),
    (3, ("reauthorize", |me| me.ask_anew())),
    (6, ("reauthorize after a refusal", |me| me.reject())),
    (5, ("use a token", |me| me.spend())),
    (4, ("invalidate", |me| me.invalidate())),
    (2, ("clear the cache", |me| me.clear())),
    (8, ("cancel another's call", |me| me.cancel())),
    (8, ("pass sessions on", |me| me.pass_on())),
    (4, ("batch", |me| me.batch())),
    (4, ("JSON action", |me| me.act())),
    (4, ("fork", |me| me.fork())),
    (1, ("call with a bad key", |me| me.misuse())),
    (1, ("call a server that is not trusted", |me| me.distrust())),
];

pub struct Actor<'s> {
    pub storm: &'s Storm,
    pub number: usize,
    pub dice: Dice,
    /// By way to the server.
    pub options: Vec<Options>,
    pub serial: u64,
}

impl<'s> Actor<'s> {
    pub fn new(storm: &'s Storm, number: usize) -> Self {
        let options = storm.cast.ways.iter().map(|way| {
            let options = storm.api.options(&[("realm", &way.realm), ("proxy", "none")]);
            options.set("ca_file", way.ca.as_deref()).expect("a path");
            options
        });
        let options = options.collect();
        Self { storm, number, dice: Dice::new(storm.seed, number as u64 + 1), options, serial: 0 }
    }

    /// Round after round, until it is over.
    pub fn play(&mut self) {
        loop {
            self.storm.watch.enter(self.number, "resting", "");
            self.storm.barrier.wait();
            if self.storm.over.load(Ordering::SeqCst) {
                return;
            }
            while !self.storm.rest.load(Ordering::SeqCst) {
                let (what, act) = self.dice.weighed(ACTS);
                self.storm.watch.enter(self.number, what, "");
                self.storm.guarded(|| act(self));
                // Or those who wait for the server would never have the processor.
                std::thread::sleep(Duration::from_micros(self.dice.below(2_000)));
            }
            self.storm.watch.enter(self.number, "resting", "");
            self.storm.barrier.wait();
        }
    }

    /// A name for the next call, which the server sees as the beginning of its `User-Agent`.
    pub fn tag(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}/{}.{}", self.number, self.serial)
    }
}
