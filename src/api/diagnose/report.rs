//! What a diagnosis found: one step after the other, as JSON.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::diag::error::{Error, Status};
use crate::diag::redact::Redactor;
use crate::diag::sanitize;
use crate::model::timestamp::millis;

/// How a step went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// There was nothing to do, or the way ended before it.
    #[default]
    Skipped,
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    Failed,
}

/// One step of the way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) result: Outcome,
    /// What was found, in one line.
    pub(crate) summary: String,
    /// What the person can do.
    pub(crate) advice: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) details: Map<String, Value>,
}

impl Step {
    fn new(name: &'static str, result: Outcome, summary: impl Into<String>) -> Self {
        Self { name, result, summary: summary.into(), advice: None, duration_ms: None, details: Map::new() }
    }

    pub(super) fn ok(name: &'static str, summary: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, summary)
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Outcome::Skipped, why)
    }

    pub(super) fn failed(name: &'static str, message: impl Into<String>, hint: Option<&str>) -> Self {
        let mut step = Self::new(name, Outcome::Failed, message);
        step.advice = hint.map(str::to_owned);
        step
    }

    pub(super) fn failed_by(name: &'static str, error: &Error) -> Self {
        Self::failed(name, error.message(), error.hint())
    }

    /// It works, but: the advice is kept if the step had some already.
    pub(super) fn warn(mut self, advice: impl Into<String>) -> Self {
        if self.result == Outcome::Ok {
            self.result = Outcome::Warning;
        }
        self.advice.get_or_insert_with(|| advice.into());
        self
    }

    pub(super) fn warn_if(self, advice: Option<String>) -> Self {
        match advice {
            Some(advice) => self.warn(advice),
            None => self,
        }
    }

    pub(super) fn took(mut self, duration: Option<Duration>) -> Self {
        self.duration_ms = duration.map(millis);
        self
    }

    pub(super) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

/// All steps, and what a call would return now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    version: &'static str,
    started_at: String,
    duration_ms: u64,
    /// The worst of the steps.
    result: Outcome,
    #[serde(rename = "status")]
    status_name: &'static str,
    #[serde(skip)]
    pub(crate) status: Status,
    /// Authorize requests that were sent: one at most.
    requests: u32,
    /// As [`Error::to_json`] has it.
    error: Option<Error>,
    steps: Vec<Step>,
}

impl Report {
    pub(super) fn new(
        started_at: String,
        took: Duration,
        requests: u32,
        error: Option<Error>,
        steps: Vec<Step>,
    ) -> Self {
        let worst = steps.iter().map(|step| step.result).max().unwrap_or_default();
        let status = error.as_ref().map_or(Status::Ok, Error::status);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at,
            duration_ms: millis(took),
            result: if error.is_some() { Outcome::Failed } else { worst },
            status_name: status.name(),
            status,
            requests,
            error,
            steps,
        }
    }

    /// For a bug in this library.
    pub(crate) fn from_panic() -> Self {
        Self::new(String::new(), Duration::ZERO, 0, Some(Error::from_panic()), Vec::new())
    }

    /// Whatever a server, a file or the environment said becomes one line without secrets.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        let clean = |text: &mut String| *text = redactor.redact(&sanitize::single_line(text));
        for step in &mut self.steps {
            clean(&mut step.summary);
            step.advice.iter_mut().for_each(clean);
            step.details.values_mut().for_each(|value| each_text(value, &clean));
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialise")
    }
}

fn each_text(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
