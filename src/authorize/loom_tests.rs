//! The meeting of threads, tried in every order that loom can find.
//!
//! The models run the story of a call itself, over a clock that stands still and a way to B2 that answers from memory.
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib models`. Each explores every order of its threads with at most
//! [`PREEMPTIONS`] preemptions, which is where the published bugs of this kind are found.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::thread;
use zeroize::Zeroizing;

use super::call::Ask;
use super::{Wish, authorize};
use crate::diag::error::{Error, Status};
use crate::model::session::Session;
use crate::model::timestamp::{Clock, Moment};
use crate::options::Options;
use crate::ports::cancel::{Bounds, Cancel};
use crate::ports::transport::{Answer, Failure, FailureKind, Request, Transport};
use crate::ports::{Dice, World};
use crate::state::Shared;

const PREEMPTIONS: usize = 3;

struct Still(Moment);

impl Clock for Still {
    fn now(&self) -> Moment {
        self.0
    }

    fn sleep(&self, _: Duration) {
        unreachable!("no model waits to try again");
    }
}

impl Dice for Still {
    fn roll(&self) -> f64 {
        0.0
    }
}

/// A way to B2 that counts its requests, tells each token from the last, and does as its plan says.
struct Scripted {
    requests: AtomicUsize,
    in_the_air: AtomicUsize,
    plan: fn(usize) -> Plan,
}

enum Plan {
    Grant,
    Refuse,
    Panic,
    /// The asker's cancel came in the middle.
    Cancel,
}

impl Transport for Scripted {
    fn send(&self, _: &Request<'_>, _: &Bounds<'_>) -> Result<Answer, Failure> {
        assert_eq!(self.in_the_air.fetch_add(1, Ordering::SeqCst), 0, "two requests in the air for one key");
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        self.in_the_air.fetch_sub(1, Ordering::SeqCst);
        let (status, body) = match (self.plan)(number) {
            Plan::Grant => (200, granted(number)),
            Plan::Refuse => (401, r#"{"code":"bad_auth_token","message":"","status":401}"#.to_owned()),
            Plan::Panic => panic!("a planted panic"),
            Plan::Cancel => return Err(Failure { kind: FailureKind::Cancelled, message: String::new(), hint: None }),
        };
        Ok(Answer {
            status,
            body: Zeroizing::new(body.into_bytes()),
            date: None,
            retry_after: None,
            request_id: None,
            location: None,
        })
    }

    fn keeping(&self) -> Box<dyn Transport + '_> {
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
struct Scene {
    shared: Shared,
    clock: Still,
    way: Scripted,
}

impl Scene {
    fn new(plan: fn(usize) -> Plan) -> Arc<Self> {
        let clock = Still(Moment { wall_ms: 1_790_000_000_000, boot_ms: 1_000_000 });
        let way = Scripted { requests: AtomicUsize::new(0), in_the_air: AtomicUsize::new(0), plan };
        Arc::new(Self { shared: Shared::default(), clock, way })
    }

    fn call(&self, ask: Ask<'_>, options: &Options) -> Result<Arc<Session>, Error> {
        let world = World { clock: &self.clock, dice: &self.clock, transport: &self.way };
        authorize(&self.shared, world, &Wish { key_id: b"id", key: b"key", options, ask, until_ms: None })
    }

    fn plain(&self) -> Result<Arc<Session>, Error> {
        self.call(Ask::AsOptionsSay, &Options::new())
    }

    /// The cache as a later hour would find it.
    fn at(&self, later: Duration) -> Still {
        Still(self.clock.0.after(later))
    }

    fn requests(&self) -> usize {
        self.way.requests.load(Ordering::SeqCst)
    }

    fn assert_nothing_left(&self) {
        assert!(self.shared.lock().flights.is_empty(), "a flight outlived its callers");
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(check);
}

fn token(session: &Session) -> String {
    session.authorization_token().to_string_lossy().into_owned()
}

/// Runs one call on each of `others` threads and one on this, and gives all their results.
fn together<T: 'static>(
    scene: &Arc<Scene>,
    others: usize,
    call: impl Fn(&Scene) -> T + Copy + Send + 'static,
) -> Vec<T> {
    let threads: Vec<_> = (0..others)
        .map(|_| {
            let scene = Arc::clone(scene);
            thread::spawn(move || call(&scene))
        })
        .collect();
    let mine = call(scene);
    threads.into_iter().map(|thread| thread.join().expect("no call panics")).chain([mine]).collect()
}

#[test]
fn a_first_call_by_three_is_one_request() {
    model(|| {
        let scene = Scene::new(|_| Plan::Grant);
        for session in together(&scene, 2, Scene::plain) {
            assert_eq!(token(&session.expect("granted")), "token0");
        }
        assert_eq!(scene.requests(), 1);
        scene.assert_nothing_left();
    });
}

#[test]
fn a_refused_key_by_three_is_one_request() {
    model(|| {
        let scene = Scene::new(|_| Plan::Refuse);
        for session in together(&scene, 2, Scene::plain) {
            assert_eq!(session.expect_err("refused").status(), Status::BadCredentials);
        }
        assert_eq!(scene.requests(), 1);
        scene.assert_nothing_left();
    });
}

#[test]
fn a_rejected_token_is_replaced_once_and_never_seen_again() {
    model(|| {
        let scene = Scene::new(|_| Plan::Grant);
        let old = scene.plain().expect("granted");
        let rejected = Arc::clone(&old);
        let results = {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (scene, rejected) = (Arc::clone(&scene), Arc::clone(&rejected));
                    thread::spawn(move || scene.call(Ask::After(&rejected), &Options::new()))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect::<Vec<_>>()
        };
        for session in results {
            assert_eq!(token(&session.expect("granted")), "token1");
        }
        assert_eq!(scene.requests(), 2);
        let late = scene.call(Ask::After(&old), &Options::new()).expect("granted");
        assert_eq!((token(&late).as_str(), scene.requests()), ("token1", 2));
        scene.assert_nothing_left();
    });
}

#[test]
fn a_stale_token_is_refreshed_by_one_and_served_to_the_other() {
    model(|| {
        let young = Scene::new(|_| Plan::Grant);
        young.plain().expect("granted");
        let later = Arc::new(Scene {
            clock: young.at(Duration::from_secs(23 * 60 * 60)),
            shared: Arc::into_inner(young).expect("nobody else has it").shared,
            way: Scripted { requests: AtomicUsize::new(1), in_the_air: AtomicUsize::new(0), plan: |_| Plan::Grant },
        });
        let mut tokens: Vec<_> =
            together(&later, 1, Scene::plain).into_iter().map(|session| token(&session.expect("a token"))).collect();
        tokens.sort();
        assert!(tokens == ["token0", "token1"] || tokens == ["token1", "token1"], "{tokens:?}");
        assert_eq!(later.requests(), 2);
        later.assert_nothing_left();
    });
}

#[test]
fn a_leader_that_is_cancelled_hands_over() {
    model(|| {
        let scene = Scene::new(|number| if number == 0 { Plan::Cancel } else { Plan::Grant });
        let results = together(&scene, 2, Scene::plain);
        let cancelled = results.iter().filter(|r| r.as_ref().is_err_and(|e| e.status() == Status::Cancelled)).count();
        assert_eq!(cancelled, 1);
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 2);
        assert_eq!(scene.requests(), 2);
        scene.assert_nothing_left();
    });
}

#[test]
fn a_waiter_that_leaves_disturbs_nobody() {
    model(|| {
        let scene = Scene::new(|_| Plan::Grant);
        let cancel = Cancel::new();
        let mut impatient = Options::new();
        impatient.set_cancel(Some(cancel.clone()));
        let leaver = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.call(Ask::AsOptionsSay, &impatient))
        };
        let stayer = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.plain())
        };
        {
            // Where time would have woken the waiter, the bell does.
            let state = scene.shared.lock();
            cancel.trigger();
            state.flights.ring_all();
        }
        let left = leaver.join().expect("no call panics");
        assert!(left.is_ok() || left.is_err_and(|e| e.status() == Status::Cancelled));
        assert!(stayer.join().expect("no call panics").is_ok());
        scene.assert_nothing_left();
    });
}

#[test]
fn what_is_granted_across_a_clearing_is_handed_out_and_not_kept() {
    model(|| {
        let scene = Scene::new(|_| Plan::Grant);
        let caller = {
            let scene = Arc::clone(&scene);
            thread::spawn(move || scene.plain())
        };
        // A place for the other thread to come in between.
        thread::yield_now();
        let begun = scene.requests();
        scene.shared.clear();
        caller.join().expect("no call panics").expect("granted");
        scene.plain().expect("granted");
        // Landed before the clearing or in the air across it: either way the first token must not be there.
        assert!(begun == 0 || scene.requests() == 2);
        scene.assert_nothing_left();
    });
}

#[test]
fn a_leader_that_panics_fails_its_waiters_and_leaves_no_trap() {
    model(|| {
        let scene = Scene::new(|number| if number == 0 { Plan::Panic } else { Plan::Grant });
        let call = |scene: &Scene| {
            let call = std::panic::AssertUnwindSafe(|| scene.plain());
            std::panic::catch_unwind(call).unwrap_or_else(|_| Err(Error::internal("caught at the border")))
        };
        for result in together(&scene, 1, call) {
            assert!(result.is_ok() || result.is_err_and(|e| e.status() == Status::InternalError));
        }
        assert!(scene.plain().is_ok(), "a trap was left behind");
        scene.assert_nothing_left();
    });
}
