//! How a token ages: fresh, then to be refreshed behind everybody's back, then dead.

use std::time::Duration;

use b2_sandbox::{Fault, Key};

use crate::support::api::Ask;
use crate::support::fixture::{ID, PATIENCE, Scene};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[test]
fn a_fresh_token_is_handed_out_without_a_request() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    for _ in 0..16 {
        assert_eq!(scene.authorize().expect("granted").token(), token);
        scene.api.pass(HOUR);
    }
    assert_eq!(scene.requests(), 1);
    assert_eq!(scene.api.counter("cache_hits"), 16);
}

#[test]
fn a_token_is_fresh_for_seven_tenths_of_its_life_at_least_and_eight_at_most() {
    let scene = Scene::new();
    let token = scene.authorize().expect("granted").token();
    scene.api.pass(DAY.mul_f64(0.69));
    assert_eq!(scene.authorize().expect("granted").token(), token);
    assert_eq!(scene.requests(), 1);
    scene.api.pass(DAY.mul_f64(0.12));
    assert_ne!(scene.authorize().expect("granted").token(), token);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn tokens_of_one_hour_are_not_all_refreshed_together() {
    let scene = Scene::new();
    // That all of so many draw the same half of the tenth comes about once in 10^18 runs.
    let ids: Vec<_> = (0..60).map(|number| format!("0014aa9865d6f00000000{number:04}")).collect();
    let authorize = |id: &String| {
        let key = format!("K001{id}/spread");
        scene.api.call(Some(id), Some(&key), Ask::Authorize, Some(&scene.options)).expect("granted");
    };
    for id in &ids {
        scene.sandbox.add_key(Key::master(id, &format!("K001{id}/spread")));
        authorize(id);
    }
    scene.api.pass(DAY.mul_f64(0.75));
    ids.iter().for_each(authorize);
    let refreshed = scene.sandbox.authorize_count("*") - ids.len();
    assert!(0 < refreshed && refreshed < ids.len(), "{refreshed} of {}", ids.len());
}

#[test]
fn while_one_caller_refreshes_the_others_get_the_old_token() {
    let scene = Scene::new();
    let old = scene.stale().token();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| scene.authorize().expect("granted").token());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        let meanwhile = scene.crowd(100, |_| scene.authorize().expect("granted").token());
        assert!(meanwhile.iter().all(|token| *token == old));
        scene.sandbox.release("gate");
        let new = refresh.join().expect("no panic");
        assert_ne!(new, old);
        assert_eq!(scene.authorize().expect("granted").token(), new);
    });
    assert_eq!(scene.requests(), 2);
    assert_eq!(scene.api.counter("stale_served"), 0, "nothing failed");
    assert_eq!(scene.api.counter("coalesced"), 0, "nobody waited");
}

#[test]
fn a_thousand_callers_of_a_token_to_be_refreshed_are_one_request() {
    let scene = Scene::new();
    let old = scene.stale().token();
    let tokens = scene.crowd(1_000, |_| scene.authorize().expect("granted").token());
    assert_eq!(scene.requests(), 2);
    let new = scene.authorize().expect("granted").token();
    assert!(tokens.iter().all(|token| *token == old || *token == new));
    assert_ne!(new, old);
}

#[test]
fn a_token_is_dead_a_minute_before_its_end() {
    let scene = Scene::with(&[("max_attempts", "2"), ("min_remaining_s", "0")]);
    let session = scene.authorize().expect("granted");
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    scene.api.pass(DAY - Duration::from_secs(90));
    assert!((30..=90).contains(&session.seconds_left()), "{}", session.seconds_left());
    assert_eq!(scene.authorize().expect("it lives still").token(), session.token());
    assert_eq!(scene.requests(), 2, "one for the refresh");
    scene.api.pass(Duration::from_secs(31));
    assert_eq!(session.seconds_left(), 0);
    assert_eq!(scene.authorize().expect_err("it is dead").name, "B2_SERVICE_UNAVAILABLE");
    assert_eq!(scene.requests(), 4, "both attempts of a full request, and no wait for the failed refresh's minute");
}

#[test]
fn a_token_is_dead_as_soon_as_either_clock_says_so() {
    let last_minute = DAY_MS - 30_000;
    for (wall_ms, boot_ms) in [(last_minute, 0), (0, last_minute)] {
        let scene = Scene::with(&[("max_attempts", "1"), ("min_remaining_s", "0")]);
        let session = scene.authorize().expect("granted");
        scene.sandbox.script(ID, [Fault::status(503).forever()]);
        scene.api.turn(wall_ms, boot_ms);
        assert_eq!(session.seconds_left(), 0);
        scene.authorize().expect_err("it is dead, and no other is to be had");
    }
}

#[test]
fn a_dead_token_is_replaced() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    scene.api.pass(DAY);
    let new = scene.authorize().expect("granted").token();
    assert_ne!(new, old);
    assert_eq!(scene.authorize().expect("granted").token(), new);
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_wall_clock_set_back_makes_no_dead_token_live() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let session = scene.authorize().expect("granted");
    scene.api.turn(-DAY_MS, 0);
    assert_eq!(scene.authorize().expect("granted").token(), session.token(), "it lives, and costs no request");
    assert_eq!(scene.requests(), 1);
    assert!(session.seconds_left() <= 24 * 60 * 60, "{}", session.seconds_left());
    scene.sandbox.script(ID, [Fault::status(503).forever()]);
    scene.api.pass(DAY);
    assert_eq!(session.seconds_left(), 0);
    scene.authorize().expect_err("it is dead, though the wall clock says that it has only begun");
}

#[test]
fn a_wall_clock_set_forward_costs_one_request_at_most() {
    let scene = Scene::new();
    let old = scene.authorize().expect("granted").token();
    scene.api.turn(DAY_MS, 0);
    let new = scene.authorize().expect("granted").token();
    assert_ne!(new, old, "a day may really have passed");
    assert_eq!(scene.authorize().expect("granted").token(), new);
    assert_eq!(scene.requests(), 2);
    scene.api.turn(-DAY_MS, 0);
    assert_eq!(scene.authorize().expect("granted").token(), new, "and setting it right again costs none");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn a_wall_clock_that_is_wrong_from_the_start_shortens_no_life() {
    let scene = Scene::new();
    scene.api.turn(-400 * DAY_MS, 0);
    let token = scene.authorize().expect("granted").token();
    scene.api.pass(16 * HOUR);
    assert_eq!(scene.authorize().expect("granted").token(), token);
    assert_eq!(scene.requests(), 1);
}
