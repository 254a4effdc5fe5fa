//! What processes that share a store get, and how many requests that takes: the same for each engine. Each copy of the library
//! is a process of its own, as far as a store can tell.

use std::cell::Cell;
use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::api::Session;
use crate::support::concurrent::{during_call, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, STALE_AGE, TEST_TIMEOUT};
use crate::support::store::{Machine, Store, in_each_store};

/// Machines with that store, and their sandbox.
fn machines<const N: usize>(store: &Store) -> (Fixture, [Machine; N]) {
    machines_with(store, &[])
}

fn machines_with<const N: usize>(store: &Store, settings: &[(&str, &str)]) -> (Fixture, [Machine; N]) {
    let fixture = Fixture::new();
    let machines = std::array::from_fn(|_| Machine::with_options(&fixture, &store.url(), settings));
    (fixture, machines)
}

fn waits_for_others(machine: &Machine) -> bool {
    machine.log.take().iter().any(|line| line.contains("another process is asking"))
}

#[test]
fn one_request_serves_all_machines() {
    in_each_store(|store| {
        let (fixture, machines) = machines::<3>(store);
        let tokens = machines.each_ref().map(|machine| machine.authorize().expect("granted").token());
        assert_eq!(fixture.requests(), 1);
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(machines.each_ref().map(|machine| machine.api.counter("store_hits")), [0, 1, 1]);
        assert_eq!(machines.each_ref().map(|machine| machine.api.counter("store_errors")), [0; 3]);
        machines[0].assert_logged(4, "the session is in the token store");
        machines[1].assert_logged(4, "the token store has a session for this key");
        // From here on each has it in its own cache.
        machines.iter().for_each(|machine| drop(machine.authorize().expect("cached")));
        assert_eq!(machines[1].api.counter("store_hits"), 1);
    });
}

#[test]
fn machines_that_start_together_wait_for_the_first() {
    in_each_store(|store| {
        let (fixture, machines) = machines::<12>(store);
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        let tokens = std::thread::scope(|scope| {
            let calls =
                machines.each_ref().map(|machine| scope.spawn(|| machine.authorize().expect("granted").token()));
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            let waiting = Cell::new(0);
            wait_until("all others wait", || {
                waiting.set(waiting.get() + machines.iter().filter(|machine| waits_for_others(machine)).count());
                waiting.get() == machines.len() - 1
            });
            fixture.sandbox.release("latch");
            calls.map(|call| call.join().expect("no panic"))
        });
        assert_eq!(fixture.requests(), 1);
        assert!(tokens.iter().all(|token| *token == tokens[0]));
    });
}

#[test]
fn keys_realms_and_ca_files_have_records_of_their_own() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines(store);
        let token = first.authorize().expect("granted").token();
        fixture.sandbox.add_key(b2_sandbox::Key::master("0014aa9865d6f0000000000b2", KEY));
        assert_ne!(second.authorize_key("0014aa9865d6f0000000000b2", KEY).expect("granted").token(), token);
        let https = [("realm", fixture.sandbox.https()), ("ca_file", fixture.ca_file())];
        assert_ne!(second.authorize_with(&second.options.with(&https)).expect("granted").token(), token);
        assert_eq!(second.authorize_key(ID, "K001of-another-key").expect_err("refused").name, "B2_BAD_CREDENTIALS");
        // The key ID alone is not enough, although its record is there.
        assert_eq!((fixture.requests(), second.api.counter("store_hits")), (3, 0));
        assert_eq!(second.authorize().expect("shared").token(), token);
    });
}

#[test]
fn a_refresh_is_shared_and_a_bypass_is_not() {
    in_each_store(|store| {
        let (fixture, [first, second, third]) = machines(store);
        let old = first.authorize().expect("granted").token();
        let bypassed = second.authorize_with(&second.options.with(&[("cache", "bypass")])).expect("granted").token();
        assert_eq!(fixture.requests(), 2);
        let new = second.authorize_with(&second.options.with(&[("cache", "refresh")])).expect("granted").token();
        assert_eq!(fixture.requests(), 3);
        assert_eq!(third.authorize().expect("shared").token(), new);
        assert!(new != old && new != bypassed);
        assert_eq!(third.reauthorize(None).map(|session| session.token() == new).ok(), Some(false));
        assert_eq!(fixture.requests(), 4);
    });
}

#[test]
fn refreshes_at_the_same_time_are_one_request() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines_with(store, &[("cache", "refresh")]);
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| first.authorize().expect("granted").token());
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            let other = scope.spawn(|| second.authorize().expect("granted").token());
            wait_until("the second waits", || waits_for_others(&second));
            // The record must be written after the second call began, by clocks that are not fine.
            [&first, &second].into_iter().for_each(|machine| machine.api.advance(Duration::from_secs(1)));
            fixture.sandbox.release("latch");
            (one.join().expect("no panic"), other.join().expect("no panic"))
        });
        assert_eq!((one == other, fixture.requests()), (true, 1));
    });
}

#[test]
fn a_refused_token_is_replaced_once_and_is_not_found_again() {
    in_each_store(|store| {
        let (fixture, machines) = machines::<4>(store);
        let old: [Session; 4] = machines.each_ref().map(|machine| machine.authorize().expect("granted"));
        fixture.sandbox.expire_tokens(ID);
        let new: Vec<_> = machines
            .iter()
            .zip(&old)
            .map(|(machine, rejected)| machine.reauthorize(Some(rejected)).expect("granted").token())
            .collect();
        assert_eq!(fixture.requests(), 2);
        assert!(new.iter().all(|token| *token == new[0] && *token != old[0].token()));
        // And with the old token again.
        machines[2].reauthorize(Some(&old[2])).expect("granted");
        assert_eq!(fixture.requests(), 2);
    });
}

#[test]
fn an_invalidated_token_is_taken_out_of_the_store() {
    in_each_store(|store| {
        let (fixture, [first, second, third]) = machines(store);
        let old = first.authorize().expect("granted");
        second.authorize().expect("shared").invalidate();
        let new = third.authorize().expect("granted").token();
        assert_ne!(new, old.token());
        assert_eq!(fixture.requests(), 2);
        // That of a token which is there no longer removes nothing.
        old.invalidate();
        assert_eq!(first.authorize().expect("shared").token(), new);
        assert_eq!(fixture.requests(), 2);
    });
}

#[test]
fn clearing_the_cache_is_for_this_process_alone() {
    in_each_store(|store| {
        let (fixture, [machine]) = machines(store);
        let token = machine.authorize().expect("granted").token();
        machine.api.clear_cache();
        assert_eq!(machine.authorize().expect("shared").token(), token);
        assert_eq!((fixture.requests(), machine.api.counter("store_hits")), (1, 1));
    });
}

#[test]
fn a_verdict_is_shared_for_as_long_as_the_reader_wants() {
    in_each_store(|store| {
        let (fixture, [first, second, third]) = machines(store);
        fixture.sandbox.script(ID, [Fault::status(401).code("bad_auth_token").message("no such key")]);
        let made = first.authorize().expect_err("refused");
        let shared = second.authorize().expect_err("refused");
        assert_eq!((made.name.as_str(), shared.name.as_str()), ("B2_BAD_CREDENTIALS", "B2_BAD_CREDENTIALS"));
        assert_eq!((made.attempts, shared.attempts), (1, 0));
        assert_eq!(shared.code.as_deref(), Some("bad_auth_token"));
        assert_eq!((fixture.requests(), second.api.counter("negative_hits")), (1, 1));
        third.authorize_with(&third.options.with(&[("negative_ttl_s", "0")])).expect("granted");
        assert_eq!(fixture.requests(), 2);
    });
}

#[test]
fn a_pause_that_b2_asks_for_holds_for_all() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines_with(store, &[("max_attempts", "1")]);
        fixture.sandbox.script(ID, [Fault::status(503).retry_after("1")]);
        assert_eq!(first.authorize().expect_err("503").name, "B2_SERVICE_UNAVAILABLE");
        second.authorize_with(&second.options.with(&[("max_attempts", "2")])).expect("granted");
        let times: Vec<_> = fixture.sandbox.log().iter().map(|entry| entry.time_ms).collect();
        assert!(times.len() == 2 && times[1] - times[0] >= 1_000, "{times:?}");
        second.assert_logged(2, "a request of another process failed (HTTP 503)");
    });
}

#[test]
fn an_outage_costs_one_series_of_requests() {
    in_each_store(|store| {
        let (fixture, machines) = machines_with::<6>(store, &[("max_attempts", "3")]);
        fixture.sandbox.script(ID, [Fault::reset_after(0).times(1000)]);
        let failures: Vec<_> = std::thread::scope(|scope| {
            let calls = machines.each_ref().map(|machine| scope.spawn(|| machine.authorize().expect_err("reset")));
            calls.map(|call| call.join().expect("no panic")).into()
        });
        assert!(failures.iter().all(|failure| failure.retryable), "{failures:?}");
        // Each of those who share it sees at least its own number of failures, and few see more.
        let requests = fixture.requests();
        assert!((3..=6).contains(&requests), "{requests} requests");
    });
}

#[test]
fn the_rate_limit_is_one_for_all() {
    in_each_store(|store| {
        let settings = [("rate_limit_per_minute", "1"), ("cache", "refresh"), ("total_timeout_ms", "20000")];
        let (fixture, machines) = machines_with::<6>(store, &settings);
        let mut results: Vec<_> = machines.iter().map(Machine::authorize).collect();
        let failure = results.pop().expect("six").expect_err("five are a burst");
        assert!(results.iter().all(Result::is_ok));
        assert_eq!((failure.name.as_str(), fixture.requests()), ("B2_RATE_LIMITED", 5));
        assert!((1..=60_000).contains(&failure.retry_after_ms), "{failure:?}");
    });
}

#[test]
fn a_stale_token_is_refreshed_by_one_and_given_out_by_the_others() {
    in_each_store(|store| {
        let (fixture, [first, second, third]) = machines(store);
        let old = first.authorize().expect("granted").token();
        for machine in [&second, &third] {
            assert_eq!(machine.authorize().expect("shared").token(), old);
        }
        [&first, &second, &third].into_iter().for_each(|machine| machine.api.advance(STALE_AGE));
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        let refreshed = std::thread::scope(|scope| {
            let call = scope.spawn(|| first.authorize().expect("granted").token());
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            // It has a good token in hand, and waits for nobody.
            assert_eq!(second.authorize().expect("stale").token(), old);
            fixture.sandbox.release("latch");
            call.join().expect("no panic")
        });
        assert_ne!(refreshed, old);
        assert_eq!(third.authorize().expect("shared").token(), refreshed);
        assert_eq!(fixture.requests(), 2);
    });
}

#[test]
fn a_leader_that_panics_gives_its_slot_back() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines(store);
        first.api.plant_panic();
        assert_eq!(first.authorize().expect_err("a bug").name, "B2_INTERNAL_ERROR");
        second.authorize().expect("granted");
        assert!(!waits_for_others(&second));
        // The first one's request had been sent, and its result is lost.
        assert_eq!(fixture.requests(), 2);
    });
}

#[test]
fn deadline_and_cancel_end_a_wait_for_others() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines_with(store, &[("total_timeout_ms", "60000")]);
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        let options = second.options.with(&[]);
        let cancel = options.attach_cancel();
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| first.authorize().expect("granted"));
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            let call = scope.spawn(|| second.authorize_with(&options));
            wait_until("it waits", || waits_for_others(&second));
            cancel.trigger();
            assert_eq!(call.join().expect("no panic").expect_err("cancelled").name, "B2_CANCELLED");
            during_call(
                &second.options,
                || assert_eq!(second.authorize().expect_err("late").name, "B2_TIMEOUT"),
                || {
                    wait_until("it waits", || waits_for_others(&second));
                    second.api.advance(Duration::from_secs(61));
                },
            );
            fixture.sandbox.release("latch");
            leader.join().expect("no panic");
        });
        assert_eq!(fixture.requests(), 1);
    });
}

#[test]
fn a_leader_that_takes_long_is_overtaken() {
    in_each_store(|store| {
        let (fixture, [first, second]) = machines_with(store, &[("total_timeout_ms", "600000")]);
        fixture.sandbox.script(ID, [Fault::hold("latch")]);
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| first.authorize().expect("granted").token());
            assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
            let follower = scope.spawn(|| second.authorize().expect("granted").token());
            wait_until("it waits", || waits_for_others(&second));
            second.api.advance(Duration::from_secs(4));
            let token = follower.join().expect("no panic");
            second.assert_logged(3, "no answer from it for 3 s: this call asks as well");
            fixture.sandbox.release("latch");
            // Both are good; what was in the store first stays.
            assert_ne!(leader.join().expect("no panic"), token);
            let third = Machine::new(&fixture, &store.url());
            assert_eq!(third.authorize().expect("shared").token(), token);
        });
        assert_eq!(fixture.requests(), 2);
    });
}
