//! A sandbox with one key, a copy of the library, and options that connect the two.

use std::sync::Barrier;
use std::time::Duration;

use b2_sandbox::{Config, Key, Sandbox};

use super::api::{self, Api, Failure, Operation, Options, Session};
use super::concurrent::wait_until;

/// The key ID of every fixture.
pub const ID: &str = "0014aa9865d6f0000000000b0";
/// Its application key.
pub const KEY: &str = "K001fixture/of+a+test/7q2m9w4kz";
/// Longer than anything here takes on a busy machine.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);
/// After this a token is due for a refresh, and has an hour left.
pub const STALE_AGE: Duration = Duration::from_secs(23 * 60 * 60);

pub struct Fixture {
    pub sandbox: Sandbox,
    pub api: &'static Api,
    pub options: Options,
}

impl Fixture {
    /// Over http, with a backoff of 1 ms and no rate limit.
    pub fn new() -> Self {
        Self::with_options(&[])
    }

    /// The same with these options besides.
    pub fn with_options(settings: &[(&str, &str)]) -> Self {
        b2_sandbox::raise_open_file_limit();
        let sandbox = sandbox_with_key();
        let api = api::load();
        let options =
            api.options(&[("realm", sandbox.http()), ("initial_backoff_ms", "1"), ("rate_limit_per_minute", "0")]);
        let options = options.with(settings);
        Self { sandbox, api, options }
    }

    /// The same fixture with these options besides.
    pub fn and_options(mut self, settings: &[(&str, &str)]) -> Self {
        self.options = self.options.with(settings);
        self
    }

    /// Its options, but over https.
    pub fn https_options(&self) -> Options {
        self.options.with(&[("realm", self.sandbox.https()), ("ca_file", self.ca_file())])
    }

    /// The certificate of the authority that signed the sandbox's.
    pub fn ca_file(&self) -> &str {
        self.sandbox.ca_file().to_str().expect("a plain path")
    }

    pub fn authorize(&self) -> Result<Session, Failure> {
        self.authorize_with(&self.options)
    }

    pub fn authorize_with(&self, options: &Options) -> Result<Session, Failure> {
        self.authorize_key(ID, KEY, options)
    }

    pub fn authorize_key(&self, key_id: &str, key: &str, options: &Options) -> Result<Session, Failure> {
        self.api.call(Some(key_id), Some(key), Operation::Authorize, Some(options))
    }

    pub fn reauthorize(&self, rejected: Option<&Session>) -> Result<Session, Failure> {
        self.api.call(Some(ID), Some(KEY), Operation::Reauthorize(rejected), Some(&self.options))
    }

    /// The requests that the sandbox received for the fixture's key.
    pub fn requests(&self) -> usize {
        self.sandbox.authorize_count(ID)
    }

    /// Those of them whose response has begun.
    pub fn responses(&self) -> usize {
        let log = self.sandbox.log();
        log.iter().filter(|entry| entry.key_id.as_deref() == Some(ID) && entry.status.is_some()).count()
    }

    /// Runs `call` on that many threads that start together, and returns all results.
    pub fn in_parallel<T: Send>(&self, count: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let start = Barrier::new(count);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|number| {
                    let (start, call) = (&start, &call);
                    std::thread::Builder::new()
                        .stack_size(256 * 1024)
                        .spawn_scoped(scope, move || {
                            start.wait();
                            call(number)
                        })
                        .expect("a thread can be started")
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        })
    }

    /// Waits until one of the library's counters has reached `least`.
    pub fn wait_for_counter(&self, name: &str, least: u64) {
        wait_until(&format!("{name} reaches {least}"), || self.api.counter(name) >= least);
    }

    /// A token that is due for a refresh, with an hour of its life left.
    pub fn stale_session(&self) -> Session {
        let session = self.authorize().expect("granted");
        self.api.advance(STALE_AGE);
        session
    }
}

/// A sandbox that knows the fixture's key.
pub fn sandbox_with_key() -> Sandbox {
    Sandbox::start(Config { keys: vec![Key::master(ID, KEY)], ..Config::default() }).expect("the sandbox starts")
}
