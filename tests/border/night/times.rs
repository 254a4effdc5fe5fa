//! Each fault at each time, over http and https: at a key's first call, while its token is refreshed, and once it is dead.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use b2_sandbox::{Config, Fault, Key, Sandbox};

use super::{Expect, Outcome, Row, watch};
use crate::api::{self, Api, Ask, Options};
use crate::scene::{KEY, PATIENCE, Scene};

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

const TIMES: [When; 3] = [When::First, When::Live, When::Dead];

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

    /// Brings a scene there, and gives the token that is at hand then.
    pub fn prepare(self, scene: &Scene) -> Option<String> {
        let age = self.age()?;
        let token = scene.authorize().expect("granted").token();
        scene.api.turn(0, age);
        Some(token)
    }

    /// By how much the clock is turned, in milliseconds: the one that counts while a machine sleeps, since the other
    /// would look as if it had been set wrong.
    fn age(self) -> Option<i64> {
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
    name: &'static str,
    fault: Fault,
    expect: Expect,
    settings: &'static [(&'static str, &'static str)],
    exceptions: Vec<Exception>,
    /// What a second request must wait for.
    wait: Duration,
    /// Whether it is one of https alone, or of http alone.
    only: Option<bool>,
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
        Self { name, fault, expect, settings: &[], exceptions: Vec::new(), wait: Duration::ZERO, only: None }
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

    /// With these options.
    pub fn with(self, settings: &'static [(&'static str, &'static str)]) -> Self {
        Self { settings, ..self }
    }

    /// A second request waits for so long at least.
    pub fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
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
    fn at(&self, when: When) -> Expect {
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
    fn may_pass(&self) -> bool {
        self.expect.requests > 1
    }
}

fn is_about_the_key(status: &str) -> bool {
    matches!(status, "B2_BAD_CREDENTIALS" | "B2_KEY_NOT_SUPPORTED" | "B2_ACCESS_DENIED")
}

/// Every case at every time, over http and https; and those that may pass once more, for one request only.
pub fn rows(cases: Vec<Case>) -> Vec<Row> {
    let mut plans: Vec<(When, Vec<Plan>)> = TIMES.map(|when| (when, Vec::new())).into();
    for case in cases {
        let case = Arc::new(case);
        for (when, plans) in &mut plans {
            for https in [false, true].into_iter().filter(|https| case.only.is_none_or(|only| only == *https)) {
                plans.push(Plan { case: Arc::clone(&case), when: *when, https, once: false });
                if case.may_pass() && *when != When::Live {
                    plans.push(Plan { case: Arc::clone(&case), when: *when, https, once: true });
                }
            }
        }
    }
    let rows = plans.into_iter().flat_map(|(when, plans)| {
        let keys = plans.iter().enumerate().map(|(number, plan)| (key_id(number), plan.https)).collect();
        let stage = Arc::new(Stage { when, keys, ready: OnceLock::new() });
        plans.into_iter().enumerate().map(move |(number, plan)| plan.row(Arc::clone(&stage), number))
    });
    rows.collect()
}

/// Each row has a key of its own, so that they share nothing in the library but its memory.
fn key_id(number: usize) -> String {
    format!("0014aa9865d6f00000002{number:04}")
}

/// The library and the server that all rows of one time share.
struct Stage {
    when: When,
    keys: Vec<(String, bool)>,
    ready: OnceLock<Ready>,
}

struct Ready {
    sandbox: Sandbox,
    api: &'static Api,
    /// What each key was granted before.
    tokens: Vec<Option<String>>,
}

impl Stage {
    fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| {
            b2_sandbox::raise_open_file_limit();
            let keys = self.keys.iter().map(|(id, _)| Key::master(id, KEY)).collect();
            let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
            let mut ready = Ready { sandbox, api: api::load(), tokens: vec![None; self.keys.len()] };
            let Some(age) = self.when.age() else { return ready };
            for https in [false, true] {
                let some: Vec<_> = self.keys.iter().enumerate().filter(|(_, key)| key.1 == https).collect();
                let pairs: Vec<_> = some.iter().map(|(_, key)| (Some(key.0.as_str()), Some(KEY))).collect();
                let (_, granted) = ready.api.many(&pairs, &ready.options(https));
                for ((number, _), session) in some.into_iter().zip(granted) {
                    ready.tokens[number] = Some(session.expect("granted").token());
                }
            }
            ready.api.turn(0, age);
            ready
        })
    }
}

impl Ready {
    fn options(&self, https: bool) -> Options {
        let realm = if https { self.sandbox.https() } else { self.sandbox.http() };
        let ca_file = self.sandbox.ca_file().to_str().expect("a plain path");
        let limits = [("max_attempts", "2"), ("initial_backoff_ms", "1"), ("rate_limit_per_minute", "0")];
        self.api.options(&limits).with(&[("realm", realm), ("ca_file", ca_file)])
    }
}

/// One row before it is one.
struct Plan {
    case: Arc<Case>,
    when: When,
    https: bool,
    /// For one request only.
    once: bool,
}

impl Plan {
    fn row(self, stage: Arc<Stage>, number: usize) -> Row {
        let mut expect = self.case.at(self.when);
        if self.once {
            expect = Expect { status: "B2_OK", hint: None, says: "", ..expect };
        }
        let (scheme, once) = (if self.https { "https" } else { "http" }, if self.once { ", once" } else { "" });
        let what = format!("{}{once} · {scheme} · {}", self.case.name, self.when.name());
        let expected = expect.clone();
        Row { what, expect, run: Box::new(move || self.run(&stage, number, &expected)) }
    }

    fn run(&self, stage: &Stage, number: usize, expect: &Expect) -> Outcome {
        let ready = stage.ready();
        let (id, old) = (stage.keys[number].0.as_str(), ready.tokens[number].clone());
        let options = ready.options(self.https).with(self.case.settings);
        let fault = if self.once { self.case.fault.clone() } else { self.case.fault.clone().forever() };
        ready.sandbox.script(id, [fault]);
        let before = ready.sandbox.authorize_count(id);
        let call = |options: &Options| ready.api.call(Some(id), Some(KEY), Ask::Authorize, Some(options));
        let mut outcome = watch(&options, call);
        // A request that the client gave up may be read after that.
        ready.sandbox.wait_until_asked(id, before + expect.requests, PATIENCE);
        outcome = outcome.after(ready.sandbox.authorize_count(id) - before);
        outcome.key_id = id.to_owned();
        outcome.tokens.extend(old.clone());
        let token = outcome.answer.token();
        outcome.must("no second request is too early", outcome.requests < 2 || outcome.took >= self.case.wait);
        outcome.must(
            "each request is an attempt",
            token.is_some() || outcome.answer.attempts as usize == outcome.requests,
        );
        let served = self.when.keeps_its_token(self.case.expect.status);
        let kept = token.is_some() && token == old;
        outcome.must("the token is the one that it ought to be", kept == served);
        let told = outcome.said.iter().any(|line| line.contains("the old token is handed out"));
        outcome.must("the log tells of the old token if it is handed out", told == served);
        let why = outcome.said.iter().any(|line| line.contains(self.case.expect.says));
        outcome.must("the log tells why", why || (expect.status == "B2_OK" && !served && !self.once));
        if served || is_settled(expect.status) {
            let next = watch(&options, call);
            let more = ready.sandbox.authorize_count(id) - before - outcome.requests;
            outcome.must("the very next call asks nobody", more == 0);
            outcome.must("it is answered as this one", next.answer.status == outcome.answer.status);
            outcome.must("it is given the same token", next.answer.token() == outcome.answer.token());
            outcome.said.extend(next.said);
            outcome.said.push(next.answer.told);
        }
        outcome
    }
}

/// What the library knows from then on, and needs not ask again.
fn is_settled(status: &str) -> bool {
    is_about_the_key(status) || matches!(status, "B2_OK" | "B2_CAP_EXCEEDED")
}
