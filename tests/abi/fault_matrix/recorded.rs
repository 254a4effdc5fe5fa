//! A call of which everything that is told is taken down.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::api::{Failure, Options, Session};
use crate::support::fixture::ID;

/// What a call answered, as far as another process could tell it too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status's name.
    pub status: String,
    /// Empty for success.
    pub message: String,
    pub hint: Option<String>,
    /// Everything that the error tells: message, hint, code, request id, its JSON. Empty for success.
    pub told: String,
    /// The requests that the call says it made; 0 for success.
    pub attempts: u32,
    /// True if the call says that the same may succeed later.
    pub retryable: bool,
    token: Option<String>,
}

impl Answer {
    /// The token, if one was granted.
    pub fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// For a child process to print.
    pub fn to_json(&self) -> Value {
        let Self { status, message, hint, told, attempts, retryable, token } = self;
        json!({
            "status": status, "message": message, "hint": hint, "told": told, "attempts": attempts,
            "retryable": retryable, "token": token
        })
    }

    /// For its parent to read.
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let must = |name: &str| text(name).unwrap_or_else(|| panic!("no {name} in {value}"));
        Self {
            status: must("status"),
            message: must("message"),
            hint: text("hint"),
            told: must("told"),
            retryable: value["retryable"].as_bool().expect("a truth"),
            attempts: value["attempts"].as_u64().and_then(|count| count.try_into().ok()).expect("a small number"),
            token: text("token"),
        }
    }
}

impl From<&Result<Session, Failure>> for Answer {
    fn from(result: &Result<Session, Failure>) -> Self {
        match result {
            Ok(session) => Self { status: "B2_OK".to_owned(), token: Some(session.token()), ..Self::default() },
            Err(failure) => Self {
                status: failure.name.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                told: format!("{failure:?} {}", failure.json),
                attempts: failure.attempts,
                retryable: failure.retryable,
                token: None,
            },
        }
    }
}

/// What came of a row.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub answer: Answer,
    /// The authorize requests that reached the server.
    pub requests: usize,
    /// How long the call took.
    pub took: Duration,
    /// The whole log, at the most talkative level.
    pub said: Vec<String>,
    /// For whom the call was.
    pub key_id: String,
    /// Tokens that nothing may tell, besides the answer's own.
    pub tokens: Vec<String>,
    /// What the row itself finds wrong.
    pub wrong: Vec<String>,
}

impl Outcome {
    /// Says that something must hold.
    pub fn must(&mut self, what: &str, holds: bool) {
        if !holds {
            self.wrong.push(what.to_owned());
        }
    }

    /// The same with so many requests seen.
    pub fn after(self, requests: usize) -> Self {
        Self { requests, ..self }
    }
}

/// Makes a call with a copy of `options` that reports to the outcome. Its requests are for the row to count, and the key
/// id is [`ID`] unless the row says another.
pub fn watch(options: &Options, call: impl FnOnce(&Options) -> Result<Session, Failure>) -> Outcome {
    let options = options.with(&[]);
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let mine = Arc::clone(&heard);
    options.set_log(Some(Box::new(move |_, message| mine.lock().expect("no panic").push(message.to_owned()))));
    let start = Instant::now();
    let answer = Answer::from(&call(&options));
    let took = start.elapsed();
    let said = std::mem::take(&mut *heard.lock().expect("no panic"));
    Outcome { answer, requests: 0, took, said, key_id: ID.to_owned(), tokens: Vec::new(), wrong: Vec::new() }
}
