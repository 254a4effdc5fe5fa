//! A Rust host gets panics as they are, and has a panic hook and `Debug` output of its own: neither shows a secret.

#![allow(unreachable_pub, reason = "a test program has no public interface")]

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[allow(dead_code, reason = "shared with tests/abi, which uses all of it")]
#[path = "abi/support/secret_search.rs"]
mod secret_search;

use b2_sandbox::{Config, Fault, Key, Sandbox};
use b2auth::{Cancel, Error, Level, Options, Session, Status};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secret_search::{MARKED_KEY as KEY, SecretSearch};

const ID: &str = "0014aa9865d6f0000000000b0";
const PROXY: &str = "http://mark7user:mark7word@proxy.example:3128";

/// The panic hook and a planted panic are global to the process, so the tests run one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Host {
    _lock: MutexGuard<'static, ()>,
    sandbox: Sandbox,
    options: Options,
    log: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn new() -> Self {
        let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = vec![Key::master(ID, KEY)];
        let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&log);
        let mut options = Options::new();
        let realm = sandbox.http().to_owned();
        for (name, value) in [("realm", realm.as_str()), ("rate_limit_per_minute", "0"), ("proxy", PROXY)] {
            options.set(name, Some(value)).expect(name);
        }
        options.set_cancel(Some(Cancel::new()));
        options.set_log(Some(Box::new(move |level, line| {
            sink.lock().expect("no panic").push(format!("{level:?} {line}"));
        })));
        Self { _lock: lock, sandbox, options, log }
    }

    fn authorize(&self) -> Result<Arc<Session>, Error> {
        b2auth::authorize(ID, KEY, &self.options)
    }
}

/// The search for everything that this test must not show. It does not find the key ID, which is no secret.
fn secrets(token: Option<&str>) -> SecretSearch {
    SecretSearch::new([KEY, "mark7user", "mark7word"].into_iter().chain(token))
}

fn shown(value: &(impl Debug + ?Sized)) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn no_debug_output_of_a_public_type_shows_a_secret() {
    let host = Host::new();
    let session = host.authorize().expect("granted");
    let token = session.authorization_token().to_owned();
    assert!(token.len() > 20);
    assert!(shown(&session).contains(session.account_id()), "it shows something");
    let mut all = vec![shown(&session), shown(&*session), shown(&Some(&session)), shown(&host.options)];
    all.extend([shown(&host.options.clone()), shown(&Cancel::new()), shown(&Level::Debug), shown(&Status::Ok)]);
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
        host.sandbox.script(ID, [fault]);
        let mut options = host.options.clone();
        options.set("max_attempts", Some("1")).expect("in range");
        let error = b2auth::reauthorize(ID, KEY, Some(&session), &options).expect_err("it fails");
        all.push(format!("{} {error} {}", shown(&error), error.to_json()));
        all.push(shown(&std::error::Error::source(&error).map(ToString::to_string)));
        all.push(shown(&Err::<(), _>(error)));
    }
    all.append(&mut host.log.lock().expect("no panic"));
    assert!(all.iter().any(|text| text.contains("granted a session")), "the log was captured");
    let secrets = secrets(Some(&token));
    for text in all {
        secrets.assert_no_secrets("Debug or the log", &text);
    }
}

#[test]
fn a_panic_shows_no_secret_to_the_hosts_hook() {
    let host = Host::new();
    let texts: Arc<Mutex<Vec<String>>> = Arc::default();
    let (sink, hook_before) = (Arc::clone(&texts), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        sink.lock().expect("no panic").push(format!("{info} {info:?} {backtrace}"));
    }));
    b2auth::ffi::hooks::b2_test_plant_panic();
    let result = catch_unwind(AssertUnwindSafe(|| host.authorize().map(|session| shown(&session))));
    std::panic::set_hook(hook_before);
    let payload = result.expect_err("a Rust host gets the panic itself");
    let payload = payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref().cloned());
    let mut texts = std::mem::take(&mut *texts.lock().expect("no panic"));
    assert!(texts.iter().any(|text| text.contains("a planted panic")), "the hook was called: {texts:?}");
    texts.push(payload.expect("a panic has a message"));
    texts.append(&mut host.log.lock().expect("no panic"));
    let secrets = secrets(None);
    for text in texts {
        secrets.assert_no_secrets("the panic", &text);
    }
    // The next call is not affected.
    let session = host.authorize().expect("granted");
    assert!(session.authorization_token().len() > 20);
}

/// A host's logger that wants everything.
struct TraceLogger(Mutex<Vec<String>>);

impl log::Log for TraceLogger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {} {}", record.level(), record.target(), record.args());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn flush(&self) {}
}

#[test]
fn no_crate_writes_a_secret_into_the_hosts_own_log() {
    static LOGGER: TraceLogger = TraceLogger(Mutex::new(Vec::new()));
    let host = Host::new();
    log::set_logger(&LOGGER).expect("no other test has a logger");
    log::set_max_level(log::LevelFilter::Trace);
    let (ca_file, https) = (host.sandbox.ca_file().to_str().expect("a plain path"), host.sandbox.https());
    let mut tokens = Vec::new();
    for (realm, fault) in [
        (host.sandbox.http(), Fault::none()),
        (host.sandbox.http(), Fault::none().chunked().gzip()),
        (https, Fault::none()),
        (https, Fault::status(401).message(&format!("no such key: {KEY}"))),
        (https, Fault::status(503)),
    ] {
        host.sandbox.script(ID, [fault]);
        let mut options = host.options.clone();
        for (name, value) in [("realm", realm), ("ca_file", ca_file), ("cache", "bypass"), ("max_attempts", "1")] {
            options.set(name, Some(value)).expect(name);
        }
        tokens
            .extend(b2auth::authorize(ID, KEY, &options).ok().map(|session| session.authorization_token().to_owned()));
    }
    log::set_max_level(log::LevelFilter::Off);
    assert_eq!(tokens.len(), 3);
    let lines = std::mem::take(&mut *LOGGER.0.lock().expect("no panic"));
    assert!(lines.iter().any(|line| line.contains("ureq")), "the crates below do log: {} lines", lines.len());
    let pair = STANDARD.encode(format!("{ID}:{KEY}"));
    let search = SecretSearch::new([KEY, &pair].into_iter().chain(tokens.iter().map(String::as_str)));
    for line in lines {
        search.assert_no_secrets("the host's log", &line);
    }
}
