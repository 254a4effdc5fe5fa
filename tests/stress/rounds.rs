//! Rounds: everybody does what they like for a while, then all come to rest, and the books are closed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::calls::lock;
use crate::chaos::Director;
use crate::counters::What;
use crate::prefill::fill;
use crate::process_stats::{self, Sample};
use crate::run::{Pace, Storm};
use crate::server_log_check::Books;
use crate::server_process::Server;
use crate::worker::Actor;

pub struct Plan {
    pub seconds: u64,
    pub actors: usize,
    pub seed: u64,
    pub soak: bool,
}

impl Plan {
    fn round(&self) -> Duration {
        Duration::from_secs(if self.soak { 20 } else { 10 })
    }

    /// Every so many rounds the cache is cleared at rest, and what was handed out before is forgotten.
    fn cleared(&self) -> u64 {
        if self.soak { 3 } else { 1 }
    }

    /// How often the cache may be cleared: in a long run it is to fill in between.
    fn clears(&self) -> Duration {
        Duration::from_millis(if self.soak { 2_000 } else { 400 })
    }
}

pub struct Outcome {
    pub storm: Storm,
    /// One each second, while calls run.
    pub samples: Vec<Sample>,
    /// One at each rest at which the cache was cleared.
    pub rests: Vec<Sample>,
}

/// A thread that has ended is seen for a moment still.
const FAREWELL: Duration = Duration::from_secs(5);

pub fn run(plan: &Plan, api: &'static Api, server: Server) -> Outcome {
    let storm = Storm::new(api, server, plan.actors, plan.seed, Pace::every(plan.clears()));
    let start = Instant::now();
    let samples = Mutex::new(Vec::with_capacity(usize::try_from(plan.seconds * 2).expect("it is small")));
    let mut rests = Vec::with_capacity(1_000);
    let done = AtomicBool::new(false);
    let descriptors = process_stats::descriptors();
    if plan.soak {
        fill(&storm);
        println!("# what has bounds is full after {} s", start.elapsed().as_secs());
    }
    std::thread::scope(|scope| {
        for number in 0..plan.actors {
            let storm = &storm;
            scope.spawn(move || Actor::new(storm, number).play());
        }
        scope.spawn(|| Director::new(&storm, plan.actors).play());
        scope.spawn(|| look_on(plan, &storm, &samples, &done, start));
        Lead { plan, storm: &storm, start, descriptors, rests: &mut rests }.all();
        done.store(true, Ordering::SeqCst);
    });
    let samples = samples.into_inner().expect("no thread panics with it");
    Outcome { storm, samples, rests }
}

/// Takes a sample each second, and sees whether a thread hangs.
fn look_on(plan: &Plan, storm: &Storm, samples: &Mutex<Vec<Sample>>, done: &AtomicBool, start: Instant) {
    while !done.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_secs(1));
        if !storm.rest.load(Ordering::SeqCst) {
            let now = process_stats::sample(start.elapsed().as_secs());
            lock(samples).push(now);
            let so_far = lock(samples).len() as u64;
            if so_far.is_multiple_of((plan.seconds / 20).max(1)) {
                println!(
                    "# {:>5} s: {:>7} KB resident, {:>7} KB allocated",
                    now.at_s, now.resident_kb, now.allocated_kb
                );
            }
        }
        if let Some(who) = storm.watch.stuck() {
            println!("not ok storm: {}, STRESS_SEED={}\n{who}", crate::run::RULES[6], storm.seed);
            for (rule, what) in storm.troubles() {
                println!("# rule {rule}: {what}");
            }
            // SAFETY: it takes a number. The threads that hang can't be waited for.
            unsafe { libc::_exit(1) };
        }
    }
}

struct Lead<'a> {
    plan: &'a Plan,
    storm: &'a Storm,
    start: Instant,
    /// Those that there were before any call.
    descriptors: u64,
    rests: &'a mut Vec<Sample>,
}

impl Lead<'_> {
    fn all(&mut self) {
        let storm = self.storm;
        let mut control = storm.server.control();
        control.delete("log");
        let mut books = Books::open(storm);
        let mut marks = Vec::new();
        let end = Instant::now() + Duration::from_secs(self.plan.seconds);
        for round in 0.. {
            storm.unheard.store(round % 2 == 1, Ordering::SeqCst);
            storm.barrier.wait();
            let until = (Instant::now() + self.plan.round()).min(end);
            while Instant::now() < until && storm.troubles().is_empty() {
                std::thread::sleep(Duration::from_millis(50));
            }
            storm.rest.store(true, Ordering::SeqCst);
            storm.barrier.wait();
            storm.tally.add(What::Rounds, 1);
            books.close(storm, &mut control, round % 2 == 0);
            self.rested();
            if (round + 1) % self.plan.cleared() == 0 {
                self.clear(&mut marks);
            }
            if Instant::now() >= end || !storm.troubles().is_empty() {
                break;
            }
            storm.rest.store(false, Ordering::SeqCst);
        }
        storm.over.store(true, Ordering::SeqCst);
        storm.barrier.wait();
    }

    /// At rest nobody is in the air, no log is held, and nothing of the system's is left from a call.
    fn rested(&self) {
        let storm = self.storm;
        if !storm.air.is_clear() {
            storm.trouble(1, "at rest, a request is in the air");
        }
        let logs = storm.logs.load(Ordering::SeqCst);
        if logs != 0 {
            storm.trouble(6, format!("at rest, the library holds {logs} logs"));
        }
        // This thread, the one that looks on, the director.
        let threads = self.plan.actors as u64 + 3;
        // Two control connections, this thread's and the director's.
        let most = self.descriptors + 2;
        let start = Instant::now();
        loop {
            let now = process_stats::sample(0);
            if now.threads <= threads && now.descriptors <= most {
                return;
            }
            if start.elapsed() > FAREWELL {
                let (open, running) = (now.descriptors, now.threads);
                storm.trouble(6, format!("at rest, {open} descriptors of {most}, {running} threads of {threads}"));
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn clear(&mut self, marks: &mut Vec<u64>) {
        let storm = self.storm;
        let since = storm.ledger.tick();
        storm.api.clear();
        storm.ledger.bury(since);
        marks.push(since);
        if marks.len() > 1 {
            storm.ledger.forget(marks.remove(0));
        }
        self.rests.push(process_stats::sample(self.start.elapsed().as_secs()));
    }
}

/// Lets go of a control connection before the server is stopped.
pub fn stop(storm: Storm) {
    let Storm { server, .. } = storm;
    server.stop();
}
