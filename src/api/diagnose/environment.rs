//! The variables of the environment that a call reads.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::report::Step;
use crate::credentials::shown_key_id;
use crate::model::proxy::{self, Proxy};
use crate::model::realm::Realm;
use crate::platform::{self, environment};

const NAME: &str = "environment";

/// How a variable's value is shown.
#[derive(Clone, Copy)]
enum Shown {
    /// As it is.
    Whole,
    /// Not at all.
    Hidden,
    /// If it looks like a key ID: people swap it with the key.
    KeyId,
    /// Without what stands before an @.
    Realm,
    Proxy,
}

const VARIABLES: &[(&str, Shown)] = &[
    ("B2_APPLICATION_KEY_ID", Shown::KeyId),
    ("B2_APPLICATION_KEY", Shown::Hidden),
    ("B2_ACCOUNT_INFO", Shown::Whole),
    ("XDG_CONFIG_HOME", Shown::Whole),
    ("B2_ENVIRONMENT", Shown::Realm),
    ("B2_TOKEN_STORE", Shown::Hidden),
    (proxy::VARIABLES[0], Shown::Proxy),
    (proxy::VARIABLES[1], Shown::Proxy),
    (proxy::VARIABLES[2], Shown::Proxy),
    (proxy::VARIABLES[3], Shown::Proxy),
    (proxy::EXEMPT_VARIABLES[0], Shown::Whole),
    (proxy::EXEMPT_VARIABLES[1], Shown::Whole),
    ("SSL_CERT_FILE", Shown::Whole),
    ("SSL_CERT_DIR", Shown::Whole),
];

pub(super) fn step() -> Step {
    if platform::has_raised_rights() {
        let why = "nothing is taken from the environment, since this program runs with raised rights";
        return Step::ok(NAME, why).detail("ignored", true);
    }
    let mut variables = Map::new();
    for (name, shown) in VARIABLES {
        if environment::is_set(name) {
            variables.insert((*name).to_owned(), Value::String(show(name, *shown)));
        }
    }
    let summary = if variables.is_empty() {
        "none of the variables that are read is set".to_owned()
    } else {
        let each = variables.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
        each.collect::<Vec<_>>().join(" ")
    };
    Step::ok(NAME, summary).detail("variables", variables)
}

fn show(name: &str, shown: Shown) -> String {
    const HIDDEN: &str = "(set)";
    const INVALID: &str = "(set, but not valid)";
    let Some(text) = environment::text(name) else { return "(set, but not UTF-8)".to_owned() };
    match shown {
        Shown::Whole => text,
        Shown::Hidden => HIDDEN.to_owned(),
        Shown::KeyId => {
            let key = environment::text("B2_APPLICATION_KEY").map(Zeroizing::new);
            match shown_key_id(&text, key.as_ref().map(|key| key.as_str())) {
                Some(key_id) => key_id.to_owned(),
                None => "(set, but does not look like a key ID)".to_owned(),
            }
        }
        Shown::Realm => Realm::parse(&text).map_or_else(|_| INVALID.to_owned(), |realm| realm.as_str().to_owned()),
        Shown::Proxy => match Proxy::parse_variable(&text) {
            Ok(url) => url.without_login(),
            Err(_) => INVALID.to_owned(),
        },
    }
}
