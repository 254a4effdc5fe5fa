//! Threads that meet in a call, in every order that loom can find.
//!
//! The models run the call itself, with a clock that stands still and a transport that responds from memory:
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom_tests`. Each explores every order of its threads with at most
//! [`PREEMPTIONS`] preemptions, which is where the published bugs of this kind are found.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::thread;
use zeroize::Zeroizing;

use super::call::Intent;
use super::{AuthorizeRequest, Runtime, authorize};
use crate::diag::error::{Error, Status};
use crate::model::session::Session;
use crate::model::timestamp::Timestamp;
use crate::options::Options;
use crate::ports::cancel::Cancel;
use crate::ports::limits::Limits;
use crate::ports::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
use crate::ports::{Clock, Env, Rng};
use crate::state::Shared;

const PREEMPTIONS: usize = 3;

struct StoppedClock(Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) {
        unreachable!("no model waits to try again");
    }
}

impl Rng for StoppedClock {
    fn uniform(&self) -> f64 {
        0.0
    }
}

/// A transport that counts its requests, grants a new token each time, and follows its plan.
struct ScriptedTransport {
    requests: AtomicUsize,
    in_flight: AtomicUsize,
    plan: fn(usize) -> Plan,
}

enum Plan {
    Grant,
    Refuse,
    Panic,
    /// As if the caller's cancel was triggered meanwhile.
    Cancel,
}

impl Transport for ScriptedTransport {
    fn send(&self, _: &HttpRequest<'_>, _: &Limits<'_>) -> Result<HttpResponse, Failure> {
        assert_eq!(self.in_flight.fetch_add(1, Ordering::SeqCst), 0, "two requests in flight for one key");
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let (status, body) = match (self.plan)(number) {
            Plan::Grant => (200, granted(number)),
            Plan::Refuse => (401, r#"{"code":"bad_auth_token","message":"","status":401}"#.to_owned()),
            Plan::Panic => panic!("a planted panic"),
            Plan::Cancel => {
                return Err(Failure {
                    kind: FailureKind::Cancelled,
                    message: String::new(),
                    hint: None,
                    is_sent: true,
                });
            }
        };
        Ok(HttpResponse {
            status,
            body: Zeroizing::new(body.into_bytes()),
            body_failure: None,
            date: None,
            retry_after: None,
            request_id: None,
            location: None,
        })
    }

    fn keep_alive(&self) -> Box<dyn Transport + '_> {
        Box::new(self)
    }
}

fn granted(number: usize) -> String {
    format!(
        r#"{{"accountId":"a1","authorizationToken":"token{number}","applicationKeyExpirationTimestamp":null,"apiInfo":
        {{"storageApi":{{"apiUrl":"https://api.test","downloadUrl":"https://f.test","recommendedPartSize":100,
        "absoluteMinimumPartSize":5,"allowed":{{"buckets":null,"capabilities":[],"namePrefix":null}}}}}}}}"#
    )
}

/// What the threads of one model share.
struct Fixture {
    shared: Shared,
    clock: StoppedClock,
    transport: ScriptedTransport,
}

impl Fixture {
    fn new(plan: fn(usize) -> Plan) -> Arc<Self> {
        let clock = StoppedClock(Timestamp { wall_ms: 1_790_000_000_000, boot_ms: 1_000_000 });
        let transport = ScriptedTransport { requests: AtomicUsize::new(0), in_flight: AtomicUsize::new(0), plan };
        Arc::new(Self { shared: Shared::default(), clock, transport })
    }

    fn call(&self, intent: Intent<'_>, options: &Options) -> Result<Arc<Session>, Error> {
        let env = Env { clock: &self.clock, rng: &self.clock, transport: &self.transport };
        let runtime = Runtime { shared: &self.shared, env };
        let (key_id, key) = (b"id", b"key");
        authorize(runtime, &AuthorizeRequest { key_id, key, options, intent, batch_deadline_ms: None })
    }

    fn plain(&self) -> Result<Arc<Session>, Error> {
        self.call(Intent::Authorize, &Options::new())
    }

    /// The same clock, that much later.
    fn at(&self, later: Duration) -> StoppedClock {
        StoppedClock(self.clock.0.after(later))
    }

    fn requests(&self) -> usize {
        self.transport.requests.load(Ordering::SeqCst)
    }

    fn assert_nothing_left(&self) {
        assert!(self.shared.lock().single_flight.is_empty(), "a flight outlived its callers");
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(check);
}

fn token(session: &Session) -> String {
    session.authorization_token().to_owned()
}

/// Runs one call on each of `others` threads and one on this, and gives all their results.
fn together<T: 'static>(
    fixture: &Arc<Fixture>,
    others: usize,
    call: impl Fn(&Fixture) -> T + Copy + Send + 'static,
) -> Vec<T> {
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let fixture = Arc::clone(fixture);
            thread::spawn(move || call(&fixture))
        })
        .collect();
    let mine = call(fixture);
    threads.into_iter().map(|thread| thread.join().expect("no call panics")).chain([mine]).collect()
}

#[test]
fn first_calls_of_three_threads_are_one_request() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Grant);
        for session in together(&fixture, 2, Fixture::plain) {
            assert_eq!(token(&session.expect("granted")), "token0");
        }
        assert_eq!(fixture.requests(), 1);
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_refused_key_of_three_threads_is_one_request() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Refuse);
        for session in together(&fixture, 2, Fixture::plain) {
            assert_eq!(session.expect_err("refused").status(), Status::BadCredentials);
        }
        assert_eq!(fixture.requests(), 1);
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_rejected_token_is_replaced_once_and_never_returned_again() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Grant);
        let old = fixture.plain().expect("granted");
        let rejected = Arc::clone(&old);
        let results = {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (fixture, rejected) = (Arc::clone(&fixture), Arc::clone(&rejected));
                    thread::spawn(move || fixture.call(Intent::Reauthorize(&rejected), &Options::new()))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect::<Vec<_>>()
        };
        for session in results {
            assert_eq!(token(&session.expect("granted")), "token1");
        }
        assert_eq!(fixture.requests(), 2);
        let late = fixture.call(Intent::Reauthorize(&old), &Options::new()).expect("granted");
        assert_eq!((token(&late).as_str(), fixture.requests()), ("token1", 2));
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_stale_token_is_refreshed_by_one_and_served_to_the_other() {
    model(|| {
        let young = Fixture::new(|_| Plan::Grant);
        young.plain().expect("granted");
        let later = Arc::new(Fixture {
            clock: young.at(Duration::from_secs(23 * 60 * 60)),
            shared: Arc::into_inner(young).expect("nobody else has it").shared,
            transport: ScriptedTransport {
                requests: AtomicUsize::new(1),
                in_flight: AtomicUsize::new(0),
                plan: |_| Plan::Grant,
            },
        });
        let mut tokens: Vec<_> =
            together(&later, 1, Fixture::plain).into_iter().map(|session| token(&session.expect("a token"))).collect();
        tokens.sort();
        assert!(tokens == ["token0", "token1"] || tokens == ["token1", "token1"], "{tokens:?}");
        assert_eq!(later.requests(), 2);
        later.assert_nothing_left();
    });
}

#[test]
fn a_cancelled_leader_promotes_a_follower() {
    model(|| {
        let fixture = Fixture::new(|number| if number == 0 { Plan::Cancel } else { Plan::Grant });
        let results = together(&fixture, 2, Fixture::plain);
        let cancelled = results.iter().filter(|r| r.as_ref().is_err_and(|e| e.status() == Status::Cancelled)).count();
        assert_eq!(cancelled, 1);
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 2);
        assert_eq!(fixture.requests(), 2);
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_follower_that_leaves_affects_no_other() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Grant);
        let cancel = Cancel::new();
        let mut impatient = Options::new();
        impatient.set_cancel(Some(cancel.clone()));
        let leaver = {
            let fixture = Arc::clone(&fixture);
            thread::spawn(move || fixture.call(Intent::Authorize, &impatient))
        };
        let stayer = {
            let fixture = Arc::clone(&fixture);
            thread::spawn(move || fixture.plain())
        };
        {
            // A deadline is an event here: where time would have woken the follower, this does.
            let state = fixture.shared.lock();
            cancel.trigger();
            state.single_flight.wake_all();
        }
        let left = leaver.join().expect("no call panics");
        assert!(left.is_ok() || left.is_err_and(|e| e.status() == Status::Cancelled));
        assert!(stayer.join().expect("no call panics").is_ok());
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_result_that_spans_a_clear_is_returned_and_not_cached() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Grant);
        let caller = {
            let fixture = Arc::clone(&fixture);
            thread::spawn(move || fixture.plain())
        };
        // The other thread may run here.
        thread::yield_now();
        let begun = fixture.requests();
        fixture.shared.clear();
        caller.join().expect("no call panics").expect("granted");
        fixture.plain().expect("granted");
        // Completed before the clear or in flight across it: either way the first token must not be cached.
        assert!(begun == 0 || fixture.requests() == 2);
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_leader_that_panics_fails_its_followers_and_nothing_else() {
    model(|| {
        let fixture = Fixture::new(|number| if number == 0 { Plan::Panic } else { Plan::Grant });
        let call = |fixture: &Fixture| {
            let call = std::panic::AssertUnwindSafe(|| fixture.plain());
            std::panic::catch_unwind(call).unwrap_or_else(|_| Err(Error::internal("catch_panic at the border")))
        };
        for result in together(&fixture, 1, call) {
            assert!(result.is_ok() || result.is_err_and(|e| e.status() == Status::InternalError));
        }
        assert!(fixture.plain().is_ok(), "a later call succeeds");
        fixture.assert_nothing_left();
    });
}

#[test]
fn a_token_rejected_before_a_follower_wakes_is_not_returned_to_it() {
    model(|| {
        let fixture = Fixture::new(|_| Plan::Grant);
        let other = {
            let fixture = Arc::clone(&fixture);
            thread::spawn(move || fixture.plain())
        };
        let mine = fixture.plain().expect("granted");
        let is_follower_asleep = {
            let mut state = fixture.shared.lock();
            mine.mark_rejected();
            state.cache.remove_if_same(&mine);
            !state.single_flight.is_empty()
        };
        let theirs = other.join().expect("no call panics").expect("granted");
        assert!(!is_follower_asleep || token(&theirs) != token(&mine), "a rejected token was returned");
        fixture.assert_nothing_left();
    });
}
