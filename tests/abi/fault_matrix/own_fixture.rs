//! Rows that have a fixture of their own.

use std::time::Duration;

use super::fake_server::{Relay, onward};
use super::fault::{Conditions, FaultCase, TokenAge, Trigger, is_about_the_key};
use super::recorded::{Outcome, record};
use super::{Expect, diagnosed};
use crate::support::api::{Failure, Operation, Options, Session};
use crate::support::concurrent::{eventually, wait_until};
use crate::support::fixture::{Fixture, ID, KEY, TEST_TIMEOUT};

/// What the log says when a stale token is served.
pub const STALE_SERVED: &str = "the stale token is used";

/// A relay to the sandbox, in whose place another server can be put.
struct Detour {
    relay: Relay,
    https: bool,
}

impl Detour {
    fn new(case: &FaultCase, fixture: &Fixture) -> Option<Self> {
        let Trigger::Impostor { https, .. } = case.trigger else { return None };
        Some(Self { relay: Relay::to(onward(good_url(fixture, https))), https })
    }

    fn options(&self, fixture: &Fixture) -> Options {
        let scheme = if self.https { "https" } else { "http" };
        let realm = format!("{scheme}://localhost:{}", self.relay.port());
        fixture.options.with(&[("realm", &realm), ("ca_file", fixture.ca_file())])
    }
}

fn good_url(fixture: &Fixture, https: bool) -> &str {
    if https { fixture.sandbox.https() } else { fixture.sandbox.http() }
}

fn call(case: &FaultCase, fixture: &Fixture, options: &Options) -> Result<Session, Failure> {
    let (id, key) = if case.blank { (None, None) } else { (Some(ID), Some(KEY)) };
    on_stack(case, || fixture.api.call(id, key, Operation::Authorize, Some(options)))
}

fn on_stack<T: Send>(case: &FaultCase, work: impl FnOnce() -> T + Send) -> T {
    let Some(stack) = case.stack else { return work() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, work);
        thread.expect("a thread can be started").join().expect("no panic")
    })
}

/// By the boot clock alone: a shift of both would look like a wall clock set wrong.
fn advance(fixture: &Fixture, time: Duration) {
    fixture.api.shift_clocks(0, i64::try_from(time.as_millis()).expect("a day or so"));
}

/// Brings the fault about.
fn cause(case: &FaultCase, fixture: &Fixture, options: &Options, detour: Option<&Detour>) -> Conditions {
    let faulty = match (&case.trigger, detour) {
        (Trigger::Conditions(cause), _) => cause(fixture, options),
        (Trigger::Impostor { server, .. }, Some(detour)) => {
            detour.relay.turn_to(server(fixture));
            Conditions::new(options.with(&[]), ())
        }
        _ => unreachable!("a row of another kind"),
    };
    case.settings.iter().for_each(|(name, value)| faulty.options.set(name, Some(value)).expect(name));
    faulty
}

/// The same fault in a diagnosis.
pub fn diagnose(case: &FaultCase, expect: &Expect) -> Outcome {
    let fixture = (case.fixture)();
    let detour = Detour::new(case, &fixture);
    let options = detour.as_ref().map_or_else(|| (case.options)(&fixture), |detour| detour.options(&fixture));
    let faulty = cause(case, &fixture, &options, detour.as_ref());
    let mut outcome = diagnosed::record(expect, &faulty.options, |options| {
        let (id, key) = if case.blank { (None, None) } else { (Some(ID), Some(KEY)) };
        on_stack(case, || fixture.api.diagnose(id, key, Some(options)))
    });
    fixture.sandbox.wait_until_asked(ID, expect.requests, TEST_TIMEOUT);
    drop(faulty);
    outcome.requests = fixture.requests();
    outcome.secrets.extend(case.secrets.iter().map(ToString::to_string));
    outcome
}

pub fn run(case: &FaultCase, age: TokenAge) -> Outcome {
    let fixture = (case.fixture)();
    let detour = Detour::new(case, &fixture);
    let good = || detour.as_ref().map_or_else(|| (case.options)(&fixture), |detour| detour.options(&fixture));
    let options = good();
    let cached = (age != TokenAge::None).then(|| call(case, &fixture, &options).expect("no fault yet").token());
    fixture.api.shift_clocks(0, age.boot_ms());
    wait_until("the connections are closed", || fixture.sandbox.open_connections() == 0);
    let counts = || (fixture.requests(), fixture.api.counter("requests"));
    let before = counts();
    let faulty = cause(case, &fixture, &options, detour.as_ref());
    let mut outcome = record(&faulty.options, |options| call(case, &fixture, options));
    // The server may receive a request that timed out later.
    fixture.sandbox.wait_until_asked(ID, before.0 + case.expect_at(age).requests, TEST_TIMEOUT);
    let after = counts();
    check_next_call(case, age, &mut outcome, || {
        let next = record(&faulty.options, |options| call(case, &fixture, options));
        (next, counts() == after)
    });
    let connections = detour.as_ref().map(|detour| detour.relay.accepted());
    drop(faulty);
    if let Some(detour) = &detour {
        detour.relay.turn_to(onward(good_url(&fixture, detour.https)));
    }
    fixture.sandbox.script(ID, []);
    outcome.requests = after.0 - before.0;
    outcome.secrets.extend(cached.clone());
    outcome.secrets.extend(case.secrets.iter().map(ToString::to_string));
    let attempts = after.1 - before.1;
    let expected = case.attempts_at(age);
    outcome.check(&format!("{attempts} attempts instead of {expected}"), attempts == expected as u64);
    let connections = connections.unwrap_or(expected);
    outcome.check(&format!("{connections} connections instead of {expected}"), connections == expected);
    let served = case.serves_cached(age);
    let token = outcome.result.token.clone();
    outcome.check(&format!("the cached token is served: {served}"), (token.is_some() && token == cached) == served);
    let logged = outcome.log.iter().any(|line| line.contains(STALE_SERVED));
    outcome.check("the log says when a stale token is served", logged == (served && age == TokenAge::Stale));
    if !is_about_the_key(&outcome.result.status) {
        check_recovery(case, &fixture, &good(), &mut outcome);
    }
    outcome
}

/// A result that is cached, and a stale token that was served, need no request for the next call.
fn check_next_call(case: &FaultCase, age: TokenAge, outcome: &mut Outcome, next: impl FnOnce() -> (Outcome, bool)) {
    if !case.serves_cached(age) && !case.is_cached(&outcome.result.status) {
        return;
    }
    let (next, no_attempt) = next();
    outcome.check("the next call makes no attempt", no_attempt);
    outcome.check("the next call has the same status", next.result.status == outcome.result.status);
    outcome.check("the next call gets the same token", next.result.token == outcome.result.token);
    outcome.log.extend(next.log);
    outcome.log.push(next.result.all_text);
}

/// Once the fault is gone, calls succeed.
fn check_recovery(case: &FaultCase, fixture: &Fixture, options: &Options, outcome: &mut Outcome) {
    let token = outcome.result.token.clone();
    match call(case, fixture, options) {
        Err(failure) => outcome.check(&format!("it has not recovered: {failure}"), false),
        Ok(session) => {
            outcome.check("no request after a success", token.is_none() || token == Some(session.token()));
        }
    }
    if outcome.log.iter().any(|line| line.contains(STALE_SERVED)) {
        // More than once only if something is left of the fault: a name look-up in progress, which calls share.
        let refreshed = || {
            advance(fixture, Duration::from_secs(61));
            call(case, fixture, options).is_ok_and(|session| Some(session.token()) != token)
        };
        outcome.check("the next refresh succeeds", eventually(refreshed, TEST_TIMEOUT));
    }
}
