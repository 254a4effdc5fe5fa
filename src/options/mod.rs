//! What a caller may choose, by name. One table serves every way in: the setter, the JSON request, the documentation.

mod setters;
mod suggest;
mod table;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::diag::error::Error;
use crate::diag::log::{Level, Log, LogFn};
use crate::model::cache_key::CacheScope;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;
use crate::model::store_url::StoreChoice;
#[cfg(not(loom))]
use crate::platform::fork_mutex::{AtFork, ForkMutex};
use crate::ports::Clock;
use crate::ports::cancel::Cancel;
use crate::ports::limits::Limits;

pub(crate) use suggest::{did_you_mean, quoted_if_a_name};
pub use table::{OptionRow, OptionValue, TABLE};

/// Guards what every options handle of C holds at present. One lock for all, so that a fork can take it: a lock in each
/// handle could be left held in the child.
#[cfg(not(loom))]
pub(crate) static HANDLES: ForkMutex<()> = ForkMutex::new(());

/// What a fork locks.
#[cfg(not(loom))]
pub(crate) static LOCKS: [&dyn AtFork; 1] = [&HANDLES];

/// How a call uses the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// Return a cached token that is not expired, else ask B2.
    #[default]
    Use,
    /// Ask B2, or join a request already in flight; then cache.
    Refresh,
    /// Neither read, join nor write.
    Bypass,
}

/// The choices of one call.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) realm: Result<Realm, Error>,
    /// No realm was named, so one that comes with the key may be used.
    pub(crate) realm_is_default: bool,
    pub(crate) profile: Option<String>,
    pub(crate) account_info: Option<PathBuf>,
    /// Blank credentials are an error: none are looked for.
    pub(crate) given_credentials_only: bool,
    pub(crate) cache: CacheMode,
    pub(crate) min_remaining: Duration,
    pub(crate) store: StoreChoice,
    pub(crate) store_required: bool,
    pub(crate) max_attempts: u32,
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) batch_timeout: Duration,
    pub(crate) negative_ttl: Duration,
    pub(crate) rate_limit_per_minute: u32,
    pub(crate) proxy: Proxy,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) user_agent: Option<String>,
    pub(crate) concurrency: u32,
    pub(crate) all_fields: bool,
    pub(crate) log_level: Level,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) log: Option<Log>,
    scope: CacheScope,
    id: u64,
}

impl Default for Options {
    /// The documented defaults, with the realm that `B2_ENVIRONMENT` names now.
    fn default() -> Self {
        let mut options = Self {
            realm: Ok(Realm::production()),
            realm_is_default: true,
            profile: None,
            account_info: None,
            given_credentials_only: false,
            cache: CacheMode::Use,
            min_remaining: Duration::ZERO,
            store: StoreChoice::Environment,
            store_required: false,
            max_attempts: 0,
            initial_backoff: Duration::ZERO,
            max_backoff: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            attempt_timeout: Duration::ZERO,
            total_timeout: Duration::ZERO,
            batch_timeout: Duration::ZERO,
            negative_ttl: Duration::ZERO,
            rate_limit_per_minute: 0,
            proxy: Proxy::Env,
            ca_file: None,
            user_agent: None,
            concurrency: 0,
            all_fields: false,
            log_level: Level::Debug,
            cancel: None,
            log: None,
            scope: CacheScope::new(&Realm::production(), None),
            id: 0,
        };
        for row in TABLE {
            row.reset(&mut options);
        }
        options.changed();
        options
    }
}

impl Options {
    /// The documented defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the option `name`. `None` or a blank value restores the default.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Status::InvalidArgument) for an unknown name, and for a value out of range. The value is
    /// not repeated: it may contain a password.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let name = name.trim_ascii();
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            let shown = quoted_if_a_name(name);
            return Err(Error::invalid(format!("unknown option{shown}")).append_hint(did_you_mean(Self::names(), name)));
        };
        match value.map(str::trim_ascii).filter(|value| !value.is_empty()) {
            None => row.reset(self),
            Some(value) => {
                // On a copy, so that an invalid value leaves the options as they were.
                let mut changed = self.clone();
                row.set(&mut changed, value)?;
                *self = changed;
            }
        }
        self.changed();
        Ok(())
    }

    /// Lets `cancel` end every call made with these options; `None` detaches it.
    pub fn set_cancel(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// Passes every decision of a call to `function`, one message at a time; `None` ends that.
    ///
    /// The function runs on threads that are inside calls. It may call the library.
    pub fn set_log(&mut self, function: Option<LogFn>) {
        self.log = function.map(Log::new);
    }

    /// True if there is a log function that wants messages of this level.
    #[inline(always)]
    pub(crate) fn wants_log(&self, level: Level) -> bool {
        self.log.is_some() && level <= self.log_level
    }

    /// Delivers what the log function has not got yet, for a moment.
    pub(crate) fn flush_log(&self, clock: &dyn Clock) {
        if let Some(log) = &self.log {
            log.flush(clock);
        }
    }

    /// Logs, if there is a log function that wants messages of this level.
    pub(crate) fn log(&self, level: Level, limits: &Limits<'_>, message: fmt::Arguments<'_>) {
        if let Some(log) = &self.log
            && level <= self.log_level
        {
            log.log(level, message, limits);
        }
    }

    /// The names of all options, in the order of the documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.name)
    }

    #[inline(always)]
    pub(crate) fn scope(&self) -> &CacheScope {
        &self.scope
    }

    /// The time that the whole call may take; `None` for no limit.
    pub(crate) fn total(&self) -> Option<Duration> {
        (!self.total_timeout.is_zero()).then_some(self.total_timeout)
    }

    /// The value of the `User-Agent` header, which B2's integration checklist asks for.
    pub(crate) fn user_agent_header(&self) -> String {
        let own =
            format!("b2auth/{} ({}; {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        match &self.user_agent {
            Some(product) => format!("{product} {own}"),
            None => own,
        }
    }

    /// The same without log and cancel, for work that outlives the call.
    #[cfg(all(feature = "b2-tool", not(loom)))]
    pub(crate) fn detached(&self) -> Self {
        Self { log: None, cancel: None, ..self.clone() }
    }

    /// Different for options that were made or set at different times.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    fn changed(&mut self) {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        self.id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        if let Ok(realm) = &self.realm {
            self.scope = CacheScope::new(realm, self.ca_file.as_deref());
        }
    }
}

#[cfg(test)]
mod tests;
