//! A model: several processes and a store, in every order of their steps.
//!
//! It runs the flow and the settling rules themselves. Each step of a process (a look, a claim, a wait, a request, its response,
//! a settling, a revoking) is atomic, as it is in a store; between two steps any other process may do any of its own, or a
//! process may die. All states that can be reached are visited.

mod world;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use world::{Rules, World};

/// Visits every state, and checks that from each of them the end can be reached.
fn explore(rules: &Rules) -> Explored {
    let mut ids: HashMap<World, u32> = HashMap::new();
    let mut worlds = vec![World::new(rules)];
    let mut before: Vec<Vec<u32>> = vec![Vec::new()];
    ids.insert(worlds[0].clone(), 0);
    let mut at = 0;
    while at < worlds.len() {
        let from = u32::try_from(at).expect("few enough");
        worlds[at].check(rules);
        for next in worlds[at].next(rules) {
            let id = *ids.entry(next).or_insert_with_key(|next| {
                worlds.push(next.clone());
                before.push(Vec::new());
                u32::try_from(worlds.len() - 1).expect("few enough")
            });
            before[id as usize].push(from);
        }
        at += 1;
    }
    let ends: Vec<usize> = (0..worlds.len()).filter(|index| worlds[*index].is_done()).collect();
    let mut reaches: HashSet<usize> = ends.iter().copied().collect();
    let mut open = ends.clone();
    while let Some(index) = open.pop() {
        for from in &before[index] {
            if reaches.insert(*from as usize) {
                open.push(*from as usize);
            }
        }
    }
    assert_eq!(reaches.len(), worlds.len(), "a state without a way to the end");
    println!("{} states, {} ends", worlds.len(), ends.len());
    let requests = ends.iter().map(|index| worlds[*index].requests);
    Explored { states: worlds.len(), most_requests: requests.max().unwrap_or(0), ends: ends.len() }
}

struct Explored {
    states: usize,
    most_requests: u8,
    ends: usize,
}

const QUIET: Rules = Rules {
    processes: 3,
    notices_death: true,
    deaths: 0,
    failures: 0,
    refusals: 0,
    revocations: 0,
    stops: 0,
    wait: Duration::ZERO,
};

#[test]
fn one_request_if_nothing_fails() {
    for processes in 1..=4 {
        let explored = explore(&Rules { processes, ..QUIET });
        assert_eq!(explored.most_requests, 1, "{processes} processes");
    }
    let refused = explore(&Rules { refusals: 1, ..QUIET });
    assert_eq!(refused.most_requests, 1, "a wrong key is refused once");
    assert!(refused.states > 100 && refused.ends > 0);
}

#[test]
fn a_slow_asker_is_overtaken_and_everybody_gets_a_token() {
    let explored = explore(&Rules { wait: Duration::from_secs(3), ..QUIET });
    assert_eq!(explored.most_requests, 3, "the asker, who overtakes it, and who has waited for half of its time");
}

#[test]
fn processes_that_die_at_any_step_keep_nobody_waiting_for_ever() {
    for notices_death in [true, false] {
        for wait in [Duration::ZERO, Duration::from_secs(3)] {
            let explored = explore(&Rules { deaths: 2, notices_death, wait, ..QUIET });
            assert!(explored.ends > 0);
        }
    }
}

#[test]
fn a_process_that_stops_for_ever_keeps_nobody_waiting_for_ever() {
    let explored = explore(&Rules { stops: 1, wait: Duration::from_secs(3), ..QUIET });
    assert_eq!(explored.most_requests, 3);
    explore(&Rules { stops: 2, wait: Duration::from_secs(3), ..QUIET });
}

#[test]
fn failures_and_refusals_in_any_order_end_every_call() {
    explore(&Rules { failures: 2, refusals: 1, ..QUIET });
    explore(&Rules { processes: 2, failures: 4, deaths: 1, ..QUIET });
}

#[test]
fn no_refused_token_is_handed_out_again() {
    for notices_death in [true, false] {
        explore(&Rules { revocations: 1, deaths: 1, notices_death, ..QUIET });
        explore(&Rules {
            processes: 2,
            revocations: 2,
            failures: 1,
            wait: Duration::from_secs(3),
            notices_death,
            ..QUIET
        });
    }
}
