//! A call, and everything that it returns and logs.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::support::api::{Failure, Options, Session};
use crate::support::log_lines::LogLines;

/// The result of a call, in a form that another process can report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CallResult {
    /// The status's name.
    pub status: String,
    /// Empty for success.
    pub message: String,
    pub hint: Option<String>,
    /// Everything that the error shows. Empty for success.
    pub all_text: String,
    /// B2's code.
    pub code: Option<String>,
    pub http_status: i32,
    /// The attempts in the error; 0 for success.
    pub attempts: u32,
    pub retryable: bool,
    /// The token, for success.
    pub token: Option<String>,
}

impl From<&Result<Session, Failure>> for CallResult {
    fn from(result: &Result<Session, Failure>) -> Self {
        match result {
            Ok(session) => Self { status: "B2_OK".to_owned(), token: Some(session.token()), ..Self::default() },
            Err(failure) => Self {
                status: failure.name.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                all_text: failure.all_text(),
                code: failure.code.clone(),
                http_status: failure.http_status,
                attempts: failure.attempts,
                retryable: failure.retryable,
                token: None,
            },
        }
    }
}

/// The outcome of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub result: CallResult,
    /// The authorize requests that reached the server. The row counts them.
    pub requests: usize,
    pub took: Duration,
    /// The whole log, at the most verbose level.
    pub log: Vec<String>,
    /// Secrets besides the key and the token of the result.
    pub secrets: Vec<String>,
    /// The checks of the row itself that failed.
    pub failed_checks: Vec<String>,
}

impl Outcome {
    pub fn check(&mut self, what: &str, holds: bool) {
        if !holds {
            self.failed_checks.push(what.to_owned());
        }
    }
}

/// Makes a call with a copy of `options` that logs to the outcome.
pub fn record(options: &Options, call: impl FnOnce(&Options) -> Result<Session, Failure>) -> Outcome {
    let options = options.with(&[]);
    let log = LogLines::capture(&options);
    let start = Instant::now();
    let result = CallResult::from(&call(&options));
    let took = start.elapsed();
    Outcome { result, requests: 0, took, log: log.take(), secrets: Vec::new(), failed_checks: Vec::new() }
}
