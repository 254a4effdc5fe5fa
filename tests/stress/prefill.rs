//! Fills what the library keeps by design and within bounds, before a soak measures what it has.

use crate::api::Ask;
use crate::identities::told_never;
use crate::run::Storm;

/// More key ids than the budget remembers.
const IDS: usize = 66_000;
/// More keys than there is room for as refused.
const REFUSED: usize = 4_200;
const THREADS: usize = 4;

pub fn fill(storm: &Storm) {
    let settings = [
        ("cache", "bypass"),
        ("proxy", "none"),
        ("max_attempts", "1"),
        ("rate_limit_per_minute", "0"),
        ("realm", &*storm.server.refused),
    ];
    let nobody = storm.api.options(&settings);
    let refusing = nobody.with(&[("cache", "use"), ("realm", &storm.server.http)]);
    let ask = |options, number| {
        let (id, key) = told_never(number);
        let answer = storm.api.call(Some(&id), Some(&key), Ask::Authorize, Some(options));
        assert!(answer.is_err(), "nobody has this key");
    };
    std::thread::scope(|scope| {
        for first in 0..THREADS {
            let (nobody, refusing, ask) = (&nobody, &refusing, &ask);
            scope.spawn(move || {
                (first..IDS).step_by(THREADS).for_each(|number| ask(nobody, number));
                (first..REFUSED).step_by(THREADS).for_each(|number| ask(refusing, number));
            });
        }
    });
}
