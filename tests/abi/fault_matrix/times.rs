//! Each fault at each time, over http and https: at a key's first call, while its token is refreshed, and once it is dead.

use std::sync::{Arc, OnceLock};

use b2_sandbox::{Config, Key, Sandbox};

use super::case::{Case, TIMES, When, is_about_the_key, is_of_the_way};
use super::{Expect, Outcome, Row, watch};
use crate::support::api::{self, Api, Operation, Options};
use crate::support::fixture::{KEY, TEST_TIMEOUT};

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
        let stage = Arc::new(WaitPoint { when, keys, ready: OnceLock::new() });
        plans.into_iter().enumerate().map(move |(number, plan)| plan.row(Arc::clone(&stage), number))
    });
    rows.collect()
}

/// Each row has a key of its own, so that they share nothing in the library but its memory.
fn key_id(number: usize) -> String {
    format!("0014aa9865d6f00000002{number:04}")
}

/// The library and the server that all rows of one time share.
struct WaitPoint {
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

impl WaitPoint {
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
                let (_, granted) = ready.api.authorize_many(&pairs, &ready.options(https));
                for ((number, _), session) in some.into_iter().zip(granted) {
                    ready.tokens[number] = Some(session.expect("granted").token());
                }
            }
            ready.api.shift_clocks(0, age);
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
    fn row(self, stage: Arc<WaitPoint>, number: usize) -> Row {
        let mut expect = self.case.at(self.when);
        if self.once {
            expect = Expect { status: "B2_OK", hint: None, says: "", ..expect };
        }
        let (scheme, once) = (if self.https { "https" } else { "http" }, if self.once { ", once" } else { "" });
        let what = format!("{}{once} · {scheme} · {}", self.case.name, self.when.name());
        let expected = expect.clone();
        Row { what, expect, run: Box::new(move || self.run(&stage, number, &expected)) }
    }

    fn run(&self, stage: &WaitPoint, number: usize, expect: &Expect) -> Outcome {
        let ready = stage.ready();
        let (id, old) = (stage.keys[number].0.as_str(), ready.tokens[number].clone());
        let options = ready.options(self.https);
        if self.case.lasts {
            // A second attempt that is to go well has time enough, whatever else this machine is busy with.
            let time = if self.once { "2500" } else { "1000" };
            options.set("attempt_timeout_ms", Some(time)).expect("an option");
        }
        let fault = if self.once { self.case.fault.clone() } else { self.case.fault.clone().forever() };
        ready.sandbox.script(id, [fault]);
        let before = ready.sandbox.authorize_count(id);
        let call = |options: &Options| ready.api.call(Some(id), Some(KEY), Operation::Authorize, Some(options));
        let mut outcome = watch(&options, call);
        // A request that the client gave up may be read after that.
        ready.sandbox.wait_until_asked(id, before + expect.requests, TEST_TIMEOUT);
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
        if outcome.answer.token().is_none() {
            let wait = self.case.told_wait.map_or_else(|| "null".to_owned(), |wait| wait.as_millis().to_string());
            let told = format!("\"retryAfterMs\":{wait}");
            outcome.must(&format!("the error has {told}"), outcome.answer.told.contains(&told));
        }
        let may_pass = is_of_the_way(&outcome.answer.status) && !self.case.for_good;
        outcome.must("it is told whether the same may succeed later", outcome.answer.retryable == may_pass);
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
