//! The storm: 32 threads do everything at once and at random, through the C border, against a server that goes wrong in
//! every way it can, while days go by in an instant. What must hold all the same is in `storm.rs`, under `RULES`.
//!
//! | variable | |
//! |---|---|
//! | `STRESS_SECONDS` | how long; 60 |
//! | `STRESS_SEED` | as a failed run has printed it: the same choices again, though never the same interleaving |
//! | `STRESS_THREADS` | 32 |
//! | `STRESS_SOAK` | set for a long run: what has bounds is filled before, and rounds are longer |
//! | `STRESS_LIBRARY`, `STRESS_SANDBOX` | other builds of the two than those beside this program |
//! | `FAKETIME_TIMESTAMP_FILE` | libfaketime's own; the machine's clock is then set forward and back as well |

#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::result_large_err, reason = "a failure is all that a test wants to know")]

#[allow(dead_code, reason = "the tests through the border use all of it")]
#[path = "../abi/support/api.rs"]
mod api;
mod batches;
mod calls;
mod chaos;
mod clocks;
mod counters;
mod faults;
mod forks;
mod identities;
mod leak_check;
mod log_capture;
mod operations;
mod prefill;
mod process_stats;
mod report;
mod rng;
mod rounds;
mod run;
mod secrets;
mod server_log_check;
mod server_process;
mod token_oracle;
mod watchdog;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use rounds::Plan;

fn main() -> ExitCode {
    leak_check::check();
    let descriptors = process_stats::descriptors();
    let plan = Plan {
        seconds: number("STRESS_SECONDS").unwrap_or(60),
        actors: usize::try_from(number("STRESS_THREADS").unwrap_or(32)).expect("a machine has that many threads"),
        seed: number("STRESS_SEED").unwrap_or_else(now),
        soak: std::env::var_os("STRESS_SOAK").is_some(),
    };
    println!("# STRESS_SEED={} STRESS_SECONDS={}", plan.seed, plan.seconds);
    let library = std::env::var_os("STRESS_LIBRARY").map_or_else(api::beside, PathBuf::from);
    let outcome = rounds::run(&plan, api::load_from(&library, api::Guard::Caller), server_process::Server::start());
    report::report(&plan, outcome, descriptors)
}

/// One that does not read as a number is a mistake to be told, not a default.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
