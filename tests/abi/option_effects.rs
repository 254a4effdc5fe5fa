//! What options do to a call: their defaults, and when they are read.

use std::time::{Duration, Instant};

use b2_sandbox::{Fault, TlsFault};

use crate::support::api::{Options, Session, c};
use crate::support::fixture::{ID, KEY, PATIENCE, Scene};

fn agents(scene: &Scene) -> Vec<String> {
    let agent = |entry: b2_sandbox::LogEntry| {
        let found = entry.headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
        found.expect("it has one").1
    };
    scene.sandbox.log().into_iter().map(agent).collect()
}

#[test]
fn null_puts_back_five_attempts() {
    let scene = Scene::with(&[("max_attempts", "1"), ("max_backoff_ms", "1")]);
    scene.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(scene.authorize().expect_err("it fails").attempts, 1);
    scene.options.set("max_attempts", None).expect("the default");
    assert_eq!(scene.authorize().expect_err("it fails").attempts, 5);
}

#[test]
fn null_puts_back_the_use_of_the_cache() {
    let scene = Scene::with(&[("cache", "bypass")]);
    let bypassed = scene.authorize().expect("granted");
    scene.options.set("cache", Some("refresh")).expect("a mode");
    let refreshed = scene.authorize().expect("granted");
    scene.options.set("cache", None).expect("the default");
    let cached = scene.authorize().expect("cached");
    assert_ne!(bypassed.token(), refreshed.token());
    assert_eq!(cached.token(), refreshed.token());
    assert_eq!(scene.requests(), 2);
}

#[test]
fn null_puts_back_five_minutes_of_life_to_be_left() {
    let scene = Scene::with(&[("min_remaining_s", "82800")]);
    scene.authorize().expect("granted");
    scene.api.pass(Duration::from_secs(3_700));
    let anew = scene.options.with(&[]);
    anew.set("min_remaining_s", None).expect("the default");
    scene.authorize_with(&anew).expect("cached");
    assert_eq!(scene.requests(), 1);
    scene.authorize().expect("granted anew");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn five_minutes_of_life_are_asked_for_by_default() {
    let scene = Scene::with(&[("max_attempts", "1")]);
    let content = scene.options.with(&[("min_remaining_s", "0")]);
    // A life of 20 minutes, so the default is not asking too much of it.
    let end = Fault::none().set("/applicationKeyExpirationTimestamp", (now_ms() + 1_200_000).into());
    scene.sandbox.script(ID, [end]);
    let token = scene.authorize().expect("granted").token();
    scene.sandbox.script(ID, [Fault::status(500).forever()]);
    scene.api.pass(Duration::from_secs(1_000));
    let served = scene.authorize_with(&content).expect("200 seconds are enough for whoever wants none");
    assert_eq!(served.token(), token);
    assert_eq!(scene.authorize().expect_err("they are not 300").http_status, 500);
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("a small number")
}

#[test]
fn null_puts_back_ten_seconds_of_memory_for_a_refusal() {
    let scene = Scene::with(&[("negative_ttl_s", "0")]);
    scene.sandbox.remove_key(ID);
    let mut asked = 0;
    let mut ask = |more: usize| {
        scene.authorize().expect_err("refused");
        asked += more;
        assert_eq!(scene.requests(), asked);
    };
    ask(1);
    ask(1);
    scene.options.set("negative_ttl_s", None).expect("the default");
    ask(0);
    // Both clocks also go on by themselves, so nothing is asked near the end.
    scene.api.pass(Duration::from_millis(11_000));
    ask(1);
    ask(0);
}

#[test]
fn null_puts_back_twenty_requests_a_minute_and_five_at_once() {
    let scene = Scene::with(&[("cache", "bypass")]);
    scene.options.set("rate_limit_per_minute", None).expect("the default");
    let begun = Instant::now();
    scene.crowd(5, |_| scene.authorize().expect("granted"));
    let impatient = scene.options.with(&[("total_timeout_ms", "1")]);
    let failure = scene.authorize_with(&impatient).expect_err("over the limit");
    assert_eq!((failure.name.as_str(), failure.attempts), ("B2_RATE_LIMITED", 0), "{failure}");
    // The sixth may go three seconds after the first.
    let since = i64::try_from(begun.elapsed().as_millis()).expect("a short time");
    assert!(failure.retry_after_ms <= 3_000 && failure.retry_after_ms + since >= 2_900, "{failure:?}");
    assert_eq!(scene.requests(), 5);
    scene.options.set("rate_limit_per_minute", Some("0")).expect("no limit");
    scene.authorize().expect("granted");
}

#[test]
fn null_puts_back_the_time_for_an_attempt_and_for_the_call() {
    for name in ["attempt_timeout_ms", "total_timeout_ms"] {
        let scene = Scene::with(&[(name, "50"), ("max_attempts", "1")]);
        scene.sandbox.script(ID, [Fault::silent()]);
        assert_eq!(scene.authorize().expect_err("too slow").name, "B2_TIMEOUT");
        scene.options.set(name, None).expect("the default");
        scene.sandbox.script(ID, [Fault::delay(Duration::from_millis(200))]);
        scene.authorize().expect("there is time enough");
    }
}

#[test]
fn a_connect_that_hangs_ends_with_its_own_time() {
    let scene = Scene::with(&[("connect_timeout_ms", "50"), ("max_attempts", "1")]);
    scene.options.set("realm", Some(scene.sandbox.tls_fault(TlsFault::NoHandshake))).expect("a realm");
    let ca_file = scene.sandbox.ca_file().to_str().expect("UTF-8");
    scene.options.set("ca_file", Some(ca_file)).expect("a file");
    assert_eq!(scene.authorize().expect_err("no handshake").name, "B2_TIMEOUT");
}

#[test]
fn a_call_without_a_bound_of_time_is_a_call() {
    let scene = Scene::with(&[("total_timeout_ms", "0")]);
    scene.sandbox.script(ID, [Fault::status(500), Fault::delay(Duration::from_millis(50))]);
    scene.authorize().expect("granted");
    assert_eq!(scene.requests(), 2);
}

#[test]
fn null_puts_back_the_systems_certificates_and_the_librarys_own_name() {
    let scene = Scene::with(&[("user_agent", "backup/1.0"), ("cache", "bypass")]);
    scene.authorize().expect("granted");
    scene.options.set("user_agent", None).expect("the default");
    scene.authorize().expect("granted");
    let agents = agents(&scene);
    assert_eq!(agents[0], format!("backup/1.0 {}", agents[1]));
    assert!(agents[1].starts_with("b2auth/"));
}

#[test]
fn a_copy_is_independent_but_for_the_cancel() {
    let scene = Scene::with(&[("user_agent", "one/1"), ("cache", "bypass")]);
    let cancel = scene.options.cancel();
    let copy = scene.options.with(&[]);
    copy.set("user_agent", Some("two/2")).expect("set");
    scene.authorize().expect("granted");
    scene.authorize_with(&copy).expect("granted");
    scene.options.set("user_agent", Some("three/3")).expect("set");
    scene.authorize_with(&copy).expect("granted");
    let agents = agents(&scene);
    assert!(agents[0].starts_with("one/1 ") && agents[1].starts_with("two/2 "), "{agents:?}");
    assert_eq!(agents[2], agents[1]);

    cancel.trigger();
    assert_eq!(scene.authorize_with(&copy).expect_err("cancelled").name, "B2_CANCELLED");
    scene.options.detach_cancel();
    scene.authorize().expect("the original is free of it");
    assert_eq!(scene.authorize_with(&copy).expect_err("the copy is not").name, "B2_CANCELLED");
}

/// Runs a call, and `meanwhile` while it is held at B2's, which then sends it back for another attempt.
fn meddle(scene: &Scene, meanwhile: impl FnOnce(&Options)) -> Session {
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::none()]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        meanwhile(&scene.options);
        scene.sandbox.release("gate");
        call.join().expect("no panic").expect("nothing changed for this call")
    })
}

#[test]
fn a_call_reads_its_options_once() {
    let scene = Scene::with(&[("user_agent", "before/1")]);
    let elsewhere = scene.sandbox.refused_url();
    let session = meddle(&scene, |options| {
        for (name, value) in [
            ("user_agent", "after/1"),
            ("max_attempts", "1"),
            ("realm", &elsewhere),
            ("cache", "bypass"),
            ("total_timeout_ms", "1"),
            ("attempt_timeout_ms", "1"),
        ] {
            options.set(name, Some(value)).expect(name);
        }
        // A cancel that came too late for the call.
        options.cancel().trigger();
    });
    assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(scene.sandbox.http()));
    let agents = agents(&scene);
    assert_eq!(agents.len(), 2);
    assert!(agents.iter().all(|agent| agent.starts_with("before/1 ")), "{agents:?}");
    assert_eq!(scene.authorize().expect_err("but a later call").name, "B2_CANCELLED");
}

#[test]
fn a_cancel_may_be_freed_before_the_call_that_it_could_end() {
    let scene = Scene::new();
    let cancel = scene.options.cancel();
    meddle(&scene, |_| drop(cancel));
}

#[test]
fn a_cancel_works_on_after_whoever_triggered_it_freed_it() {
    let scene = Scene::new();
    let cancel = scene.options.cancel();
    scene.sandbox.script(ID, [Fault::hold("gate")]);
    let failure = std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize());
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        cancel.trigger();
        drop(cancel);
        call.join().expect("no panic").expect_err("cancelled")
    });
    assert_eq!(failure.name, "B2_CANCELLED");
}

#[test]
fn options_may_be_freed_during_a_call() {
    let scene = Scene::new();
    scene.sandbox.script(ID, [Fault::status(503).held_at("gate"), Fault::none()]);
    let options = scene.options.with(&[("user_agent", "freed/1")]);
    let cancel = options.cancel();
    let handle = options.raw() as usize;
    let status = std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            let (id, key) = (c(ID), c(KEY));
            let (mut session, mut error) = (std::ptr::null_mut(), std::ptr::null_mut());
            // SAFETY: the texts live through the call, and the options until it has read them.
            unsafe {
                let f = &scene.api.f;
                let options = handle as *mut std::ffi::c_void;
                let status = (f.b2_authorize_with)(id.as_ptr(), key.as_ptr(), options, &mut session, &mut error);
                (f.b2_session_free)(session);
                (f.b2_error_free)(error);
                status
            }
        });
        assert!(scene.sandbox.wait_until_held("gate", 1, PATIENCE));
        drop(cancel);
        drop(options);
        scene.sandbox.release("gate");
        call.join().expect("no panic")
    });
    assert_eq!(status, 0);
    assert!(agents(&scene).iter().all(|agent| agent.starts_with("freed/1 ")));
}
