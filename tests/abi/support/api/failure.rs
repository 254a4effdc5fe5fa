//! Errors, and the check that none of them contains a secret.

use std::ffi::c_int;
use std::fmt;

use serde_json::Value;

use super::functions::Handle;
use super::{Api, SecretCheck, read};

/// An error's contents, read before it was freed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: c_int,
    pub name: String,
    pub message: String,
    pub hint: Option<String>,
    pub code: Option<String>,
    pub http_status: c_int,
    pub retryable: bool,
    pub retry_after_ms: i64,
    pub attempts: u32,
    pub request_id: Option<String>,
    pub json: Value,
}

impl Failure {
    /// The waits before its attempts, in milliseconds.
    pub fn waits_ms(&self) -> Vec<u64> {
        let attempts = self.json["error"]["attempts"].as_array().expect("a list");
        attempts.iter().map(|attempt| attempt["waitMs"].as_u64().expect("a number")).collect()
    }

    /// Everything that the error shows: each getter, and its JSON.
    pub fn all_text(&self) -> String {
        format!("{self} {self:?} {}", self.json)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl Api {
    /// Reads and frees an error, and checks it with [`Self::assert_no_secrets`].
    pub(super) fn failure_without_secrets(&'static self, status: c_int, error: Handle) -> Failure {
        // SAFETY: the handle is an error's, and lives until it is freed below.
        let failure = unsafe {
            let f = &self.f;
            let failure = Failure {
                status,
                name: read((f.b2_status_name)(status)).expect("every status has a name"),
                message: read((f.b2_error_message)(error)).expect("every error has a message"),
                hint: read((f.b2_error_hint)(error)),
                code: read((f.b2_error_code)(error)),
                http_status: (f.b2_error_http_status)(error),
                retryable: (f.b2_error_is_retryable)(error) == 1,
                retry_after_ms: (f.b2_error_retry_after_ms)(error),
                attempts: (f.b2_error_attempts)(error),
                request_id: read((f.b2_error_request_id)(error)),
                json: serde_json::from_str(&read((f.b2_error_json)(error)).expect("every error has a run log"))
                    .expect("it is JSON"),
            };
            assert_eq!((f.b2_error_status)(error), status, "the error has the status that the call returned");
            (f.b2_error_free)(error);
            failure
        };
        self.assert_no_secrets("an error", &failure.all_text());
        assert!(!failure.message.contains('\n'), "a message is one line");
        failure
    }

    /// Fails if `text` contains a key that a call of this library was given, its Basic header, or a registered secret.
    pub fn assert_no_secrets(&self, context: &str, text: &str) {
        // Unlocked before the search, so that a failure here does not poison the lock for other threads.
        let secrets = self.secrets.lock().expect("no test panics with the lock").clone();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{context}: it contains a secret: {text}");
        }
    }

    /// From now on no error may contain this.
    pub fn register_secret(&self, secret: &str) {
        self.secrets.lock().expect("no test panics with the lock").push(secret.to_owned());
    }

    /// From now on no error may contain this key, or the Basic header made with it.
    pub(super) fn register_key(&self, key_id: Option<&str>, key: Option<&str>) {
        use base64::Engine;
        if self.secret_check == SecretCheck::Caller {
            return;
        }
        let Some(key) = key.map(str::trim).filter(|key| key.len() > 5) else { return };
        // A key ID in the place of a key is a mistake that tests make on purpose, and other calls may show it.
        if key.contains("4aa9865d6f00") {
            return;
        }
        let pair = format!("{}:{key}", key_id.unwrap_or_default().trim());
        let mut secrets = self.secrets.lock().expect("no test panics with the lock");
        if !secrets.iter().any(|known| known == key) {
            secrets.push(key.to_owned());
            secrets.push(base64::engine::general_purpose::STANDARD_NO_PAD.encode(pair));
        }
    }
}
