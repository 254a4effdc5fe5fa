//! Rounds: all threads work for a while, then pause, and the logs are checked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::calls::lock;
use crate::chaos::Chaos;
use crate::counters::Event;
use crate::prefill::prefill;
use crate::process_stats::{self, Sample};
use crate::run::{Interval, Run};
use crate::server_log_check::ServerLogCheck;
use crate::server_process::Server;
use crate::worker::Worker;

pub struct Plan {
    pub seconds: u64,
    pub workers: usize,
    pub seed: u64,
    pub soak: bool,
}

impl Plan {
    fn round(&self) -> Duration {
        Duration::from_secs(if self.soak { 20 } else { 10 })
    }

    /// After how many rounds the cache is cleared during the pause, and older tokens are forgotten.
    fn rounds_between_clears(&self) -> u64 {
        if self.soak { 3 } else { 1 }
    }

    /// How often the workers clear the cache: in a long run it fills up in between.
    fn clear_interval(&self) -> Duration {
        Duration::from_millis(if self.soak { 2_000 } else { 400 })
    }
}

pub struct RunResult {
    pub run: Run,
    /// One each second, while calls run.
    pub samples: Vec<Sample>,
    /// One at each pause in which the cache was cleared.
    pub paused_samples: Vec<Sample>,
}

/// How long a thread that has ended may still be listed.
const THREAD_EXIT_TIME: Duration = Duration::from_secs(5);

pub fn run(plan: &Plan, api: &'static Api, server: Server) -> RunResult {
    let run = Run::new(api, server, plan.workers, plan.seed, Interval::every(plan.clear_interval()));
    let start = Instant::now();
    let samples = Mutex::new(Vec::with_capacity(usize::try_from(plan.seconds * 2).expect("it is small")));
    let mut paused_samples = Vec::with_capacity(1_000);
    let done = AtomicBool::new(false);
    let descriptors = process_stats::descriptors();
    if plan.soak {
        prefill(&run);
        println!("# the bounded caches are full after {} s", start.elapsed().as_secs());
    }
    std::thread::scope(|scope| {
        for number in 0..plan.workers {
            let run = &run;
            scope.spawn(move || Worker::new(run, number).run_rounds());
        }
        scope.spawn(|| Chaos::new(&run, plan.workers).run_rounds());
        scope.spawn(|| monitor(plan, &run, &samples, &done, start));
        RoundLoop { plan, run: &run, start, descriptors, paused_samples: &mut paused_samples }.run_all();
        done.store(true, Ordering::SeqCst);
    });
    let samples = samples.into_inner().expect("no thread panics with it");
    RunResult { run, samples, paused_samples }
}

/// Takes a sample each second, and checks whether a thread hangs.
fn monitor(plan: &Plan, run: &Run, samples: &Mutex<Vec<Sample>>, done: &AtomicBool, start: Instant) {
    while !done.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_secs(1));
        if !run.pause.load(Ordering::SeqCst) {
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
        if let Some(threads) = run.watchdog.stuck() {
            println!("not ok stress: {}, STRESS_SEED={}\n{threads}", crate::run::INVARIANTS[6], run.seed);
            for (invariant, what) in run.violations() {
                println!("# invariant {invariant}: {what}");
            }
            // SAFETY: it takes a number. Threads that hang can't be joined.
            unsafe { libc::_exit(1) };
        }
    }
}

struct RoundLoop<'a> {
    plan: &'a Plan,
    run: &'a Run,
    start: Instant,
    /// The descriptors before any call.
    descriptors: u64,
    paused_samples: &'a mut Vec<Sample>,
}

impl RoundLoop<'_> {
    fn run_all(&mut self) {
        let run = self.run;
        let mut control = run.server.control();
        control.delete("log");
        let mut server_log = ServerLogCheck::new(run);
        let mut marks = Vec::new();
        let end = Instant::now() + Duration::from_secs(self.plan.seconds);
        for round in 0.. {
            run.some_unlogged.store(round % 2 == 1, Ordering::SeqCst);
            run.barrier.wait();
            let until = (Instant::now() + self.plan.round()).min(end);
            while Instant::now() < until && run.violations().is_empty() {
                std::thread::sleep(Duration::from_millis(50));
            }
            run.pause.store(true, Ordering::SeqCst);
            run.barrier.wait();
            run.counters.add(Event::Rounds, 1);
            server_log.check_round(run, &mut control, round % 2 == 0);
            self.check_paused();
            if (round + 1) % self.plan.rounds_between_clears() == 0 {
                self.clear(&mut marks);
            }
            if Instant::now() >= end || !run.violations().is_empty() {
                break;
            }
            run.pause.store(false, Ordering::SeqCst);
        }
        run.done.store(true, Ordering::SeqCst);
        run.barrier.wait();
    }

    /// During a pause no request is in flight, no log handler is held, and no thread or descriptor is left from a call.
    fn check_paused(&self) {
        let run = self.run;
        if !run.in_flight.is_empty() {
            run.violation(1, "paused, a request is in flight");
        }
        let logs = run.logs.load(Ordering::SeqCst);
        if logs != 0 {
            run.violation(6, format!("paused, the library holds {logs} log handlers"));
        }
        // This thread, the monitor and the chaos thread.
        let threads = self.plan.workers as u64 + 3;
        // Two control connections: this thread's and the chaos thread's.
        let max = self.descriptors + 2;
        let start = Instant::now();
        loop {
            let now = process_stats::sample(0);
            if now.threads <= threads && now.descriptors <= max {
                return;
            }
            if start.elapsed() > THREAD_EXIT_TIME {
                let (open, running) = (now.descriptors, now.threads);
                run.violation(6, format!("paused, {open} descriptors of {max}, {running} threads of {threads}"));
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn clear(&mut self, marks: &mut Vec<u64>) {
        let run = self.run;
        let since = run.oracle.tick();
        run.api.clear_cache();
        run.oracle.cache_cleared(since);
        marks.push(since);
        if marks.len() > 1 {
            run.oracle.forget(marks.remove(0));
        }
        self.paused_samples.push(process_stats::sample(self.start.elapsed().as_secs()));
    }
}

/// Closes the control connections before the server is stopped.
pub fn stop(run: Run) {
    let Run { server, .. } = run;
    server.stop();
}
