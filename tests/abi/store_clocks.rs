//! A store in files read and written by machines whose clocks differ, and by one that was started anew: no token past its end
//! by the sooner clock, no pause that is longer than asked for, and few requests more.

use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::fixture::{Fixture, ID};
use crate::support::store::{Machine, StoreDir};

const HOUR: i64 = 3_600_000;
const YEARS: i64 = 20 * 365 * 24 * HOUR;

#[test]
fn wall_clocks_that_differ_cost_at_most_one_request_more() {
    for (shift, requests) in [
        (0, 1),
        (2 * HOUR, 1),
        (-2 * HOUR, 1),
        (22 * HOUR, 1),
        (25 * HOUR, 2),
        (-25 * HOUR, 1),
        (YEARS, 2),
        (-YEARS, 1),
    ] {
        let (fixture, dir) = (Fixture::new(), StoreDir::new());
        let machines = [0, shift, 0, shift].map(|shift| {
            let machine = Machine::new(&fixture, &dir.url());
            machine.api.shift_clocks(shift, 0);
            machine
        });
        for machine in &machines {
            let session = machine.authorize().expect("granted");
            assert!((1..=24 * 3_600).contains(&session.seconds_left()), "{shift}");
        }
        assert_eq!(fixture.requests(), requests, "{shift}");
        // What is in the store by then is good for all.
        machines.iter().for_each(|machine| machine.api.clear_cache());
        machines[..2].iter().for_each(|machine| drop(machine.authorize().expect("granted")));
        assert!(fixture.requests() <= requests + 1, "{shift}");
    }
}

#[test]
fn no_clock_makes_a_token_outlive_its_end() {
    for (wall, boot) in [(0, 25 * HOUR), (25 * HOUR, 0), (-YEARS, 25 * HOUR), (YEARS, 0), (24 * HOUR - 200_000, 0)] {
        let (fixture, dir) = (Fixture::new(), StoreDir::new());
        let old = Machine::new(&fixture, &dir.url()).authorize().expect("granted").token();
        // On the same boot, the boot clock counts as well as the wall clock.
        let machine = Machine::new(&fixture, &dir.url());
        machine.api.shift_clocks(wall, boot);
        assert_ne!(machine.authorize().expect("granted").token(), old, "{wall} {boot}");
        assert_eq!(fixture.requests(), 2);
    }
}

#[test]
fn a_session_from_the_store_has_the_life_that_is_left() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    Machine::new(&fixture, &dir.url()).authorize().expect("granted");
    let machine = Machine::new(&fixture, &dir.url());
    machine.api.advance(Duration::from_secs(10 * 3_600));
    let left = machine.authorize().expect("shared").seconds_left();
    assert!((14 * 3_600 - 60..=14 * 3_600).contains(&left), "{left}");
    let wants_more = machine.options.with(&[("min_remaining_s", "60000")]);
    machine.api.clear_cache();
    machine.authorize_with(&wants_more).expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn a_pause_is_never_longer_than_b2_asked_for() {
    for shift in [0, -YEARS, -2 * HOUR, -25 * HOUR] {
        let (fixture, dir) = (Fixture::new(), StoreDir::new());
        let [first, second] = [0, shift].map(|shift| {
            let machine = Machine::with_options(&fixture, &dir.url(), &[("max_attempts", "1")]);
            machine.api.shift_clocks(shift, 0);
            machine
        });
        fixture.sandbox.script(ID, [Fault::status(503).retry_after("600")]);
        first.authorize().expect_err("503");
        let failure = second.authorize().expect_err("a pause");
        assert!((599_000..=600_100).contains(&failure.retry_after_ms), "{shift}: {}", failure.retry_after_ms);
        second.api.advance(Duration::from_secs(601));
        second.authorize_with(&second.options.with(&[("max_attempts", "2")])).expect("granted");
        assert_eq!(fixture.requests(), 2, "{shift}");
    }
}

#[test]
fn a_clock_that_is_set_back_in_between_keeps_what_is_left() {
    let (fixture, dir) = (Fixture::new(), StoreDir::new());
    let machine = Machine::new(&fixture, &dir.url());
    let token = machine.authorize().expect("granted").token();
    machine.api.shift_clocks(-YEARS, HOUR);
    machine.api.clear_cache();
    let session = machine.authorize().expect("shared");
    assert_eq!(session.token(), token);
    assert!(session.seconds_left() <= 23 * 3_600, "by the boot clock an hour is gone");
    assert_eq!(fixture.requests(), 1);
}
