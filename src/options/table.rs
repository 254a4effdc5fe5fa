//! The one table of options: each with its name, how its default is put back, and how a value is set.

use std::time::Duration;

use super::{CacheMode, Options};
use crate::diag::error::Error;
use crate::model::proxy::Proxy;
use crate::model::realm::Realm;
use crate::platform::environment;

/// Why a value was refused.
pub(super) struct Refused {
    problem: String,
    hint: Option<String>,
}

impl From<&str> for Refused {
    fn from(problem: &str) -> Self {
        Self { problem: problem.to_owned(), hint: None }
    }
}

/// One option: its name, how its default is put back, how a value is set.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) reset: fn(&mut Options),
    pub(super) set: fn(&mut Options, &str) -> Result<(), Refused>,
}

impl Row {
    pub(super) fn refusal(&self, refused: Refused) -> Error {
        Error::invalid(format!("option \"{}\": {}", self.name, refused.problem)).with_hint_behind(refused.hint)
    }
}

const fn row(name: &'static str, reset: fn(&mut Options), set: fn(&mut Options, &str) -> Result<(), Refused>) -> Row {
    Row { name, reset, set }
}

/// In the order of the documentation.
pub(super) static TABLE: &[Row] = &[
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
    row("proxy", |o| o.proxy = Proxy::Env, set_proxy),
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
    Realm::parse(text).map_err(|not| refuse(not.problem).with_hint_behind(not.hint))
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

fn set_proxy(options: &mut Options, value: &str) -> Result<(), Refused> {
    const FORM: &str = "a proxy's URL is http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT, percent-encoded";
    let refused = |problem: &str| Refused { problem: problem.to_owned(), hint: Some(FORM.to_owned()) };
    options.proxy = Proxy::parse(value).map_err(refused)?;
    Ok(())
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
    // `parse` would take a plus sign.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (least..=most).contains(number));
    number.ok_or_else(|| Refused { problem: format!("it is a whole number from {least} to {most}"), hint: None })
}

fn milliseconds(value: &str, least: u32, most: u32) -> Result<Duration, Refused> {
    count(value, least, most).map(|ms| Duration::from_millis(ms.into()))
}

fn seconds(value: &str, least: u32, most: u32) -> Result<Duration, Refused> {
    count(value, least, most).map(|s| Duration::from_secs(s.into()))
}
