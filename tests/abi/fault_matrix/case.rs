//! A fault with what is expected of a first call that meets it, and the rule by which that is another at other times.

use std::time::Duration;

use b2_sandbox::Fault;

use super::Expect;
use crate::support::fixture::Fixture;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing is known of the key.
    First,
    /// A token that is old, but good, is at hand.
    Live,
    /// The token at hand is dead.
    Dead,
}

/// In the order of the table.
pub const TIMES: [When; 3] = [When::First, When::Live, When::Dead];

impl When {
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first call",
            Self::Live => "a live token",
            Self::Dead => "a dead token",
        }
    }

    /// True if a failure of this status costs nobody the token: it is handed out, old as it is.
    pub fn keeps_its_token(self, status: &str) -> bool {
        self == Self::Live && status != "B2_OK" && !is_about_the_key(status)
    }

    /// Brings a fixture there, and gives the token that is at hand then.
    pub fn prepare(self, fixture: &Fixture) -> Option<String> {
        let age = self.age()?;
        let token = fixture.authorize().expect("granted").token();
        fixture.api.shift_clocks(0, age);
        Some(token)
    }

    /// By how much the clock is turned, in milliseconds: the one that counts while a machine sleeps, since the other
    /// would look as if it had been set wrong.
    pub fn age(self) -> Option<i64> {
        const HOUR: i64 = 60 * 60 * 1_000;
        match self {
            Self::First => None,
            Self::Live => Some(23 * HOUR),
            Self::Dead => Some(25 * HOUR),
        }
    }
}

/// Where the rule does not hold, and what does instead.
type Exception = (When, fn(&mut Expect));

/// A fault, and what is expected of a first call that meets it. What other times change is a rule, or an exception here.
pub struct Case {
    pub name: &'static str,
    pub fault: Fault,
    pub expect: Expect,
    /// It lasts until the time for an attempt is over.
    pub lasts: bool,
    /// No later call will fare better, whatever the status says of others.
    pub for_good: bool,
    pub exceptions: Vec<Exception>,
    /// What a second request must wait for.
    pub wait: Duration,
    /// The time to come again that the caller is told of.
    pub told_wait: Option<Duration>,
    /// Whether it is one of https alone, or of http alone.
    pub only: Option<bool>,
}

impl Case {
    /// It fails the call at its first request.
    pub fn ends(
        name: &'static str,
        fault: Fault,
        status: &'static str,
        says: &'static str,
        hint: &'static str,
    ) -> Self {
        let expect = Expect { status, hint: Some(hint), says, requests: 1, within: Duration::from_secs(10) };
        Self {
            name,
            fault,
            expect,
            lasts: false,
            for_good: false,
            exceptions: Vec::new(),
            wait: Duration::ZERO,
            told_wait: None,
            only: None,
        }
    }

    /// It is tried again, for as long as that is allowed; then it fails the call.
    pub fn retried(
        name: &'static str,
        fault: Fault,
        status: &'static str,
        says: &'static str,
        hint: &'static str,
    ) -> Self {
        let case = Self::ends(name, fault, status, says, hint);
        Self { expect: Expect { requests: 2, ..case.expect }, ..case }
    }

    /// It is odd, and does no harm.
    pub fn passes(name: &'static str, fault: Fault) -> Self {
        let case = Self::ends(name, fault, "B2_OK", "", "");
        Self { expect: Expect { hint: None, ..case.expect }, ..case }
    }

    /// It lasts until the time for an attempt is over, which is short then.
    pub fn lasting(self) -> Self {
        let expect = Expect { within: Duration::from_secs(10), ..self.expect };
        Self { lasts: true, wait: Duration::from_millis(980), expect, ..self }
    }

    /// The caller is told to come again in so long.
    pub fn tells(self, wait: Duration) -> Self {
        Self { told_wait: Some(wait), ..self }
    }

    /// A second request waits for so long at least.
    pub fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// No later call will fare better, whatever the status says of others.
    pub fn for_good(self) -> Self {
        Self { for_good: true, ..self }
    }

    /// There is nothing like it over http.
    pub fn over_https(self) -> Self {
        Self { only: Some(true), ..self }
    }

    /// There is nothing like it over https.
    pub fn over_http(self) -> Self {
        Self { only: Some(false), ..self }
    }

    /// At that time it is otherwise than the rule says.
    pub fn but(mut self, when: When, change: fn(&mut Expect)) -> Self {
        self.exceptions.push((when, change));
        self
    }

    /// The rule: with a good token in hand there is one request, and only a verdict on the key costs that token.
    pub fn at(&self, when: When) -> Expect {
        let mut expect = self.expect.clone();
        if when == When::Live {
            expect.requests = 1;
            if when.keeps_its_token(expect.status) {
                expect = Expect { status: "B2_OK", hint: None, says: "", ..expect };
            }
        }
        for (_, change) in self.exceptions.iter().filter(|(at, _)| *at == when) {
            change(&mut expect);
        }
        expect
    }

    /// True if a second request would have gone well.
    pub fn may_pass(&self) -> bool {
        self.expect.requests > 1
    }
}

pub fn is_about_the_key(status: &str) -> bool {
    matches!(status, "B2_BAD_CREDENTIALS" | "B2_KEY_NOT_SUPPORTED" | "B2_ACCESS_DENIED")
}

/// Failures of the way to B2 or of B2 itself, which may pass.
pub fn is_of_the_way(status: &str) -> bool {
    matches!(status, "B2_RATE_LIMITED" | "B2_SERVICE_UNAVAILABLE" | "B2_NETWORK_ERROR" | "B2_TIMEOUT")
}
