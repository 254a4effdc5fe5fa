//! A Rust host has no border that catches, and a panic hook and a `Debug` of its own: neither sees a secret.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use b2_sandbox::{Config, Fault, Key, Sandbox};
use b2auth::{Cancel, Error, Level, Options, Session, Status};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const ID: &str = "0014aa9865d6f0000000000b0";
const KEY: &str = "K001marked/secret+of=a&test~0123";
const PROXY: &str = "http://mark7user:mark7word@proxy.example:3128";

/// The hook is the process's, and so is a planted panic: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

struct Place {
    _alone: MutexGuard<'static, ()>,
    sandbox: Sandbox,
    options: Options,
    said: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = vec![Key::master(ID, KEY)];
        let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let mine = Arc::clone(&said);
        let mut options = Options::new();
        let realm = sandbox.http().to_owned();
        for (name, value) in [("realm", realm.as_str()), ("rate_limit_per_minute", "0"), ("proxy", PROXY)] {
            options.set(name, Some(value)).expect(name);
        }
        options.set_cancel(Some(Cancel::new()));
        options.set_log(Some(Box::new(move |level, line| {
            mine.lock().expect("no panic").push(format!("{level:?} {line}"));
        })));
        Self { _alone: alone, sandbox, options, said }
    }

    fn authorize(&self) -> Result<Arc<Session>, Error> {
        b2auth::authorize(ID, KEY, &self.options)
    }
}

fn assert_tells_nothing(text: &str, token: &str) {
    let basic = STANDARD.encode(format!("{ID}:{KEY}"));
    let (_, secret) = token.split_once("acct_").unwrap_or(("", token));
    for part in [&KEY[..10], &KEY[10..20], &KEY[20..], &basic[36..60], "mark7user", "mark7word"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert!(token.is_empty() || !text.contains(secret), "{text}");
}

fn shown(value: &(impl Debug + ?Sized)) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn debug_of_no_public_type_tells_a_secret() {
    let place = Place::new();
    let session = place.authorize().expect("granted");
    let token = session.authorization_token().to_owned();
    assert!(token.len() > 20);
    assert!(shown(&session).contains(session.account_id()), "it says something");
    let mut all = vec![shown(&session), shown(&*session), shown(&Some(&session)), shown(&place.options)];
    all.extend([shown(&place.options.clone()), shown(&Cancel::new()), shown(&Level::Debug), shown(&Status::Ok)]);
    for (name, value) in [("proxy", "http://mark7user:mark7word@x y"), ("realm", "https://mark7word@x"), ("cache", KEY)]
    {
        let error = Options::new().set(name, Some(value)).expect_err(name);
        all.push(format!("{} {error} {}", shown(&error), error.to_json()));
    }
    for fault in [
        Fault::status(401).message(&format!("{KEY} {token}")).code(KEY).header("X-Bz-Request-Id", &token),
        Fault::status(503).message(&STANDARD.encode(format!("{ID}:{KEY}"))).forever(),
        Fault::none().set("/authorizationToken", format!("{token} {KEY}").into()),
    ] {
        place.sandbox.script(ID, [fault]);
        let mut options = place.options.clone();
        options.set("max_attempts", Some("1")).expect("in range");
        let error = b2auth::reauthorize(ID, KEY, Some(&session), &options).expect_err("it fails");
        all.push(format!("{} {error} {}", shown(&error), error.to_json()));
        all.push(shown(&std::error::Error::source(&error).map(ToString::to_string)));
        all.push(shown(&Err::<(), _>(error)));
    }
    all.append(&mut place.said.lock().expect("no panic"));
    assert!(all.iter().any(|text| text.contains("granted a session")), "the log was heard");
    for text in all {
        assert_tells_nothing(&text, &token);
    }
}

#[test]
fn a_panic_tells_the_hosts_hook_no_secret() {
    let place = Place::new();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let (mine, before) = (Arc::clone(&told), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        mine.lock().expect("no panic").push(format!("{info} {info:?} {backtrace}"));
    }));
    b2auth::ffi::hooks::b2_test_plant_panic();
    let end = catch_unwind(AssertUnwindSafe(|| place.authorize().map(|session| shown(&session))));
    std::panic::set_hook(before);
    let payload = end.expect_err("a Rust host sees the panic itself");
    let payload = payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref().cloned());
    let mut told = std::mem::take(&mut *told.lock().expect("no panic"));
    assert!(told.iter().any(|text| text.contains("a planted panic")), "the hook saw it: {told:?}");
    told.push(payload.expect("a panic has words"));
    told.append(&mut place.said.lock().expect("no panic"));
    for text in told {
        assert_tells_nothing(&text, "");
    }
    // It leaves no trap behind.
    let session = place.authorize().expect("granted");
    assert!(session.authorization_token().len() > 20);
}
