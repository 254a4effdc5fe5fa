//! Rows whose fault is a response of the sandbox: each at every age of the token, over http and https. The rows of one age
//! share a sandbox and a copy of the library. Each row has its own key, so that they share nothing else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use b2_sandbox::{Config, Fault, Key, Sandbox};

use super::diagnosed;
use super::fault::{FaultCase, TokenAge, Trigger, may_be_temporary};
use super::own_fixture::STALE_SERVED;
use super::recorded::{Outcome, record};
use super::{Expect, Row};
use crate::support::api::{self, Api, Operation, Options};
use crate::support::fixture::{KEY, TEST_TIMEOUT};

/// Long enough for every phase before the one that times out, on a busy machine.
const SHORT_ATTEMPT_MS: u64 = 4_000;
/// Long enough for a second attempt that must succeed.
const LONG_ATTEMPT_MS: u64 = 8_000;

/// Every case at every age, over http and https; if a retry would help, once more for one response only; and in a diagnosis.
pub fn rows(cases: Vec<FaultCase>) -> Vec<Row> {
    let mut plans = TokenAge::USUAL.map(|age| (age, Vec::new()));
    for case in cases {
        let case = Arc::new(case);
        for (age, plans) in &mut plans {
            for https in [false, true].into_iter().filter(|https| case.https.is_none_or(|only| only == *https)) {
                let plan = |kind| Plan { case: Arc::clone(&case), age: *age, https, kind };
                plans.push(plan(Kind::Forever));
                if case.base().requests > 1 && *age != TokenAge::Stale {
                    plans.push(plan(Kind::Once));
                }
                if *age == TokenAge::None && diagnosed::expect(&case).is_some() {
                    plans.push(plan(Kind::Diagnosed));
                }
            }
        }
    }
    let rows = plans.into_iter().flat_map(|(age, plans)| {
        let keys = plans.iter().enumerate().map(|(number, plan)| (key_id(number), plan.https)).collect();
        let shared = Arc::new(Shared { age, keys, ready: OnceLock::new() });
        plans.into_iter().enumerate().map(move |(number, plan)| plan.row(Arc::clone(&shared), number))
    });
    rows.collect()
}

fn key_id(number: usize) -> String {
    format!("0014aa9865d6f00000002{number:04}")
}

struct Shared {
    age: TokenAge,
    /// Each row's key, and whether it is used over https.
    keys: Vec<(String, bool)>,
    ready: OnceLock<Ready>,
}

struct Ready {
    sandbox: Sandbox,
    api: &'static Api,
    /// The cached token of each key.
    tokens: Vec<Option<String>>,
}

impl Shared {
    /// Made by the first row that needs it.
    fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| {
            b2_sandbox::raise_open_file_limit();
            let keys = self.keys.iter().map(|(id, _)| Key::master(id, KEY)).collect();
            let sandbox = Sandbox::start(Config { keys, ..Config::default() }).expect("the sandbox starts");
            let mut ready = Ready { sandbox, api: api::load(), tokens: vec![None; self.keys.len()] };
            if self.age == TokenAge::None {
                return ready;
            }
            for https in [false, true] {
                let some: Vec<_> = self.keys.iter().enumerate().filter(|(_, key)| key.1 == https).collect();
                let pairs: Vec<_> = some.iter().map(|(_, key)| (Some(key.0.as_str()), Some(KEY))).collect();
                let (_, granted) = ready.api.authorize_many(&pairs, &ready.options(https));
                for ((number, _), session) in some.into_iter().zip(granted) {
                    ready.tokens[number] = Some(session.expect("granted").token());
                }
            }
            ready.api.shift_clocks(0, self.age.boot_ms());
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

/// One row to be.
struct Plan {
    case: Arc<FaultCase>,
    age: TokenAge,
    https: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Forever,
    /// For one response only.
    Once,
    Diagnosed,
}

impl Plan {
    fn row(self, shared: Arc<Shared>, number: usize) -> Row {
        let (scheme, age) = (if self.https { "https" } else { "http" }, self.age.name());
        let (expect, once, age) = match self.kind {
            Kind::Forever => (self.case.expect_at(self.age), "", age),
            Kind::Once => (self.case.expect_at(self.age).success(), ", once", age),
            Kind::Diagnosed => (diagnosed::expect(&self.case).expect("it has one"), "", diagnosed::NAME),
        };
        let name = format!("{}{once} · {scheme} · {age}", self.case.name);
        let expected = expect.clone();
        let run = move || match self.kind {
            Kind::Diagnosed => self.diagnose(&shared, number, &expected),
            Kind::Forever | Kind::Once => self.run(&shared, number, &expected),
        };
        Row { name, expect, run: Box::new(run) }
    }

    fn is_once(&self) -> bool {
        self.kind == Kind::Once
    }

    fn diagnose(&self, shared: &Shared, number: usize, expect: &Expect) -> Outcome {
        let ready = shared.ready();
        let id = shared.keys[number].0.as_str();
        let options = ready.options(self.https);
        if self.case.times_out {
            options.set("attempt_timeout_ms", Some(&SHORT_ATTEMPT_MS.to_string())).expect("an option");
        }
        ready.sandbox.script(id, [self.response()]);
        let mut outcome =
            diagnosed::record(expect, &options, |options| ready.api.diagnose(Some(id), Some(KEY), Some(options)));
        ready.sandbox.wait_until_asked(id, expect.requests, TEST_TIMEOUT);
        outcome.requests = ready.sandbox.authorize_count(id);
        outcome
    }

    fn response(&self) -> Fault {
        let Trigger::Response(fault) = &self.case.trigger else { unreachable!("a row of another kind") };
        if self.is_once() { (**fault).clone() } else { (**fault).clone().forever() }
    }

    fn run(&self, shared: &Shared, number: usize, expect: &Expect) -> Outcome {
        let (case, ready) = (&self.case, shared.ready());
        let (id, cached) = (shared.keys[number].0.as_str(), &ready.tokens[number]);
        let options = ready.options(self.https);
        let attempt_ms = if self.is_once() { LONG_ATTEMPT_MS } else { SHORT_ATTEMPT_MS };
        if case.times_out {
            options.set("attempt_timeout_ms", Some(&attempt_ms.to_string())).expect("an option");
        }
        ready.sandbox.script(id, [self.response()]);
        let before = ready.sandbox.authorize_count(id);
        let call = |options: &Options| ready.api.call(Some(id), Some(KEY), Operation::Authorize, Some(options));
        let mut outcome = record(&options, call);
        // The server may receive a request that timed out later.
        ready.sandbox.wait_until_asked(id, before + expect.requests, TEST_TIMEOUT);
        outcome.requests = ready.sandbox.authorize_count(id) - before;
        outcome.secrets.extend(cached.clone());
        let result = outcome.result.clone();
        // The library's clock has a granularity of 10 ms at most.
        let first_attempt = if case.times_out { Duration::from_millis(attempt_ms - 20) } else { Duration::ZERO };
        let on_time = outcome.took >= first_attempt.max(case.min_wait);
        outcome.check("no second request is too early", outcome.requests < 2 || on_time);
        if result.token.is_none() {
            outcome.check("each request is an attempt", result.attempts as usize == outcome.requests);
            let wait = case.retry_after.map_or_else(|| "null".to_owned(), |wait| wait.as_millis().to_string());
            let expected = format!("\"retryAfterMs\":{wait}");
            outcome.check(&format!("the error has {expected}"), result.all_text.contains(&expected));
        }
        let temporary = may_be_temporary(&result.status) && !case.permanent;
        outcome.check("the error is retryable if the failure is temporary", result.retryable == temporary);
        let served = case.serves_cached(self.age);
        let kept = result.token.is_some() && result.token == *cached;
        outcome.check(&format!("the cached token is served: {served}"), kept == served);
        let logged = outcome.log.iter().any(|line| line.contains(STALE_SERVED));
        outcome.check("the log says when a stale token is served", logged == served);
        let reason = outcome.log.iter().any(|line| line.contains(case.base().message));
        outcome.check("the log has the reason", reason || (expect.status == "B2_OK" && !served && !self.is_once()));
        if served || case.is_cached(expect.status) {
            let next = record(&options, call);
            let more = ready.sandbox.authorize_count(id) - before - outcome.requests;
            outcome.check("the next call makes no request", more == 0);
            outcome.check("the next call has the same status", next.result.status == result.status);
            outcome.check("the next call gets the same token", next.result.token == result.token);
            outcome.log.extend(next.log);
            outcome.log.push(next.result.all_text);
        }
        outcome
    }
}
