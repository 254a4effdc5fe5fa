//! A thread that makes random operations.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::api::Options;
use crate::rng::Rng;
use crate::run::Run;

type OperationFn = fn(&mut Worker<'_>);

/// What a worker does, with the weights of the choice.
const OPERATIONS: &[(u64, (&str, OperationFn))] = &[
    (60, ("authorize", |me| me.authorize())),
    (3, ("reauthorize", |me| me.reauthorize())),
    (6, ("reauthorize with a rejected token", |me| me.report_rejected_token())),
    (5, ("use a token", |me| me.use_token())),
    (4, ("invalidate", |me| me.invalidate())),
    (2, ("clear the cache", |me| me.clear_cache())),
    (8, ("cancel another call", |me| me.cancel_a_call())),
    (8, ("pass sessions on", |me| me.pass_on())),
    (4, ("batch", |me| me.batch())),
    (4, ("JSON action", |me| me.json_action())),
    (4, ("fork", |me| me.fork())),
    (1, ("call with a bad key", |me| me.call_with_invalid_key())),
    (1, ("call a server that is not trusted", |me| me.call_untrusted_server())),
];

pub struct Worker<'s> {
    pub run: &'s Run,
    pub number: usize,
    pub rng: Rng,
    /// By route to the server.
    pub options: Vec<Options>,
    pub serial: u64,
}

impl<'s> Worker<'s> {
    pub fn new(run: &'s Run, number: usize) -> Self {
        let options = run.identities.routes.iter().map(|route| {
            let options = run.api.options(&[("realm", &route.realm), ("proxy", "none")]);
            options.set("ca_file", route.ca.as_deref()).expect("a path");
            options
        });
        let options = options.collect();
        Self { run, number, rng: Rng::new(run.seed, number as u64 + 1), options, serial: 0 }
    }

    /// Runs round after round, until the run is done.
    pub fn run_rounds(&mut self) {
        loop {
            self.run.watchdog.enter(self.number, "paused", "");
            self.run.barrier.wait();
            if self.run.done.load(Ordering::SeqCst) {
                return;
            }
            while !self.run.pause.load(Ordering::SeqCst) {
                let (what, act) = self.rng.weighted(OPERATIONS);
                self.run.watchdog.enter(self.number, what, "");
                self.run.catch_panics(|| act(self));
                // So that threads that wait for the server get the processor.
                std::thread::sleep(Duration::from_micros(self.rng.below(2_000)));
            }
            self.run.watchdog.enter(self.number, "paused", "");
            self.run.barrier.wait();
        }
    }

    /// A name for the next call, which the server receives at the beginning of its `User-Agent`.
    pub fn tag(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}/{}.{}", self.number, self.serial)
    }
}
