//! The run log as a host hears it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use b2_sandbox::Fault;

use crate::support::api::Options;
use crate::support::fixture::{KEY, Scene};

/// What a log has heard: level and message.
type Heard = Arc<Mutex<Vec<(i32, String)>>>;

fn listen(options: &Options) -> Heard {
    let heard = Heard::default();
    let mine = Arc::clone(&heard);
    options.set_log(Some(Box::new(move |level, message| {
        mine.lock().expect("no panic").push((level, message.to_owned()));
    })));
    heard
}

fn take(heard: &Heard) -> Vec<(i32, String)> {
    std::mem::take(&mut heard.lock().expect("no panic"))
}

fn assert_said(heard: &Heard, expected: &[(i32, &str)]) {
    let said = take(heard);
    let fits = said.len() == expected.len()
        && said.iter().zip(expected).all(|(said, expected)| said.0 == expected.0 && said.1.contains(expected.1));
    assert!(fits, "{said:#?}");
}

#[test]
fn each_decision_of_a_call_is_told_in_order() {
    let scene = Scene::new();
    let heard = listen(&scene.options);
    scene.sandbox.script("*", [Fault::status(503).code("service_unavailable")]);
    scene.authorize().expect("granted");
    assert_said(
        &heard,
        &[
            (4, "the application key comes from the call"),
            (3, "cache miss"),
            (3, "asking http://127.0.0.1"),
            (2, "HTTP 503 service_unavailable"),
            (2, "before attempt 2 of 5"),
            (3, "asking http://127.0.0.1"),
            (3, "granted a session"),
        ],
    );
    scene.authorize().expect("a token at hand");
    assert_said(&heard, &[(4, "cache hit")]);
    for (mode, said) in [("refresh", "a new token is wanted"), ("bypass", "the cache is passed by")] {
        scene.options.set("cache", Some(mode)).expect(mode);
        scene.authorize().expect("granted");
        assert_said(
            &heard,
            &[(4, "the application key comes from the call"), (3, said), (3, "asking"), (3, "granted a session")],
        );
    }
}

#[test]
fn an_old_token_handed_out_is_a_warning() {
    let scene = Scene::new();
    let old = scene.stale();
    let heard = listen(&scene.options);
    scene.sandbox.script("*", [Fault::status(503).code("service_unavailable")]);
    assert_eq!(scene.authorize().expect("the old one").token(), old.token());
    let said = take(&heard);
    assert!(said.iter().any(|(level, message)| *level == 3 && message.contains("the token grows old")), "{said:#?}");
    assert!(said.iter().any(|(level, message)| *level == 2 && message.contains("the refresh failed")), "{said:#?}");
    assert!(said.iter().all(|(level, _)| *level != 1), "no call failed: {said:#?}");
}

#[test]
fn a_failure_is_told_with_its_hint_and_no_secret() {
    let scene = Scene::new();
    let heard = listen(&scene.options);
    scene.sandbox.script("*", [Fault::status(401).code("unauthorized").message(&format!("no such key: {KEY}"))]);
    scene.authorize().expect_err("refused");
    let said = take(&heard);
    let (level, last) = said.last().expect("something was said");
    assert_eq!(*level, 1);
    assert!(last.contains("B2_BAD_CREDENTIALS") && last.contains("no such key: ***"), "{last}");
    assert!(said.iter().all(|(_, message)| !message.contains(KEY)), "{said:#?}");
}

#[test]
fn retry_after_the_gate_and_the_budget_are_told() {
    let scene = Scene::with(&[("rate_limit_per_minute", "20"), ("total_timeout_ms", "1000")]);
    let heard = listen(&scene.options);
    scene.sandbox.script("*", [Fault::status(429).retry_after("3600")]);
    scene.authorize().expect_err("too long a wait");
    let said = take(&heard);
    assert!(said.iter().any(|(_, message)| message.contains("asks every caller for this key to wait")), "{said:#?}");
    scene.authorize().expect_err("the gate is closed");
    let said = take(&heard);
    assert!(said.last().is_some_and(|(_, message)| message.contains("B2_RATE_LIMITED")), "{said:#?}");
}

#[test]
fn a_log_may_call_the_library() {
    let scene = Arc::new(Scene::new());
    let (inner, depth) = (Arc::clone(&scene), AtomicUsize::new(0));
    scene.options.set_log(Some(Box::new(move |_, _| {
        if depth.fetch_add(1, Ordering::SeqCst) == 0 {
            inner.api.clear();
            inner.authorize().expect("granted");
        }
    })));
    scene.authorize().expect("granted");
    assert!(scene.requests() >= 1);
    scene.options.set_log(None);
}

#[test]
fn one_message_at_a_time_is_told_to_a_family_of_options() {
    let scene = Scene::new();
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, highest) = (Arc::clone(&inside), Arc::clone(&most));
    scene.options.set_log(Some(Box::new(move |_, _| {
        highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        now.fetch_sub(1, Ordering::SeqCst);
    })));
    let copy = scene.options.with(&[]);
    scene.crowd(32, |number| {
        for _ in 0..50 {
            scene.authorize_with(if number % 2 == 0 { &scene.options } else { &copy }).expect("granted");
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// Counts its own end.
struct Given(Arc<AtomicUsize>);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn what_was_given_with_a_log_is_released_once_and_last() {
    let scene = Scene::new();
    let released = Arc::new(AtomicUsize::new(0));
    let given = Given(Arc::clone(&released));
    let options = scene.options.with(&[]);
    options.set_log(Some(Box::new(move |_, _| {
        let _ = &given;
    })));
    let copy = options.with(&[]);
    drop(options);
    assert_eq!(released.load(Ordering::SeqCst), 0, "a copy still holds it");
    scene.authorize_with(&copy).expect("granted");
    copy.set_log(None);
    assert_eq!(released.load(Ordering::SeqCst), 1);
    drop(copy);
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn a_call_under_way_keeps_its_log() {
    let scene = Scene::new();
    let released = Arc::new(AtomicUsize::new(0));
    let given = Given(Arc::clone(&released));
    let options = scene.options.with(&[]);
    options.set_log(Some(Box::new(move |_, _| {
        let _ = &given;
    })));
    scene.sandbox.script("*", [Fault::hold("gate")]);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| scene.authorize_with(&options).map(drop));
        assert!(scene.sandbox.wait_until_held("gate", 1, Duration::from_secs(30)));
        options.set_log(None);
        assert_eq!(released.load(Ordering::SeqCst), 0, "the call still tells it things");
        scene.sandbox.release("gate");
        call.join().expect("no panic").expect("granted");
    });
    assert_eq!(released.load(Ordering::SeqCst), 1);
}
