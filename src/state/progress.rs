//! How far a series of attempts has come, for the caller that continues it.

use std::time::Duration;

use crate::diag::error::{Attempt, Error};
use crate::model::proxy::Proxy;

/// How far a series of attempts had come when its leader abandoned it.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    /// The log of the attempts made.
    pub(crate) attempts: Vec<Attempt>,
    /// Attempts that count towards a follower's `max_attempts` if its policy is no more generous. Attempts that the
    /// leader's own limits cut short do not count.
    pub(crate) attempts_made: u32,
    /// The policy they were made under.
    pub(crate) policy: Option<AttemptPolicy>,
    /// What the last of them failed with.
    pub(crate) error: Option<Error>,
    /// No retry under this policy can cure that failure.
    pub(crate) permanent: bool,
}

/// What decides whether an attempt of one caller says anything to another: its proxy and its time-outs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AttemptPolicy {
    pub(crate) proxy: Proxy,
    pub(crate) connect_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
}

impl Progress {
    /// The attempts made, as far as they count for a caller with this policy.
    pub(crate) fn attempts_made(&self, policy: &AttemptPolicy) -> u32 {
        if self.covers(policy) { self.attempts_made } else { 0 }
    }

    /// The failure, for a caller who could do no better: its policy allows nothing that was not tried.
    pub(crate) fn shared_failure_for(&self, policy: &AttemptPolicy, max_attempts: u32) -> Option<&Error> {
        let is_exhausted = self.attempts_made(policy) >= max_attempts || (self.permanent && self.covers(policy));
        self.error.as_ref().filter(|_| is_exhausted)
    }

    fn covers(&self, policy: &AttemptPolicy) -> bool {
        self.policy.as_ref().is_some_and(|tried| policy.is_no_more_generous_than(tried))
    }
}

impl AttemptPolicy {
    /// True if this policy allows nothing that `other` does not.
    fn is_no_more_generous_than(&self, other: &Self) -> bool {
        other.proxy == self.proxy
            && other.connect_timeout >= self.connect_timeout
            && other.attempt_timeout >= self.attempt_timeout
    }
}
