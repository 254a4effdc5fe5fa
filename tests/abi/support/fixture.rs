//! A sandbox with one key, a library of its own, and options that bring the two together.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use b2_sandbox::{Config, Key, Sandbox};

use crate::support::api::{self, Api, Ask, Failure, Options, Session};

/// The key id of every scene.
pub const ID: &str = "0014aa9865d6f0000000000b0";
/// Its application key.
pub const KEY: &str = "K001scene/of+a+test/0123456789a";
/// Longer than anything here takes on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Scene {
    pub sandbox: Sandbox,
    pub api: &'static Api,
    pub options: Options,
}

impl Scene {
    /// Over http, with waits between attempts that a test need not feel, and no budget to run into.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same with these options besides.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        b2_sandbox::raise_open_file_limit();
        let sandbox = Sandbox::start(Config { keys: vec![Key::master(ID, KEY)], ..Config::default() })
            .expect("the sandbox starts");
        let api = api::load();
        let options =
            api.options(&[("realm", sandbox.http()), ("initial_backoff_ms", "1"), ("rate_limit_per_minute", "0")]);
        let options = options.with(settings);
        Self { sandbox, api, options }
    }

    pub fn authorize(&self) -> Result<Session, Failure> {
        self.authorize_with(&self.options)
    }

    pub fn authorize_with(&self, options: &Options) -> Result<Session, Failure> {
        self.api.call(Some(ID), Some(KEY), Ask::Authorize, Some(options))
    }

    pub fn reauthorize(&self, rejected: Option<&Session>) -> Result<Session, Failure> {
        self.api.call(Some(ID), Some(KEY), Ask::Reauthorize(rejected), Some(&self.options))
    }

    /// The requests that the sandbox saw for the scene's key.
    pub fn requests(&self) -> usize {
        self.sandbox.authorize_count(ID)
    }

    /// Runs `call` on that many threads that start together, and gives what each answered.
    pub fn crowd<T: Send>(&self, count: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let start = Arc::new(Barrier::new(count));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..count)
                .map(|number| {
                    let (start, call) = (Arc::clone(&start), &call);
                    std::thread::Builder::new()
                        .stack_size(256 * 1024)
                        .spawn_scoped(scope, move || {
                            start.wait();
                            call(number)
                        })
                        .expect("a thread can be had")
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        })
    }

    /// Waits until one of the library's counters has come that far.
    pub fn await_counter(&self, name: &str, least: u64) {
        let start = Instant::now();
        while self.api.counter(name) < least {
            assert!(start.elapsed() < PATIENCE, "{name} never came to {least}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A token old enough to be refreshed, with an hour of its life left.
    pub fn stale(&self) -> Session {
        let session = self.authorize().expect("granted");
        self.api.pass(Duration::from_secs(23 * 60 * 60));
        session
    }

    /// The same scene with these options besides.
    pub fn options_with(mut self, settings: &[(&str, &str)]) -> Self {
        self.options = self.options.with(settings);
        self
    }
}
