//! Stores, and processes that share one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::api::{self, Api, Failure, Operation, Options, Session};
use super::b2_database::TempDir;
use super::fixture::{Fixture, ID, KEY};
use super::log_lines::LogLines;
#[cfg(feature = "store-redis")]
use super::redis::RedisServer;

/// A folder for a store, which the library is to make.
pub struct StoreDir {
    _parent: TempDir,
    pub path: PathBuf,
}

impl StoreDir {
    pub fn new() -> Self {
        let parent = TempDir::new();
        let path = parent.path("tokens");
        Self { _parent: parent, path }
    }

    pub fn url(&self) -> String {
        format!("file:{}", self.path.display())
    }

    /// The names of its files, without temporary ones.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII")).collect();
        names.sort();
        names
    }

    /// The one record in it.
    pub fn record(&self) -> PathBuf {
        let names = self.names();
        let mut records = names.iter().filter(|name| name.len() == 32 && !name.contains('.'));
        let record = records.next().unwrap_or_else(|| panic!("no record among {names:?}"));
        assert_eq!(records.next(), None, "more than one record");
        self.path.join(record)
    }
}

/// A store of any kind.
pub enum Store {
    Files(StoreDir),
    #[cfg(feature = "store-redis")]
    Redis(RedisServer),
}

impl Store {
    pub fn url(&self) -> String {
        match self {
            Self::Files(dir) => dir.url(),
            #[cfg(feature = "store-redis")]
            Self::Redis(server) => server.url(),
        }
    }
}

/// Runs a test with an empty store of each kind.
pub fn in_each_store(test: impl Fn(&Store)) {
    test(&Store::Files(StoreDir::new()));
    #[cfg(feature = "store-redis")]
    if let Some(server) = RedisServer::start(&[]) {
        test(&Store::Redis(server));
    }
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A copy of the library, which shares nothing with the others but the store.
pub struct Machine {
    pub api: &'static Api,
    pub options: Options,
    pub log: LogLines,
}

impl Machine {
    pub fn new(fixture: &Fixture, store: &str) -> Self {
        Self::with_options(fixture, store, &[])
    }

    pub fn with_options(fixture: &Fixture, store: &str, settings: &[(&str, &str)]) -> Self {
        Self::of(api::load(), fixture.sandbox.http(), store, settings)
    }

    /// In a subprocess, with the realm and the store of its task.
    pub fn in_subprocess(task: &Value) -> Self {
        let text = |name: &str| task[name].as_str().unwrap_or_else(|| panic!("a task without {name}"));
        Self::of(api::load_in_place(), text("realm"), text("store"), &[])
    }

    fn of(api: &'static Api, realm: &str, store: &str, settings: &[(&str, &str)]) -> Self {
        let settled = [("realm", realm), ("initial_backoff_ms", "1"), ("rate_limit_per_minute", "0"), ("store", store)];
        let options = api.options(&settled).with(settings);
        let log = LogLines::capture(&options);
        Self { api, options, log }
    }

    pub fn authorize(&self) -> Result<Session, Failure> {
        self.authorize_with(&self.options)
    }

    pub fn authorize_with(&self, options: &Options) -> Result<Session, Failure> {
        self.api.call(Some(ID), Some(KEY), Operation::Authorize, Some(options))
    }

    pub fn authorize_key(&self, key_id: &str, key: &str) -> Result<Session, Failure> {
        self.api.call(Some(key_id), Some(key), Operation::Authorize, Some(&self.options))
    }

    pub fn reauthorize(&self, rejected: Option<&Session>) -> Result<Session, Failure> {
        self.api.call(Some(ID), Some(KEY), Operation::Reauthorize(rejected), Some(&self.options))
    }

    /// Fails unless the log has that line since the last look.
    pub fn assert_logged(&self, level: i32, text: &str) {
        let lines = self.log.take_with_levels();
        assert!(lines.iter().any(|(at, line)| *at == level && line.contains(text)), "no \"{text}\" in {lines:#?}");
    }

    /// What was logged as a warning since the last look.
    pub fn warnings(&self) -> Vec<String> {
        self.log.take_with_levels().into_iter().filter(|(level, _)| *level <= 2).map(|(_, line)| line).collect()
    }
}
