//! The report at the end of a run.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use crate::calls::lock;
use crate::counters::Event;
use crate::leak_check::{Metric, Tolerance, trend};
use crate::process_stats::{self, Sample};
use crate::rounds::{self, Plan, RunResult};
use crate::run::INVARIANTS;

/// While calls run, which use resources of their own: more of them where the machine is busy.
const RUNNING: [Metric; 4] = [
    Metric { name: "resident, KB", of: |s| s.resident_kb, tolerance: Tolerance { absolute: 12_288, percent: 10 } },
    Metric { name: "allocated, KB", of: |s| s.allocated_kb, tolerance: Tolerance { absolute: 3_072, percent: 10 } },
    Metric { name: "descriptors", of: |s| s.descriptors, tolerance: Tolerance { absolute: 16, percent: 25 } },
    Metric { name: "threads", of: |s| s.threads, tolerance: Tolerance { absolute: 16, percent: 25 } },
];

/// While paused, with the cache cleared.
const PAUSED: [Metric; 4] = [
    Metric { name: "resident paused, KB", of: |s| s.resident_kb, tolerance: Tolerance { absolute: 4_096, percent: 5 } },
    Metric {
        name: "allocated paused, KB",
        of: |s| s.allocated_kb,
        tolerance: Tolerance { absolute: 1_024, percent: 3 },
    },
    Metric { name: "descriptors paused", of: |s| s.descriptors, tolerance: Tolerance { absolute: 0, percent: 0 } },
    Metric { name: "threads paused", of: |s| s.threads, tolerance: Tolerance { absolute: 0, percent: 0 } },
];

/// The minimum of each operation in a run.
const MIN_COUNT: u64 = 3;

pub fn report(plan: &Plan, outcome: RunResult, descriptors: u64) -> ExitCode {
    let RunResult { run, samples, paused_samples } = outcome;
    println!("# after {} s:", samples.last().map_or(0, |sample| sample.at_s));
    run.counters.print(|status| run.api.status_text(|f| f.b2_status_name, status));
    if run.violations().is_empty() {
        let missing = run.counters.missing(MIN_COUNT, run.clocks.has_machine_clock());
        if !missing.is_empty() {
            run.violation(4, format!("too rare to show anything: {}", missing.join(", ")));
        }
        let warm = warm_up(plan, &samples);
        println!("{:<24}{:>12}{:>12}{:>12}{:>12}", "", "start", "warmed up", "end", "max");
        check_flat(&run, &RUNNING, &samples, warm);
        check_flat(&run, &PAUSED, &paused_samples, warm_up(plan, &paused_samples));
    }
    for pool in &run.pools {
        lock(pool).clear();
    }
    if run.logs.load(Ordering::SeqCst) != 0 {
        run.violation(6, "the library has not released every log handler");
    }
    let (violations, seed, forks) = (run.violations(), run.seed, run.counters.get(Event::Forks));
    rounds::stop(run);
    let mut all: Vec<_> = violations;
    let left = process_stats::sample(0);
    if (left.descriptors, left.threads) != (descriptors, 1) {
        let (open, running) = (left.descriptors, left.threads);
        all.push((6, format!("at the end, {open} descriptors, {descriptors} at the start, and {running} threads")));
    }
    println!("# {forks} children ended well");
    for (index, invariant) in INVARIANTS.iter().enumerate() {
        let mine: Vec<_> = all.iter().filter(|(number, _)| *number == index + 1).collect();
        println!("{} stress: {invariant}", if mine.is_empty() { "ok" } else { "not ok" });
        for (_, what) in mine {
            println!("# {what}");
        }
    }
    if all.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("# to repeat: STRESS_SEED={seed}");
    ExitCode::FAILURE
}

/// A third of a short run; of a long one a quarter, and ten minutes at most.
fn warm_up(plan: &Plan, samples: &[Sample]) -> usize {
    let seconds = if plan.soak { (plan.seconds / 4).min(600) } else { plan.seconds / 3 };
    let first = samples.first().map_or(0, |sample| sample.at_s);
    samples.iter().take_while(|sample| sample.at_s - first < seconds).count()
}

fn check_flat(run: &crate::run::Run, metrics: &[Metric], samples: &[Sample], warm: usize) {
    for metric in metrics {
        let Some(trend) = trend(metric, samples, warm) else { return };
        let (name, start, warm, end, max) = (metric.name, trend.start, trend.warm, trend.end, trend.max);
        println!("{name:<24}{start:>12}{warm:>12}{end:>12}{max:>12}{}", if trend.flat { "" } else { "  RISES" });
        if !trend.flat {
            run.violation(6, format!("{name}: {warm} after the warm-up, {end} at the end"));
        }
    }
}
