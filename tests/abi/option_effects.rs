//! The effects of options on calls: their defaults, and when they are read.

use std::time::Duration;

use b2_sandbox::{Fault, TlsFault};

use crate::rate_limit::over_limit_after_burst;
use crate::support::api::{Options, Session, c_string};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

fn user_agents(fixture: &Fixture) -> Vec<String> {
    let agent = |entry: b2_sandbox::LogEntry| {
        let found = entry.headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
        found.expect("it has one").1
    };
    fixture.sandbox.log().into_iter().map(agent).collect()
}

#[test]
fn null_restores_five_attempts() {
    let fixture = Fixture::with_options(&[("max_attempts", "1"), ("max_backoff_ms", "1")]);
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    assert_eq!(fixture.authorize().expect_err("it fails").attempts, 1);
    fixture.options.set("max_attempts", None).expect("the default");
    assert_eq!(fixture.authorize().expect_err("it fails").attempts, 5);
}

#[test]
fn null_restores_the_use_of_the_cache() {
    let fixture = Fixture::with_options(&[("cache", "bypass")]);
    let bypassed = fixture.authorize().expect("granted");
    fixture.options.set("cache", Some("refresh")).expect("a mode");
    let refreshed = fixture.authorize().expect("granted");
    fixture.options.set("cache", None).expect("the default");
    let cached = fixture.authorize().expect("cached");
    assert_ne!(bypassed.token(), refreshed.token());
    assert_eq!(cached.token(), refreshed.token());
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn null_restores_min_remaining_of_five_minutes() {
    let fixture = Fixture::with_options(&[("min_remaining_s", "82800")]);
    fixture.authorize().expect("granted");
    fixture.api.advance(Duration::from_secs(3_700));
    let anew = fixture.options.with(&[]);
    anew.set("min_remaining_s", None).expect("the default");
    fixture.authorize_with(&anew).expect("cached");
    assert_eq!(fixture.requests(), 1);
    fixture.authorize().expect("granted anew");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn the_default_min_remaining_is_five_minutes() {
    let fixture = Fixture::with_options(&[("max_attempts", "1")]);
    let modest = fixture.options.with(&[("min_remaining_s", "0")]);
    // A lifetime of 20 minutes, longer than the default min_remaining_s.
    let end = Fault::none().set("/applicationKeyExpirationTimestamp", (now_ms() + 1_200_000).into());
    fixture.sandbox.script(ID, [end]);
    let token = fixture.authorize().expect("granted").token();
    fixture.sandbox.script(ID, [Fault::status(500).forever()]);
    fixture.api.advance(Duration::from_secs(1_000));
    let served = fixture.authorize_with(&modest).expect("200 seconds are enough for min_remaining_s=0");
    assert_eq!(served.token(), token);
    assert_eq!(fixture.authorize().expect_err("and not for 300").http_status, 500);
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("a small number")
}

#[test]
fn null_restores_a_negative_ttl_of_ten_seconds() {
    let fixture = Fixture::with_options(&[("negative_ttl_s", "0")]);
    fixture.sandbox.remove_key(ID);
    let mut expected = 0;
    let mut assert_rejected_after = |more: usize| {
        fixture.authorize().expect_err("refused");
        expected += more;
        assert_eq!(fixture.requests(), expected);
    };
    assert_rejected_after(1);
    assert_rejected_after(1);
    fixture.options.set("negative_ttl_s", None).expect("the default");
    assert_rejected_after(0);
    // Both clocks also advance by themselves, so no call is made near the end.
    fixture.api.advance(Duration::from_millis(11_000));
    assert_rejected_after(1);
    assert_rejected_after(0);
}

#[test]
fn null_restores_twenty_requests_a_minute_with_a_burst_of_five() {
    let fixture = Fixture::with_options(&[("cache", "bypass")]);
    fixture.options.set("rate_limit_per_minute", None).expect("the default");
    over_limit_after_burst(&fixture);
    fixture.options.set("rate_limit_per_minute", Some("0")).expect("no limit");
    fixture.authorize().expect("granted");
}

#[test]
fn null_restores_the_attempt_and_total_timeouts() {
    for name in ["attempt_timeout_ms", "total_timeout_ms"] {
        let fixture = Fixture::with_options(&[(name, "50"), ("max_attempts", "1")]);
        fixture.sandbox.script(ID, [Fault::silent()]);
        assert_eq!(fixture.authorize().expect_err("too slow").name, "B2_TIMEOUT");
        fixture.options.set(name, None).expect("the default");
        fixture.sandbox.script(ID, [Fault::delay(Duration::from_millis(200))]);
        fixture.authorize().expect("there is enough time");
    }
}

#[test]
fn connect_timeout_ms_includes_the_tls_handshake() {
    let fixture = Fixture::with_options(&[("connect_timeout_ms", "50"), ("max_attempts", "1")]);
    fixture.options.set("realm", Some(fixture.sandbox.tls_fault(TlsFault::NoHandshake))).expect("a realm");
    let ca_file = fixture.sandbox.ca_file().to_str().expect("UTF-8");
    fixture.options.set("ca_file", Some(ca_file)).expect("a file");
    assert_eq!(fixture.authorize().expect_err("no handshake").name, "B2_TIMEOUT");
}

#[test]
fn a_call_without_a_deadline_works() {
    let fixture = Fixture::with_options(&[("total_timeout_ms", "0")]);
    fixture.sandbox.script(ID, [Fault::status(500), Fault::delay(Duration::from_millis(50))]);
    fixture.authorize().expect("granted");
    assert_eq!(fixture.requests(), 2);
}

#[test]
fn null_restores_the_librarys_own_user_agent() {
    let fixture = Fixture::with_options(&[("user_agent", "backup/1.0"), ("cache", "bypass")]);
    fixture.authorize().expect("granted");
    fixture.options.set("user_agent", None).expect("the default");
    fixture.authorize().expect("granted");
    let agents = user_agents(&fixture);
    assert_eq!(agents[0], format!("backup/1.0 {}", agents[1]));
    assert!(agents[1].starts_with("b2auth/"));
}

#[test]
fn a_copy_is_independent_except_for_the_cancel() {
    let fixture = Fixture::with_options(&[("user_agent", "one/1"), ("cache", "bypass")]);
    let cancel = fixture.options.attach_cancel();
    let copy = fixture.options.with(&[]);
    copy.set("user_agent", Some("two/2")).expect("set");
    fixture.authorize().expect("granted");
    fixture.authorize_with(&copy).expect("granted");
    fixture.options.set("user_agent", Some("three/3")).expect("set");
    fixture.authorize_with(&copy).expect("granted");
    let agents = user_agents(&fixture);
    assert!(agents[0].starts_with("one/1 ") && agents[1].starts_with("two/2 "), "{agents:?}");
    assert_eq!(agents[2], agents[1]);

    cancel.trigger();
    assert_eq!(fixture.authorize_with(&copy).expect_err("cancelled").name, "B2_CANCELLED");
    fixture.options.detach_cancel();
    fixture.authorize().expect("the original has none any more");
    assert_eq!(fixture.authorize_with(&copy).expect_err("the copy still has it").name, "B2_CANCELLED");
}

/// Runs a call, and `meanwhile` while its first attempt is held, which then fails and is retried.
fn change_during_call(fixture: &Fixture, meanwhile: impl FnOnce(&Options)) -> Session {
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::none()]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        meanwhile(&fixture.options);
        fixture.sandbox.release("latch");
        call.join().expect("no panic").expect("this call is not affected")
    })
}

#[test]
fn a_call_reads_its_options_once() {
    let fixture = Fixture::with_options(&[("user_agent", "before/1")]);
    let elsewhere = fixture.sandbox.refused_url();
    let session = change_during_call(&fixture, |options| {
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
        // A cancel that was attached too late for the call.
        options.attach_cancel().trigger();
    });
    assert_eq!(session.text(|f| f.b2_session_realm).as_deref(), Some(fixture.sandbox.http()));
    let agents = user_agents(&fixture);
    assert_eq!(agents.len(), 2);
    assert!(agents.iter().all(|agent| agent.starts_with("before/1 ")), "{agents:?}");
    assert_eq!(fixture.authorize().expect_err("but a later call").name, "B2_CANCELLED");
}

#[test]
fn a_cancel_may_be_freed_during_a_call() {
    let fixture = Fixture::new();
    let cancel = fixture.options.attach_cancel();
    change_during_call(&fixture, |_| drop(cancel));
}

#[test]
fn a_triggered_cancel_may_be_freed_at_once() {
    let fixture = Fixture::new();
    let cancel = fixture.options.attach_cancel();
    fixture.sandbox.script(ID, [Fault::hold("latch")]);
    let failure = std::thread::scope(|scope| {
        let call = scope.spawn(|| fixture.authorize());
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        cancel.trigger();
        drop(cancel);
        call.join().expect("no panic").expect_err("cancelled")
    });
    assert_eq!(failure.name, "B2_CANCELLED");
}

#[test]
fn options_may_be_freed_during_a_call() {
    let fixture = Fixture::new();
    fixture.sandbox.script(ID, [Fault::status(503).held_at("latch"), Fault::none()]);
    let options = fixture.options.with(&[("user_agent", "freed/1")]);
    let cancel = options.attach_cancel();
    let handle = options.raw() as usize;
    let status = std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            let (id, key) = (c_string(ID), c_string(KEY));
            let (mut session, mut error) = (std::ptr::null_mut(), std::ptr::null_mut());
            // SAFETY: the texts live through the call, and the options until it has read them.
            unsafe {
                let f = &fixture.api.f;
                let options = handle as *mut std::ffi::c_void;
                let status = (f.b2_authorize_with)(id.as_ptr(), key.as_ptr(), options, &mut session, &mut error);
                (f.b2_session_free)(session);
                (f.b2_error_free)(error);
                status
            }
        });
        assert!(fixture.sandbox.wait_until_held("latch", 1, TEST_TIMEOUT));
        drop(cancel);
        drop(options);
        fixture.sandbox.release("latch");
        call.join().expect("no panic")
    });
    assert_eq!(status, 0);
    assert!(user_agents(&fixture).iter().all(|agent| agent.starts_with("freed/1 ")));
}

#[test]
fn options_may_be_set_while_calls_read_them() {
    let fixture = Fixture::new();
    let products: Vec<_> = (0..2).map(|number| format!("product-{number}/{}", "9".repeat(60))).collect();
    let (shared, api) = (&fixture.options, fixture.api);
    fixture.authorize().expect("granted");
    fixture.in_parallel(4, |number| {
        for round in 0..20_000 {
            if number < 2 {
                shared.set("user_agent", Some(&products[round % 2])).expect("an option");
            } else {
                drop(shared.with(&[]));
            }
        }
        for _ in 0..200 {
            fixture.authorize_with(shared).expect("cached");
        }
    });
    // They are whole: the next request has one of the two values.
    api.clear_cache();
    fixture.authorize().expect("granted");
    let agent = user_agents(&fixture).pop().expect("a request");
    assert!(products.iter().any(|product| agent.starts_with(product.as_str())), "{agent}");
}
