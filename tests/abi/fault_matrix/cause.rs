//! What breaks between the library and B2's server, at each time when it can.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::{Expect, Outcome, Row, watch};
use crate::support::api::{Failure, Operation, Options, Session};
use crate::support::concurrent::{eventually, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

const SERVED: &str = "the old token is handed out";

/// When it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Nothing is known of the key.
    First,
    /// A token is at hand that need not be refreshed yet.
    Fresh,
    /// A token is at hand that is old, but good.
    Live,
    /// The token at hand is dead.
    Dead,
}

impl Time {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first call",
            Self::Fresh => "a fresh token",
            Self::Live => "a live token",
            Self::Dead => "a dead token",
        }
    }

    fn age(self) -> Duration {
        Duration::from_secs(match self {
            Self::First | Self::Fresh => 0,
            Self::Live => 23 * 60 * 60,
            Self::Dead => 25 * 60 * 60,
        })
    }
}

/// A state of things in which a call is made. What was changed for it is put right when it is dropped.
pub struct Broken {
    options: Options,
    _mend: Box<dyn Any>,
}

impl Broken {
    pub fn new(options: Options, mend: impl Any) -> Self {
        Self { options, _mend: Box::new(mend) }
    }
}

/// Undoes something when it is dropped.
pub struct Undo<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for Undo<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

type Breaks = dyn Fn(&Fixture, &Options) -> Broken + Send + Sync;

/// Something that breaks, and what is expected of a first call then. What other times change is a rule.
pub struct Cause {
    name: String,
    expect: Expect,
    /// The attempts that a first call makes.
    tries: u64,
    times: Vec<Time>,
    /// It tells nothing of whose token is wanted: one that lives is handed out.
    spares: bool,
    /// The call leaves it to the library to find the key.
    blank: bool,
    /// The stack of the thread that calls, if it is one of its own.
    stack: Option<usize>,
    fixture: fn() -> Fixture,
    /// The options of a call while nothing is broken.
    good: fn(&Fixture) -> Options,
    breaks: Arc<Breaks>,
    secrets: Vec<String>,
}

impl Cause {
    /// A first call fails with it, after two attempts.
    pub fn retried(
        name: impl Into<String>,
        status: &'static str,
        says: &'static str,
        hint: &'static str,
        breaks: impl Fn(&Fixture, &Options) -> Broken + Send + Sync + 'static,
    ) -> Self {
        let expect = Expect { status, hint: Some(hint), says, requests: 0, within: Duration::from_secs(10) };
        Self {
            name: name.into(),
            expect,
            tries: 2,
            times: vec![Time::First, Time::Live, Time::Dead],
            spares: true,
            blank: false,
            stack: None,
            fixture: || Fixture::with_options(&[("max_attempts", "2")]),
            good: |fixture| fixture.options.with(&[]),
            breaks: Arc::new(breaks),
            secrets: Vec::new(),
        }
    }

    /// A first call fails with it, and does not try again.
    pub fn ends(
        name: impl Into<String>,
        status: &'static str,
        says: &'static str,
        hint: &'static str,
        breaks: impl Fn(&Fixture, &Options) -> Broken + Send + Sync + 'static,
    ) -> Self {
        Self { tries: 1, ..Self::retried(name, status, says, hint, breaks) }
    }

    /// It does no harm.
    pub fn passes(
        name: impl Into<String>,
        breaks: impl Fn(&Fixture, &Options) -> Broken + Send + Sync + 'static,
    ) -> Self {
        let cause = Self::retried(name, "B2_OK", "", "", breaks);
        Self { tries: 1, expect: Expect { hint: None, requests: 1, ..cause.expect }, ..cause }
    }

    /// The calls are made in such a fixture.
    pub fn fixture(self, fixture: fn() -> Fixture) -> Self {
        Self { fixture, ..self }
    }

    /// With these options, while nothing is broken.
    pub fn good(self, good: fn(&Fixture) -> Options) -> Self {
        Self { good, ..self }
    }

    /// At these times only.
    pub fn at(self, times: &[Time]) -> Self {
        Self { times: times.to_vec(), ..self }
    }

    /// In that time, or less.
    pub fn within(self, within: Duration) -> Self {
        Self { expect: Expect { within, ..self.expect }, ..self }
    }

    /// So many attempts.
    pub fn tries(self, tries: u64) -> Self {
        Self { tries, ..self }
    }

    /// So many requests, though they come to nothing.
    pub fn requests(self, requests: usize) -> Self {
        Self { expect: Expect { requests, ..self.expect }, ..self }
    }

    /// Neither key id nor key is given. Where it is not known whose token is wanted, none is handed out.
    pub fn blank(self, spares: bool) -> Self {
        Self { blank: true, spares, ..self }
    }

    /// On a thread with so many bytes of stack.
    pub fn on_a_stack_of(self, bytes: usize) -> Self {
        Self { stack: Some(bytes), ..self }
    }

    /// Nothing may tell these either.
    pub fn keeping(mut self, secrets: &[&str]) -> Self {
        self.secrets.extend(secrets.iter().map(ToString::to_string));
        self
    }

    /// One row for each time.
    pub fn rows(self) -> Vec<Row> {
        let cause = Arc::new(self);
        let row = |time: &Time| {
            let (cause, time) = (Arc::clone(&cause), *time);
            let what = format!("{} · {}", cause.name, time.name());
            Row { what, expect: cause.expected(time), run: Box::new(move || cause.run(time)) }
        };
        cause.times.iter().map(row).collect()
    }

    fn harms(&self) -> bool {
        self.expect.status != "B2_OK"
    }

    /// The rule: a good token in hand is not lost, and one that is fresh is not even asked about.
    fn expected(&self, time: Time) -> Expect {
        let saved = Expect { status: "B2_OK", hint: None, says: "", ..self.expect.clone() };
        match time {
            Time::Fresh => Expect { requests: 0, ..saved },
            Time::Live if self.spares => Expect { requests: self.expect.requests.min(1), ..saved },
            _ => self.expect.clone(),
        }
    }

    fn call(&self, fixture: &Fixture, options: &Options) -> Result<Session, Failure> {
        let (id, key) = if self.blank { (None, None) } else { (Some(ID), Some(KEY)) };
        let call = || fixture.api.call(id, key, Operation::Authorize, Some(options));
        let Some(stack) = self.stack else { return call() };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, call);
            thread.expect("a thread can be had").join().expect("no panic")
        })
    }

    fn run(&self, time: Time) -> Outcome {
        let fixture = (self.fixture)();
        let good = (self.good)(&fixture);
        let old = (time != Time::First).then(|| self.call(&fixture, &good).expect("nothing is broken yet").token());
        // By the clock that counts while a machine sleeps: the other one would look as if it had been set wrong.
        let turn = |time: Duration| fixture.api.shift_clocks(0, i64::try_from(time.as_millis()).expect("a day or so"));
        turn(time.age());
        wait_until("the connections are closed", || fixture.sandbox.open_connections() == 0);
        let (requests, tries) = (fixture.requests(), fixture.api.counter("requests"));
        let broken = (self.breaks)(&fixture, &good);
        let mut outcome = watch(&broken.options, |options| self.call(&fixture, options));
        drop(broken);
        fixture.sandbox.script(ID, []);
        outcome = outcome.after(fixture.requests() - requests);
        outcome.tokens.extend(old.clone());
        outcome.tokens.extend(self.secrets.clone());
        let made = fixture.api.counter("requests") - tries;
        let tries = match time {
            Time::Fresh => 0,
            Time::Live if self.harms() => self.tries.min(1),
            _ => self.tries,
        };
        outcome.must(&format!("{made} attempts instead of {tries}"), made == tries);
        let token = outcome.answer.token();
        let served = time == Time::Fresh || time == Time::Live && self.harms() && self.spares;
        outcome.must("the token is not the one that it ought to be", (token.is_some() && token == old) == served);
        let told = outcome.said.iter().any(|line| line.contains(SERVED));
        outcome.must(
            "the log tells of the old token where it is not handed out, or the other way round",
            told == (served && time == Time::Live),
        );
        self.recovers(&fixture, &(self.good)(&fixture), &mut outcome, turn);
        outcome
    }

    /// Once it is mended nothing is left of it.
    fn recovers(&self, fixture: &Fixture, good: &Options, outcome: &mut Outcome, turn: impl Fn(Duration)) {
        let token = outcome.answer.token();
        match self.call(fixture, good) {
            Err(failure) => outcome.must(&format!("it is not well again: {failure}"), false),
            Ok(session) => {
                outcome.must("it was asked for again at once", token.is_none() || token == Some(session.token()));
            }
        }
        if outcome.said.iter().any(|line| line.contains(SERVED)) {
            // More than once only where something hangs on from before: a look-up, which calls share.
            let another = || {
                turn(Duration::from_secs(61));
                self.call(fixture, good).is_ok_and(|session| Some(session.token()) != token)
            };
            outcome.must("it is asked for again in a minute", eventually(another, TEST_TIMEOUT));
        }
    }
}
