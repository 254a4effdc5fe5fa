//! Tokens shared through a folder. Each copy of the library is a process of its own, as far as the store can tell.

use crate::support::fixture::Fixture;
use crate::support::store::{Machine, StoreDir};

#[test]
fn a_second_process_takes_the_token_from_the_folder() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let machines: Vec<_> = (0..3).map(|_| Machine::new(&fixture, &dir.url())).collect();
    let tokens: Vec<_> = machines.iter().map(|machine| machine.authorize().expect("granted").token()).collect();
    assert_eq!(fixture.requests(), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(machines.iter().map(|machine| machine.api.counter("store_hits")).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(machines.iter().map(|machine| machine.api.counter("store_errors")).sum::<u64>(), 0);
}
