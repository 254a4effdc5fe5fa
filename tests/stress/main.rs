//! The stress test: 32 threads call the C ABI with random operations, against a server with random faults, while the
//! clocks jump by days. The invariants that must hold are `INVARIANTS` in `run.rs`.
//!
//! | variable | |
//! |---|---|
//! | `STRESS_SECONDS` | how long; 60 |
//! | `STRESS_SEED` | as a failed run printed it: the same choices, though never the same interleaving |
//! | `STRESS_THREADS` | 32 |
//! | `STRESS_SOAK` | set for a long run: bounded caches are filled first, and rounds are longer |
//! | `STRESS_LIBRARY`, `STRESS_SANDBOX` | other builds of the two than those beside this program |
//! | `FAKETIME_TIMESTAMP_FILE` | libfaketime's own; the machine's clock is then stepped as well |

#![allow(unreachable_pub, reason = "a test program has no public interface")]
#![allow(clippy::result_large_err, reason = "tests read every part of a failure")]

#[allow(dead_code, unused_imports, reason = "shared with tests/abi, which uses all of it")]
#[path = "../abi/support/api/mod.rs"]
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
#[allow(dead_code, reason = "shared with tests/abi, which uses all of it")]
#[path = "../abi/support/secret_search.rs"]
mod secret_search;
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
    leak_check::self_test();
    let descriptors = process_stats::descriptors();
    let plan = Plan {
        seconds: number("STRESS_SECONDS").unwrap_or(60),
        workers: usize::try_from(number("STRESS_THREADS").unwrap_or(32)).expect("a machine has that many threads"),
        seed: number("STRESS_SEED").unwrap_or_else(now),
        soak: std::env::var_os("STRESS_SOAK").is_some(),
    };
    println!("# STRESS_SEED={} STRESS_SECONDS={}", plan.seed, plan.seconds);
    let library = std::env::var_os("STRESS_LIBRARY").map_or_else(api::built_library, PathBuf::from);
    let outcome =
        rounds::run(&plan, api::load_from(&library, api::SecretCheck::Caller), server_process::Server::start());
    report::report(&plan, outcome, descriptors)
}

/// A value that is no number is reported, and not replaced by the default.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs())
}
