//! What a process remembers of its stores: which are in trouble, and what was said about that.

use std::time::Duration;

use crate::model::timestamp::{Timestamp, millis};
use crate::platform::fork_mutex::{ForkMutex, ResetInChild};

/// How long a store in trouble is left alone at first, and at most.
const FIRST_PAUSE_MS: u64 = 5_000;
const MAX_PAUSE_MS: u64 = 60_000;
/// The same thing is said once in that time.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Stores and messages remembered.
const MAX_ENTRIES: usize = 256;

/// What a store could not be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// Nothing can be read.
    Reading,
    /// What there is can be read, but nobody can claim or write.
    Writing,
}

/// A store in trouble.
struct Broken {
    store: u128,
    usage: Use,
    /// Nobody tries before the boot clock reads this.
    until_ms: u64,
    pause_ms: u64,
    what: String,
}

/// What is remembered: in lists, since there are few of each.
#[derive(Default)]
pub(crate) struct Memory {
    broken: Vec<Broken>,
    /// When each message may be said again, by its digest.
    said: Vec<(u128, u64)>,
}

impl Memory {
    fn broken(&mut self, store: u128, usage: Use) -> Option<&mut Broken> {
        self.broken.iter_mut().find(|broken| (broken.store, broken.usage) == (store, usage))
    }
}

/// Of this process. No thread waits while it holds the lock.
pub(crate) struct Breaker(ForkMutex<Option<Memory>>);

/// The one of this process.
pub(crate) static BREAKER: Breaker = Breaker(ForkMutex::new(None));

impl ResetInChild for Option<Memory> {
    /// What the parent knows is as good in the child.
    fn reset_in_child(&mut self) {}
}

impl Breaker {
    /// What a fork locks.
    pub(crate) const fn lock(&'static self) -> &'static ForkMutex<Option<Memory>> {
        &self.0
    }

    /// The trouble, if the store is to be left alone now. Once that is over one caller tries, and the others still do not.
    pub(crate) fn trouble(&self, store: u128, usage: Use, now: Timestamp) -> Option<(String, Duration)> {
        let mut guard = self.0.lock();
        let broken = guard.as_mut()?.broken(store, usage)?;
        if now.boot_ms < broken.until_ms {
            return Some((broken.what.clone(), Duration::from_millis(broken.until_ms - now.boot_ms)));
        }
        broken.until_ms = now.boot_ms.saturating_add(broken.pause_ms);
        None
    }

    /// The store could not be used.
    pub(crate) fn failed(&self, store: u128, usage: Use, what: &str, now: Timestamp) {
        let mut guard = self.0.lock();
        let memory = guard.get_or_insert_default();
        let what = what.to_owned();
        match memory.broken(store, usage) {
            Some(broken) => {
                broken.pause_ms = (broken.pause_ms * 2).min(MAX_PAUSE_MS);
                broken.until_ms = now.boot_ms.saturating_add(broken.pause_ms);
                broken.what = what;
            }
            None => {
                make_room(&mut memory.broken);
                let until_ms = now.boot_ms.saturating_add(FIRST_PAUSE_MS);
                memory.broken.push(Broken { store, usage, until_ms, pause_ms: FIRST_PAUSE_MS, what });
            }
        }
    }

    /// The store could be used.
    pub(crate) fn worked(&self, store: u128, usage: Use) {
        if let Some(memory) = self.0.lock().as_mut() {
            memory.broken.retain(|broken| (broken.store, broken.usage) != (store, usage));
        }
    }

    /// True if the message of that digest has not been said for a while; it counts as said then.
    pub(crate) fn may_say(&self, message: u128, now: Timestamp) -> bool {
        self.may_say_until(message, now, now.boot_ms.saturating_add(millis(SAY_AGAIN_AFTER)))
    }

    /// The same for what is said once in a process.
    pub(crate) fn may_say_once(&self, message: u128, now: Timestamp) -> bool {
        self.may_say_until(message, now, u64::MAX)
    }

    fn may_say_until(&self, message: u128, now: Timestamp, until_ms: u64) -> bool {
        let mut guard = self.0.lock();
        let memory = guard.get_or_insert_default();
        match memory.said.iter_mut().find(|(other, _)| *other == message) {
            Some((_, said)) if *said > now.boot_ms => return false,
            Some((_, said)) => *said = until_ms,
            None => {
                make_room(&mut memory.said);
                memory.said.push((message, until_ms));
            }
        }
        true
    }
}

/// Who has so many stores or troubles may hear of one again.
fn make_room<T>(list: &mut Vec<T>) {
    if list.len() >= MAX_ENTRIES {
        list.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp { wall_ms: 0, boot_ms: 1_000_000 };

    fn later(ms: u64) -> Timestamp {
        START.after(Duration::from_millis(ms))
    }

    fn breaker() -> Breaker {
        Breaker(ForkMutex::new(None))
    }

    #[test]
    fn a_store_in_trouble_is_left_alone_for_longer_and_longer() {
        let breaker = breaker();
        assert!(breaker.trouble(1, Use::Reading, START).is_none());
        let mut at = 0;
        for pause in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
            breaker.failed(1, Use::Reading, "refused", later(at));
            let left = Duration::from_millis(1);
            assert_eq!(breaker.trouble(1, Use::Reading, later(at + pause - 1)), Some(("refused".to_owned(), left)));
            at += pause;
            assert!(breaker.trouble(1, Use::Reading, later(at)).is_none(), "one caller tries");
            assert!(breaker.trouble(1, Use::Reading, later(at)).is_some(), "and no other");
        }
        breaker.worked(1, Use::Reading);
        assert!(breaker.trouble(1, Use::Reading, later(at)).is_none());
        breaker.failed(1, Use::Reading, "refused", later(at));
        assert!(breaker.trouble(1, Use::Reading, later(at + 5_000)).is_none(), "it begins anew");
    }

    #[test]
    fn stores_and_uses_are_apart() {
        let breaker = breaker();
        breaker.failed(1, Use::Writing, "read-only", START);
        assert!(breaker.trouble(1, Use::Reading, START).is_none());
        assert!(breaker.trouble(2, Use::Writing, START).is_none());
        assert!(breaker.trouble(1, Use::Writing, START).is_some());
    }

    #[test]
    fn a_message_is_said_once_a_minute_or_once() {
        let breaker = breaker();
        assert!(breaker.may_say(1, START) && !breaker.may_say(1, later(59_999)) && breaker.may_say(1, later(60_000)));
        assert!(breaker.may_say(2, START));
        assert!(breaker.may_say_once(3, START) && !breaker.may_say_once(3, later(86_400_000)));
    }
}
