//! The one table of options, as data: the setter, the defaults and the documentation all come from it.

use std::time::Duration;

use super::Options;
use super::setters::{
    Invalid, reset_realm, set_account_info, set_ca_file, set_cache, set_diagnose, set_profile, set_proxy, set_realm,
    set_store, set_user_agent,
};
use crate::diag::error::Error;
use crate::diag::level::Level;
use crate::model::proxy::Proxy;
use crate::model::store_url::StoreChoice;

/// One option.
pub struct OptionRow {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub value: OptionValue,
    /// Its default, as documentation shows it.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    set: Setter,
}

/// What an option's value may be.
#[derive(Clone, Copy, Debug)]
pub enum OptionValue {
    /// A whole number of the unit that the option's name ends in.
    Number {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
        /// What 0 means, if it means something of its own.
        zero: Option<&'static str>,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text of this form.
    Text(&'static str),
}

/// How a value gets into the options.
enum Setter {
    Count(fn(&mut Options) -> &mut u32),
    Seconds(fn(&mut Options) -> &mut Duration),
    Millis(fn(&mut Options) -> &mut Duration),
    Choice(fn(&mut Options, &str)),
    Text { set: fn(&mut Options, &str) -> Result<(), Invalid>, reset: fn(&mut Options) },
}

/// Every option, in the order of the documentation.
pub static TABLE: &[OptionRow] = &[
    OptionRow {
        name: "realm",
        value: OptionValue::Text("production, staging, or a base URL: https, or http to a loopback address"),
        default: "$B2_ENVIRONMENT, else production",
        doc: "the server that grants sessions",
        set: Setter::Text { set: set_realm, reset: reset_realm },
    },
    OptionRow {
        name: "profile",
        value: OptionValue::Text("a profile of the b2 tool"),
        default: "none",
        doc: "which database of the b2 command-line tool to look in for a key",
        set: Setter::Text { set: set_profile, reset: |o| o.profile = None },
    },
    OptionRow {
        name: "account_info",
        value: OptionValue::Text("a path"),
        default: "$B2_ACCOUNT_INFO, else the tool's own",
        doc: "the database of the b2 tool; ~ is the home directory",
        set: Setter::Text { set: set_account_info, reset: |o| o.account_info = None },
    },
    OptionRow {
        name: "cache",
        value: OptionValue::Choice(&["use", "refresh", "bypass"]),
        default: "use",
        doc: "refresh: ask B2, or join a request in flight, then cache; bypass: neither read, join nor write",
        set: Setter::Choice(set_cache),
    },
    OptionRow {
        name: "min_remaining_s",
        value: OptionValue::Number { min: 0, max: 82_800, zero: None },
        default: "300",
        doc: "a cached token is returned only if it has this much lifetime left",
        set: Setter::Seconds(|o| &mut o.min_remaining),
    },
    OptionRow {
        name: "store",
        value: OptionValue::Text("none, file:DIR, rediss://…, redis://… to a loopback address, or redis+unix:///PATH"),
        default: "$B2_TOKEN_STORE, else none",
        doc: "where processes share tokens",
        set: Setter::Text { set: set_store, reset: |o| o.store = StoreChoice::Environment },
    },
    OptionRow {
        name: "store_required",
        value: OptionValue::Choice(&["0", "1"]),
        default: "0",
        doc: "1: if the store cannot be used, the call fails with B2_STORE_ERROR and B2 is not asked",
        set: Setter::Choice(|o, value| o.store_required = value == "1"),
    },
    OptionRow {
        name: "credentials",
        value: OptionValue::Choice(&["any", "given"]),
        default: "any",
        doc: "given: only a key that the call is given will do, and none is looked for",
        set: Setter::Choice(|o, value| o.given_credentials_only = value == "given"),
    },
    OptionRow {
        name: "log_level",
        value: OptionValue::Choice(&["error", "warn", "info", "debug"]),
        default: "debug",
        doc: "the least important level that the log function gets",
        set: Setter::Choice(|o, value| o.log_level = Level::from_name(value).unwrap_or(Level::Debug)),
    },
    OptionRow {
        name: "max_attempts",
        value: OptionValue::Number { min: 1, max: 5, zero: None },
        default: "5",
        doc: "requests of one call",
        set: Setter::Count(|o| &mut o.max_attempts),
    },
    OptionRow {
        name: "initial_backoff_ms",
        value: OptionValue::Number { min: 1, max: 60_000, zero: None },
        default: "1000",
        doc: "the upper bound of the first wait between attempts; it doubles",
        set: Setter::Millis(|o| &mut o.initial_backoff),
    },
    OptionRow {
        name: "max_backoff_ms",
        value: OptionValue::Number { min: 1, max: 64_000, zero: None },
        default: "16000",
        doc: "what the bound doubles up to",
        set: Setter::Millis(|o| &mut o.max_backoff),
    },
    OptionRow {
        name: "connect_timeout_ms",
        value: OptionValue::Number { min: 1, max: 600_000, zero: None },
        default: "5000",
        doc: "name look-up, connect and TLS handshake",
        set: Setter::Millis(|o| &mut o.connect_timeout),
    },
    OptionRow {
        name: "attempt_timeout_ms",
        value: OptionValue::Number { min: 1, max: 600_000, zero: None },
        default: "15000",
        doc: "one request, from the name look-up to the last byte",
        set: Setter::Millis(|o| &mut o.attempt_timeout),
    },
    OptionRow {
        name: "total_timeout_ms",
        value: OptionValue::Number { min: 0, max: 3_600_000, zero: Some("no limit") },
        default: "60000",
        doc: "the whole call, waits included",
        set: Setter::Millis(|o| &mut o.total_timeout),
    },
    OptionRow {
        name: "batch_timeout_ms",
        value: OptionValue::Number { min: 0, max: 86_400_000, zero: Some("no limit") },
        default: "0",
        doc: "a whole b2_authorize_many(), or an array of the JSON action",
        set: Setter::Millis(|o| &mut o.batch_timeout),
    },
    OptionRow {
        name: "negative_ttl_s",
        value: OptionValue::Number { min: 0, max: 3_600, zero: None },
        default: "10",
        doc: "how long a refused key is remembered",
        set: Setter::Seconds(|o| &mut o.negative_ttl),
    },
    OptionRow {
        name: "rate_limit_per_minute",
        value: OptionValue::Number { min: 0, max: 6_000, zero: Some("no limit") },
        default: "20",
        doc: "authorize requests per realm and key ID; up to 5 of them at once",
        set: Setter::Count(|o| &mut o.rate_limit_per_minute),
    },
    OptionRow {
        name: "proxy",
        value: OptionValue::Text("env, none, or a URL: http, https, socks5"),
        default: "env",
        doc: "env: what HTTPS_PROXY, ALL_PROXY and NO_PROXY say; a loopback realm never has a proxy",
        set: Setter::Text { set: set_proxy, reset: |o| o.proxy = Proxy::Env },
    },
    OptionRow {
        name: "ca_file",
        value: OptionValue::Text("a PEM file"),
        default: "none",
        doc: "CA certificates that are trusted in addition to the system's",
        set: Setter::Text { set: set_ca_file, reset: |o| o.ca_file = None },
    },
    OptionRow {
        name: "user_agent",
        value: OptionValue::Text("product/version"),
        default: "none",
        doc: "put before the library's own User-Agent",
        set: Setter::Text { set: set_user_agent, reset: |o| o.user_agent = None },
    },
    OptionRow {
        name: "concurrency",
        value: OptionValue::Number { min: 1, max: 64, zero: None },
        default: "8",
        doc: "requests in flight at once in one batch",
        set: Setter::Count(|o| &mut o.concurrency),
    },
    OptionRow {
        name: "fields",
        value: OptionValue::Choice(&["action", "all"]),
        default: "action",
        doc: "of the JSON action's response: the four fields, or all that b2_session_json() has",
        set: Setter::Choice(|o, value| o.all_fields = value == "all"),
    },
    OptionRow {
        name: "diagnose",
        value: OptionValue::Choice(&["all", "store", "purge"]),
        default: "all",
        doc: "of b2_diagnose_json(): the way to B2, or what is in the token store, whose dead records purge removes",
        set: Setter::Choice(set_diagnose),
    },
];

impl OptionRow {
    /// What the value may be, in one line.
    #[must_use]
    pub fn value_text(&self) -> String {
        match self.value {
            OptionValue::Number { min, max, zero: None } => format!("{min} to {max}"),
            OptionValue::Number { min, max, zero: Some(zero) } => format!("{min} ({zero}) to {max}"),
            OptionValue::Choice(words) => words.join(", "),
            OptionValue::Text(form) => form.to_owned(),
        }
    }

    pub(super) fn reset(&self, options: &mut Options) {
        match self.set {
            Setter::Text { reset, .. } => reset(options),
            // The defaults of the others are values, and valid: a test sets them all.
            _ => drop(self.set(options, self.default)),
        }
    }

    pub(super) fn set(&self, options: &mut Options, value: &str) -> Result<(), Error> {
        self.apply(options, value).map_err(|invalid| {
            let message = format!("option \"{}\": {}", self.name, invalid.reason);
            let error = if invalid.lacks_engine { Error::missing_engine(message) } else { Error::invalid(message) };
            error.append_hint(invalid.hint)
        })
    }

    fn apply(&self, options: &mut Options, value: &str) -> Result<(), Invalid> {
        match self.set {
            Setter::Count(field) => *field(options) = self.number(value)?,
            Setter::Seconds(field) => *field(options) = Duration::from_secs(self.number(value)?.into()),
            Setter::Millis(field) => *field(options) = Duration::from_millis(self.number(value)?.into()),
            Setter::Choice(set) => set(options, self.choice(value)?),
            Setter::Text { set, .. } => set(options, value)?,
        }
        Ok(())
    }

    fn number(&self, value: &str) -> Result<u32, Invalid> {
        let OptionValue::Number { min, max, .. } = self.value else { return Err("must be a number".into()) };
        // `parse` would accept a plus sign.
        let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| is_digits && (min..=max).contains(number));
        number.ok_or_else(|| Invalid::with_hint(format!("must be a whole number from {min} to {max}"), None))
    }

    fn choice(&self, value: &str) -> Result<&'static str, Invalid> {
        let OptionValue::Choice(words) = self.value else { return Err("must be a word".into()) };
        words.iter().find(|word| **word == value).copied().ok_or_else(|| {
            let list = match words {
                [only] => (*only).to_owned(),
                [first @ .., last] => format!("{} or {last}", first.join(", ")),
                [] => String::new(),
            };
            Invalid::with_hint(format!("must be {list}"), None)
        })
    }
}
