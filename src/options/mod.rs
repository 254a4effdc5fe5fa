//! What a caller may choose, by name. One table serves every way in: the setter, the documentation, the tests.

mod table;
pub(crate) mod user_agent;

use std::fmt;
use std::path::PathBuf;
#[cfg(not(loom))]
use std::sync::Mutex;
use std::time::Duration;

use crate::diag::error::Error;
use crate::diag::log::{Level, Log, Tell};
use crate::model::cache_key::Scope;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;
use crate::ports::cancel::Cancel;
use table::TABLE;

/// Guards what every handle of options holds at present. One lock for all, so that a fork can take it: a lock in each
/// handle could be left held in the child.
#[cfg(not(loom))]
pub(crate) static HANDLES: Mutex<()> = Mutex::new(());

/// How a call uses the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// Hand out a cached token that lives, else ask B2.
    #[default]
    Use,
    /// Ask B2, or join a request already in the air; then cache.
    Refresh,
    /// Neither read, join nor write.
    Bypass,
}

/// The choices of one call.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) realm: Result<Realm, Error>,
    /// Nobody named a realm, so that of a key's own source may stand in.
    pub(crate) realm_is_default: bool,
    pub(crate) profile: Option<String>,
    pub(crate) account_info: Option<PathBuf>,
    pub(crate) cache: CacheMode,
    pub(crate) min_remaining: Duration,
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
    pub(crate) cancel: Option<Cancel>,
    pub(crate) log: Option<Log>,
    scope: Scope,
}

impl Default for Options {
    /// The documented defaults, with the realm that `B2_ENVIRONMENT` names now.
    fn default() -> Self {
        let mut options = Self {
            realm: Ok(Realm::production()),
            realm_is_default: true,
            profile: None,
            account_info: None,
            cache: CacheMode::Use,
            min_remaining: Duration::ZERO,
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
            cancel: None,
            log: None,
            scope: Scope::new(&Realm::production(), None),
        };
        for row in TABLE {
            (row.reset)(&mut options);
        }
        options.rescope();
        options
    }
}

impl Options {
    /// The documented defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the option `name`. `None` or a blank value puts the default back.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Status::InvalidArgument) for an unknown name, with the nearest known one as the
    /// hint, and for a value out of range. The value is not repeated: it may hold a password.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), Error> {
        let name = name.trim_ascii();
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            return Err(Error::invalid("there is no option of that name").with_hint(did_you_mean(Self::names(), name)));
        };
        match value.map(str::trim_ascii).filter(|value| !value.is_empty()) {
            None => (row.reset)(self),
            Some(value) => (row.set)(self, value).map_err(|refused| row.refusal(refused))?,
        }
        self.rescope();
        Ok(())
    }

    /// Lets `cancel` end every call made with these options; `None` detaches it.
    pub fn set_cancel(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// Has every decision of a call reported to `tell`, one message at a time. `None` ends that.
    ///
    /// The function runs on threads that work for calls. It may call the library.
    pub fn set_log(&mut self, tell: Option<Tell>) {
        self.log = tell.map(Log::new);
    }

    /// Reports to the log, if there is one.
    pub(crate) fn say(&self, level: Level, message: fmt::Arguments<'_>) {
        if let Some(log) = &self.log {
            log.say(level, message);
        }
    }

    /// The names of all options, in the order of the documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.name)
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The time the whole call may take; `None` is no bound.
    pub(crate) fn total(&self) -> Option<Duration> {
        (!self.total_timeout.is_zero()).then_some(self.total_timeout)
    }

    fn rescope(&mut self) {
        if let Ok(realm) = &self.realm {
            self.scope = Scope::new(realm, self.ca_file.as_deref());
        }
    }
}

/// The hint for whoever gave a name that is none of these.
pub(crate) fn did_you_mean(names: impl Iterator<Item = &'static str>, given: &str) -> String {
    // Of a name longer than any of them its start says enough; to compare megabytes takes seconds.
    let start: String = given.chars().take(32).collect();
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, &start)).unwrap_or_default();
    format!("did you mean \"{nearest}\"?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_name_the_start_is_compared() {
        let given = format!("concurency{}", "x".repeat(1 << 20));
        let refused = Options::new().set(&given, Some("1")).expect_err("there is no such option");
        assert_eq!(refused.hint(), Some("did you mean \"concurrency\"?"));
    }

    /// Name and default of each row of the table in the header; a default that goes over two lines is cut short.
    fn header() -> Vec<(&'static str, &'static str)> {
        let header = include_str!("../../include/b2auth.h");
        let table = header.split(" *   name ").nth(1).and_then(|rest| rest.split(" */").next());
        let row = |line: &'static str| {
            let row = line.strip_prefix(" *   ").filter(|rest| !rest.starts_with(' '))?;
            Some((row.split_whitespace().next()?, row.split_whitespace().last()?))
        };
        table.expect("b2_options_set() has a table").lines().filter_map(row).collect()
    }

    #[test]
    fn the_header_lists_each_option_and_no_other() {
        let listed: Vec<_> = header().into_iter().map(|(name, _)| name).collect();
        assert_eq!(listed, Options::names().collect::<Vec<_>>());
    }

    #[test]
    fn the_defaults_are_those_of_the_header() {
        let fresh = format!("{:?}", Options::new());
        let said = header().into_iter().filter(|(name, default)| {
            let is_a_number = default.bytes().all(|byte| byte.is_ascii_digit());
            is_a_number || ["cache", "store", "proxy", "fields"].contains(name)
        });
        let mut count = 0;
        for (name, default) in said {
            let mut options = Options::new();
            options.set(name, Some(default)).expect(name);
            assert_eq!(format!("{options:?}"), fresh, "{name} = {default}");
            count += 1;
        }
        assert_eq!(count, 15);
    }
}
