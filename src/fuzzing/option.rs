//! Names and values of options.

use std::sync::OnceLock;
use std::time::Duration;

use super::words::assert_own;
use crate::options::Options;

/// Settings one after the other: on each line a name and, behind a tab, a value. The n-th capital letter stands for the
/// n-th name. A name that is not known ends it, and few are tried: to find one like it takes longer than all the rest.
pub fn option(lines: &[u8]) {
    static DEFAULTS: OnceLock<Options> = OnceLock::new();
    // Whatever is not UTF-8 is refused before it comes here.
    let Ok(lines) = std::str::from_utf8(lines) else { return };
    let names: Vec<&str> = Options::names().collect();
    let mut options = DEFAULTS.get_or_init(Options::new).clone();
    for line in lines.split('\n').take(8) {
        let (name, value) = match line.split_once('\t') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        let known = match name.as_bytes() {
            [letter @ b'A'..=b'Z', ..] => names.get(usize::from(letter - b'A')).copied(),
            _ => None,
        };
        let name = known.unwrap_or(name);
        let is_known = names.contains(&name.trim_ascii());
        if !is_known && name.bytes().fold(0, u8::wrapping_add) % 16 != 0 {
            return;
        }
        let before = options.clone();
        match options.set(name, value) {
            Ok(()) => within_bounds(&options),
            Err(error) => {
                assert_eq!(format!("{before:?}"), format!("{options:?}"));
                assert_own(error.message());
                assert_own(error.hint().unwrap_or_default());
                if !is_known {
                    return;
                }
            }
        }
    }
}

fn within_bounds(options: &Options) {
    let hours = |count: u64| Duration::from_secs(3_600 * count);
    assert!((1..=5).contains(&options.max_attempts) && (1..=64).contains(&options.concurrency));
    assert!(options.min_remaining < hours(24) && options.negative_ttl <= hours(1));
    assert!(options.total_timeout <= hours(1) && options.batch_timeout <= hours(24));
    for span in [options.connect_timeout, options.attempt_timeout, options.initial_backoff, options.max_backoff] {
        assert!(Duration::ZERO < span && span <= hours(1));
    }
    assert!(options.rate_limit_per_minute <= 6_000);
    assert!(options.profile.is_none() || options.account_info.is_none());
    assert!(options.user_agent.iter().flat_map(|agent| agent.bytes()).all(|byte| (b' '..=b'~').contains(&byte)));
    if let Ok(realm) = &options.realm {
        let url = realm.as_str();
        assert!(url.starts_with("https://") || realm.is_loopback(), "{url}");
        assert!(!url.contains(['?', '#', '@']) && !url.ends_with('/'), "{url}");
        assert!(!realm.host().is_empty() && !realm.host().contains('@') && realm.port() != 0, "{url}");
    }
}
