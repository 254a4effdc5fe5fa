//! The storm: 32 threads do everything at once and at random, through the C border, against a server that goes wrong in
//! every way it can, while days go by in an instant. What must hold all the same is in `storm.rs`, under `RULES`.
//!
//! | variable | |
//! |---|---|
//! | `STORM_SECONDS` | how long; 60 |
//! | `STORM_SEED` | as a failed run has printed it: the same choices again, though never the same interleaving |
//! | `STORM_THREADS` | 32 |
//! | `STORM_SOAK` | set for a long run: what has bounds is filled before, and rounds are longer |
//! | `STORM_LIBRARY`, `STORM_SANDBOX` | other builds of the two than those beside this program |
//! | `FAKETIME_TIMESTAMP_FILE` | libfaketime's own; the machine's clock is then set forward and back as well |

#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(clippy::result_large_err, reason = "a failure is all that a test wants to know")]

mod actor;
mod acts;
#[allow(dead_code, reason = "the tests through the border use all of it")]
#[path = "../border/api.rs"]
mod api;
mod calling;
mod cast;
mod child;
mod clocks;
mod dice;
mod director;
mod faults;
mod fill;
mod flat;
mod heard;
mod ledger;
mod many;
mod outside;
mod process;
mod report;
mod rounds;
mod secrets;
mod served;
mod storm;
mod tally;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use rounds::Plan;

fn main() -> ExitCode {
    flat::check();
    let descriptors = process::descriptors();
    let plan = Plan {
        seconds: number("STORM_SECONDS").unwrap_or(60),
        actors: usize::try_from(number("STORM_THREADS").unwrap_or(32)).expect("a machine has that many threads"),
        seed: number("STORM_SEED").unwrap_or_else(now),
        soak: std::env::var_os("STORM_SOAK").is_some(),
    };
    println!("# STORM_SEED={} STORM_SECONDS={}", plan.seed, plan.seconds);
    let library = std::env::var_os("STORM_LIBRARY").map_or_else(api::beside, PathBuf::from);
    let outcome = rounds::run(&plan, api::load_from(&library, api::Guard::Caller), outside::Server::start());
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
