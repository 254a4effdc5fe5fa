//! Hints for unknown names.

/// What people call things elsewhere, without `_`, `-` and capitals, and the names that it is here.
const SYNONYMS: [(&[&str], &[&str]); 14] = [
    (
        &["timeout", "timeouts", "timeoutms", "timeouts"],
        &["connect_timeout_ms", "attempt_timeout_ms", "total_timeout_ms"],
    ),
    (&["retries", "retry", "maxretries", "tries", "maxtries", "attempts", "retrycount"], &["max_attempts"]),
    (&["backoff", "backoffms", "retrydelay", "delay"], &["initial_backoff_ms", "max_backoff_ms"]),
    (&["endpoint", "url", "host", "server", "region", "environment", "baseurl", "apiurl"], &["realm"]),
    (&["ca", "cacert", "cafile", "cabundle", "cert", "certificate", "certificates", "tlsca"], &["ca_file"]),
    (&["ratelimit", "limit", "rpm", "throttle"], &["rate_limit_per_minute"]),
    (&["parallel", "threads", "workers", "parallelism", "maxconcurrency"], &["concurrency"]),
    (&["log", "verbose", "debug", "verbosity", "loglevel"], &["log_level"]),
    (&["database", "db", "sqlite", "accountfile", "accountinfofile"], &["account_info"]),
    (&["tokenstore", "storeurl", "cachedir", "redis"], &["store"]),
    (&["httpproxy", "httpsproxy", "proxyurl", "socks"], &["proxy"]),
    (&["agent", "ua"], &["user_agent"]),
    (&["id", "keyid", "appkeyid", "applicationid"], &["keyId"]),
    (&["secret", "appkey", "secretkey", "keysecret", "applicationsecret", "password"], &["key"]),
];

/// As many letters of a name as are compared: comparing megabytes would take seconds.
const MAX_COMPARED: usize = 32;

/// The hint for an unknown name that is near one of `names`, or a synonym of some.
pub(crate) fn did_you_mean(names: impl Iterator<Item = &'static str>, given: &str) -> Option<String> {
    let names: Vec<_> = names.collect();
    let given = normal(given);
    let nearest = names.iter().map(|name| (strsim::damerau_levenshtein(&normal(name), &given), *name)).min();
    let meant = match nearest {
        Some((distance, name)) if distance <= given.chars().count().div_ceil(5).min(2) => vec![name],
        _ => {
            let (_, here) = SYNONYMS.iter().find(|(elsewhere, _)| elsewhere.contains(&&*given))?;
            here.iter().copied().filter(|name| names.contains(name)).collect()
        }
    };
    let quoted: Vec<_> = meant.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [others @ .., last] => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

/// Letters alone, in lower case.
fn normal(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).take(MAX_COMPARED);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// The name in quotation marks and a space before it, if it can be nothing but a name: a key in its place has digits in it.
pub(crate) fn quoted_if_a_name(name: &str) -> String {
    let is_name = name.len() <= MAX_COMPARED
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.'));
    if is_name { format!(" \"{name}\"") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    fn hint(given: &str) -> String {
        did_you_mean(["keyId", "applicationKey", "key"].into_iter().chain(Options::names()), given).unwrap_or_default()
    }

    #[test]
    fn only_what_is_near_or_known_under_another_name_is_suggested() {
        for (given, expected) in [
            ("keyid", "did you mean \"keyId\"?"),
            ("applicationkey", "did you mean \"applicationKey\"?"),
            ("max_attempt", "did you mean \"max_attempts\"?"),
            ("maxAttempts", "did you mean \"max_attempts\"?"),
            ("user-agent", "did you mean \"user_agent\"?"),
            ("relam", "did you mean \"realm\"?"),
            ("retries", "did you mean \"max_attempts\"?"),
            ("timeout", "did you mean \"connect_timeout_ms\", \"attempt_timeout_ms\" or \"total_timeout_ms\"?"),
            ("endpoint", "did you mean \"realm\"?"),
            ("accountId", ""),
            ("bucket", ""),
            ("", ""),
            ("x", ""),
            ("ää", ""),
        ] {
            assert_eq!(hint(given), expected, "{given}");
        }
        assert_eq!(hint(&"x".repeat(10_000_000)), "");
    }

    #[test]
    fn every_synonym_leads_to_a_name() {
        for (elsewhere, here) in SYNONYMS {
            for name in elsewhere {
                assert_eq!(normal(name), *name);
                assert!(!hint(name).is_empty(), "{name} {here:?}");
            }
        }
    }

    #[test]
    fn a_key_is_not_taken_for_a_name() {
        assert_eq!(quoted_if_a_name("retries"), " \"retries\"");
        for other in ["K001abcdefghijklmnopqrstuvwxyz0", "", "a b", "ä", &"x".repeat(33), "/etc"] {
            assert_eq!(quoted_if_a_name(other), "", "{other}");
        }
    }
}
