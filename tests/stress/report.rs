//! What is printed at the end, and what it all comes to.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use crate::calls::lock;
use crate::counters::What;
use crate::leak_check::{Allowed, Figure, course};
use crate::process_stats::{self, Sample};
use crate::rounds::{self, Outcome, Plan};
use crate::run::RULES;

/// While calls run: what they have in hand comes and goes.
const RUNNING: [Figure; 4] = [
    Figure { name: "resident, KB", of: |s| s.resident_kb, allowed: Allowed { least: 12_288, percent: 10 } },
    Figure { name: "allocated, KB", of: |s| s.allocated_kb, allowed: Allowed { least: 3_072, percent: 10 } },
    Figure { name: "descriptors", of: |s| s.descriptors, allowed: Allowed { least: 16, percent: 25 } },
    Figure { name: "threads", of: |s| s.threads, allowed: Allowed { least: 8, percent: 25 } },
];

/// At rest, and with the cache cleared.
const RESTING: [Figure; 4] = [
    Figure { name: "resident at rest, KB", of: |s| s.resident_kb, allowed: Allowed { least: 4_096, percent: 5 } },
    Figure { name: "allocated at rest, KB", of: |s| s.allocated_kb, allowed: Allowed { least: 1_024, percent: 3 } },
    Figure { name: "descriptors at rest", of: |s| s.descriptors, allowed: Allowed { least: 0, percent: 0 } },
    Figure { name: "threads at rest", of: |s| s.threads, allowed: Allowed { least: 0, percent: 0 } },
];

/// Of everything that can be done, this much was.
const LEAST: u64 = 3;

pub fn report(plan: &Plan, outcome: Outcome, descriptors: u64) -> ExitCode {
    let Outcome { storm, samples, rests } = outcome;
    println!("# after {} s:", samples.last().map_or(0, |sample| sample.at_s));
    storm.tally.print(|status| storm.api.words(|f| f.b2_status_name, status));
    if storm.troubles().is_empty() {
        let missing = storm.tally.missing(LEAST, storm.clocks.has_outside());
        if !missing.is_empty() {
            storm.trouble(4, format!("too seldom to show anything: {}", missing.join(", ")));
        }
        let warm = warm_up(plan, &samples);
        println!("{:<24}{:>12}{:>12}{:>12}{:>12}", "", "start", "warmed up", "end", "most");
        flat(&storm, &RUNNING, &samples, warm);
        flat(&storm, &RESTING, &rests, warm_up(plan, &rests));
    }
    for bag in &storm.bags {
        lock(bag).clear();
    }
    if storm.logs.load(Ordering::SeqCst) != 0 {
        storm.trouble(6, "the library has not released every log");
    }
    let (troubles, seed, forks) = (storm.troubles(), storm.seed, storm.tally.get(What::Forks));
    rounds::stop(storm);
    let mut all: Vec<_> = troubles;
    let left = process_stats::sample(0);
    if (left.descriptors, left.threads) != (descriptors, 1) {
        let (open, running) = (left.descriptors, left.threads);
        all.push((6, format!("at the end, {open} descriptors of {descriptors}, and {running} threads")));
    }
    println!("# {forks} children came home");
    for (place, words) in RULES.iter().enumerate() {
        let mine: Vec<_> = all.iter().filter(|(rule, _)| *rule == place + 1).collect();
        println!("{} storm: {words}", if mine.is_empty() { "ok" } else { "not ok" });
        for (_, what) in mine {
            println!("# {what}");
        }
    }
    if all.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("# try again: STRESS_SEED={seed}");
    ExitCode::FAILURE
}

/// A third of a short run; of a long one a quarter, and ten minutes at most.
fn warm_up(plan: &Plan, samples: &[Sample]) -> usize {
    let seconds = if plan.soak { (plan.seconds / 4).min(600) } else { plan.seconds / 3 };
    let first = samples.first().map_or(0, |sample| sample.at_s);
    samples.iter().take_while(|sample| sample.at_s - first < seconds).count()
}

fn flat(storm: &crate::run::Storm, figures: &[Figure], samples: &[Sample], warm: usize) {
    for figure in figures {
        let Some(course) = course(figure, samples, warm) else { return };
        let (name, start, warm, end, most) = (figure.name, course.start, course.warm, course.end, course.most);
        println!("{name:<24}{start:>12}{warm:>12}{end:>12}{most:>12}{}", if course.flat { "" } else { "  RISES" });
        if !course.flat {
            storm.trouble(6, format!("{name}: {warm} after the warm-up, {end} at the end"));
        }
    }
}
