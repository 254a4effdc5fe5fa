//! Fills the library's bounded caches before a soak measures its memory.

use crate::api::Operation;
use crate::identities::unknown_pair;
use crate::run::Run;

/// More key IDs than the rate limiter keeps.
const KEY_IDS: usize = 66_000;
/// More keys than rejections are cached.
const REJECTED: usize = 4_200;
const THREADS: usize = 4;

pub fn prefill(run: &Run) {
    let settings = [
        ("cache", "bypass"),
        ("proxy", "none"),
        ("max_attempts", "1"),
        ("rate_limit_per_minute", "0"),
        ("realm", &*run.server.refused),
    ];
    let unreachable = run.api.options(&settings);
    let rejecting = unreachable.with(&[("cache", "use"), ("realm", &run.server.http)]);
    let call = |options, number| {
        let (id, key) = unknown_pair(number);
        let result = run.api.call(Some(&id), Some(&key), Operation::Authorize, Some(options));
        assert!(result.is_err(), "the server does not know this key");
    };
    std::thread::scope(|scope| {
        for first in 0..THREADS {
            let (unreachable, rejecting, call) = (&unreachable, &rejecting, &call);
            scope.spawn(move || {
                (first..KEY_IDS).step_by(THREADS).for_each(|number| call(unreachable, number));
                (first..REJECTED).step_by(THREADS).for_each(|number| call(rejecting, number));
            });
        }
    });
}
