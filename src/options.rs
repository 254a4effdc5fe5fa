//! What a caller may choose, by name. One table serves every way in: the setter, the documentation, the tests.

use std::fmt;
use std::path::PathBuf;
#[cfg(not(loom))]
use std::sync::Mutex;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::digest::Scope;
use crate::environment;
use crate::error::Error;
use crate::log::{Level, Log, Tell};
use crate::proxy::Proxy;
use crate::realm::Realm;

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
            let nearest = TABLE.iter().min_by_key(|row| strsim::damerau_levenshtein(row.name, name));
            let error = Error::invalid("there is no option of that name");
            return Err(match nearest {
                Some(row) => error.with_hint(format!("did you mean \"{}\"?", row.name)),
                None => error,
            });
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

/// Why a value was refused.
struct Refused {
    problem: String,
    hint: Option<String>,
}

impl From<&str> for Refused {
    fn from(problem: &str) -> Self {
        Self { problem: problem.to_owned(), hint: None }
    }
}

/// One option: its name, how its default is put back, how a value is set.
struct Row {
    name: &'static str,
    reset: fn(&mut Options),
    set: fn(&mut Options, &str) -> Result<(), Refused>,
}

impl Row {
    fn refusal(&self, refused: Refused) -> Error {
        let error = Error::invalid(format!("option \"{}\": {}", self.name, refused.problem));
        match refused.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

const fn row(name: &'static str, reset: fn(&mut Options), set: fn(&mut Options, &str) -> Result<(), Refused>) -> Row {
    Row { name, reset, set }
}

static TABLE: &[Row] = &[
    row("realm", reset_realm, set_realm),
    row("profile", |o| o.profile = None, set_profile),
    row("account_info", |o| o.account_info = None, set_account_info),
    row("cache", |o| o.cache = CacheMode::Use, set_cache),
    row(
        "min_remaining_s",
        |o| o.min_remaining = Duration::from_secs(300),
        |o, v| seconds(v, 0, 82_800).map(|span| o.min_remaining = span),
    ),
    row("store", |_| {}, set_store),
    row("max_attempts", |o| o.max_attempts = 5, |o, v| count(v, 1, 5).map(|n| o.max_attempts = n)),
    row(
        "initial_backoff_ms",
        |o| o.initial_backoff = Duration::from_secs(1),
        |o, v| milliseconds(v, 1, 60_000).map(|span| o.initial_backoff = span),
    ),
    row(
        "max_backoff_ms",
        |o| o.max_backoff = Duration::from_secs(16),
        |o, v| milliseconds(v, 1, 64_000).map(|span| o.max_backoff = span),
    ),
    row(
        "connect_timeout_ms",
        |o| o.connect_timeout = Duration::from_secs(5),
        |o, v| milliseconds(v, 1, 600_000).map(|span| o.connect_timeout = span),
    ),
    row(
        "attempt_timeout_ms",
        |o| o.attempt_timeout = Duration::from_secs(15),
        |o, v| milliseconds(v, 1, 600_000).map(|span| o.attempt_timeout = span),
    ),
    row(
        "total_timeout_ms",
        |o| o.total_timeout = Duration::from_secs(60),
        |o, v| milliseconds(v, 0, 3_600_000).map(|span| o.total_timeout = span),
    ),
    row(
        "batch_timeout_ms",
        |o| o.batch_timeout = Duration::ZERO,
        |o, v| milliseconds(v, 0, 86_400_000).map(|span| o.batch_timeout = span),
    ),
    row(
        "negative_ttl_s",
        |o| o.negative_ttl = Duration::from_secs(10),
        |o, v| seconds(v, 0, 3_600).map(|span| o.negative_ttl = span),
    ),
    row(
        "rate_limit_per_minute",
        |o| o.rate_limit_per_minute = 20,
        |o, v| count(v, 0, 6_000).map(|n| o.rate_limit_per_minute = n),
    ),
    row("proxy", |o| o.proxy = Proxy::Env, |o, v| Ok(Proxy::parse(v).map(|proxy| o.proxy = proxy)?)),
    row("ca_file", |o| o.ca_file = None, set_ca_file),
    row("user_agent", |o| o.user_agent = None, set_user_agent),
    row("concurrency", |o| o.concurrency = 8, |o, v| count(v, 1, 64).map(|n| o.concurrency = n)),
    row("fields", |o| o.all_fields = false, set_fields),
];

fn reset_realm(options: &mut Options) {
    options.realm = default_realm();
    options.realm_is_default = !environment::is_set("B2_ENVIRONMENT");
}

/// What `B2_ENVIRONMENT` names. A bad value there fails the call, not the making of its options.
fn default_realm() -> Result<Realm, Error> {
    let Some(value) = environment::raw("B2_ENVIRONMENT") else { return Ok(Realm::production()) };
    let refuse = |problem| Error::invalid(format!("B2_ENVIRONMENT in the environment is no realm: {problem}"));
    let text = value.to_str().ok_or_else(|| refuse("it is not UTF-8"))?;
    if text.trim_ascii().is_empty() {
        return Ok(Realm::production());
    }
    Realm::parse(text).map_err(|not| match not.hint {
        Some(hint) => refuse(not.problem).with_hint(hint),
        None => refuse(not.problem),
    })
}

fn set_realm(options: &mut Options, value: &str) -> Result<(), Refused> {
    let realm = Realm::parse(value).map_err(|not| Refused { problem: not.problem.to_owned(), hint: not.hint })?;
    options.realm = Ok(realm);
    options.realm_is_default = false;
    Ok(())
}

fn set_profile(options: &mut Options, value: &str) -> Result<(), Refused> {
    if options.account_info.is_some() {
        return Err("it goes with no account_info: each names a database".into());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if value.len() > 64 || !value.bytes().all(plain) {
        return Err("a profile has 1 to 64 letters, digits, - or _".into());
    }
    options.profile = Some(value.to_owned());
    Ok(())
}

fn set_account_info(options: &mut Options, value: &str) -> Result<(), Refused> {
    if options.profile.is_some() {
        return Err("it goes with no profile: each names a database".into());
    }
    options.account_info = Some(value.into());
    Ok(())
}

fn set_cache(options: &mut Options, value: &str) -> Result<(), Refused> {
    options.cache = match value {
        "use" => CacheMode::Use,
        "refresh" => CacheMode::Refresh,
        "bypass" => CacheMode::Bypass,
        _ => return Err("it is use, refresh or bypass".into()),
    };
    Ok(())
}

fn set_store(_: &mut Options, value: &str) -> Result<(), Refused> {
    if value == "none" { Ok(()) } else { Err("shared token stores are not available in this build".into()) }
}

fn set_ca_file(options: &mut Options, value: &str) -> Result<(), Refused> {
    options.ca_file = Some(value.into());
    Ok(())
}

fn set_user_agent(options: &mut Options, value: &str) -> Result<(), Refused> {
    if value.len() > 256 || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("it is product/version in at most 256 visible ASCII characters".into());
    }
    options.user_agent = Some(value.to_owned());
    Ok(())
}

fn set_fields(options: &mut Options, value: &str) -> Result<(), Refused> {
    options.all_fields = match value {
        "action" => false,
        "all" => true,
        _ => return Err("it is action or all".into()),
    };
    Ok(())
}

fn count(value: &str, least: u32, most: u32) -> Result<u32, Refused> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| Refused { problem: format!("it is a whole number from {least} to {most}"), hint: None })
}

fn milliseconds(value: &str, least: u32, most: u32) -> Result<Duration, Refused> {
    count(value, least, most).map(|ms| Duration::from_millis(ms.into()))
}

fn seconds(value: &str, least: u32, most: u32) -> Result<Duration, Refused> {
    count(value, least, most).map(|s| Duration::from_secs(s.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_lists_each_option_and_no_other() {
        let header = include_str!("../include/b2auth.h");
        let table = header.split(" *   name ").nth(1).and_then(|rest| rest.split(" */").next());
        let listed: Vec<_> = table
            .expect("b2_options_set() has a table")
            .lines()
            .filter_map(|line| line.strip_prefix(" *   ").filter(|rest| !rest.starts_with(' ')))
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        assert_eq!(listed, Options::names().collect::<Vec<_>>());
    }
}
