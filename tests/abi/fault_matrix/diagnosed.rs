//! Every fault as b2_diagnose_json() meets it: the status, message and hint are those of a call without a cached token, one
//! request reaches B2 at most, and the step that failed is named.

use std::time::Instant;

use super::Expect;
use super::fault::{FaultCase, TokenAge};
use super::recorded::{CallResult, Outcome};
use crate::support::api::{Diagnosis, Options};
use crate::support::log_lines::LogLines;

/// In the names of these rows.
pub const NAME: &str = "diagnosed";

/// What is expected of one attempt; `None` for a fault that needs a call before it, or that a second attempt gets past.
pub fn expect(case: &FaultCase) -> Option<Expect> {
    let expect = case.expect_at(TokenAge::None);
    let is_one_attempt = expect.status != "B2_OK" || case.attempts_at(TokenAge::None) == 1;
    let applies = is_one_attempt && case.has_age(TokenAge::None);
    applies.then(|| Expect { requests: expect.requests.min(1), ..expect })
}

/// Makes a diagnosis with a copy of `options` that logs to the outcome, and checks its steps.
pub fn record(expect: &Expect, options: &Options, diagnose: impl FnOnce(&Options) -> Diagnosis) -> Outcome {
    let options = options.with(&[]);
    let log = LogLines::capture(&options);
    let start = Instant::now();
    let diagnosis = diagnose(&options);
    let took = start.elapsed();
    let error = &diagnosis.report["error"];
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    let result = CallResult {
        status: diagnosis.status.clone(),
        message: text("message").unwrap_or_default(),
        hint: text("hint"),
        all_text: diagnosis.report.to_string(),
        code: text("code"),
        http_status: error["httpStatus"].as_i64().and_then(|status| status.try_into().ok()).unwrap_or(0),
        ..CallResult::default()
    };
    let mut outcome =
        Outcome { result, requests: 0, took, log: log.take(), secrets: Vec::new(), failed_checks: Vec::new() };
    check_steps(expect, &diagnosis, &mut outcome);
    outcome
}

/// The steps of which one may fail with a status.
fn may_fail(status: &str) -> &'static [&'static str] {
    const WAY: &[&str] = &["proxy", "roots", "lookUp", "connect", "tunnel", "tls", "authorize"];
    match status {
        "B2_NO_CREDENTIALS" => &["credentials"],
        "B2_INVALID_ARGUMENT" => &["credentials", "realm", "proxy", "roots"],
        "B2_TLS_ERROR" => &["roots", "tunnel", "tls", "authorize"],
        "B2_NETWORK_ERROR" | "B2_TIMEOUT" | "B2_PROTOCOL_ERROR" => WAY,
        _ => &["authorize"],
    }
}

fn check_steps(expect: &Expect, diagnosis: &Diagnosis, outcome: &mut Outcome) {
    let failed = diagnosis.steps_that_are("failed");
    if expect.status == "B2_OK" {
        outcome.check(&format!("these steps failed: {failed:?}"), failed.is_empty());
        outcome.check("the key and the token are reported", diagnosis.steps_that_are("skipped").len() <= 5);
        return;
    }
    let Some(first) = failed.first() else {
        outcome.check("a step failed", false);
        return;
    };
    let expected = may_fail(&diagnosis.status);
    outcome.check(&format!("{first} failed, not one of {expected:?}"), expected.contains(first));
    let summary = diagnosis.summary(first);
    outcome.check(&format!("the summary of {first} is {summary:?}"), summary.contains(expect.message));
    let hint = expect.hint.unwrap_or_default();
    let advice = diagnosis.advice(first).unwrap_or_default();
    outcome.check(&format!("the advice of {first} is {advice:?}"), advice.contains(hint));
    let unreached = ["key", "token"].iter().all(|name| diagnosis.step(name)["result"] == "skipped");
    outcome.check("what only a session has is skipped", unreached);
}
