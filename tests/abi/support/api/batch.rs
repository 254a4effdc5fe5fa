//! b2_authorize_many() and the JSON action.

use std::ffi::{CStr, c_char};

use serde_json::Value;

use super::functions::Handle;
use super::{Api, Failure, Options, Session, as_ptr, c_string, read};

/// A pair as a call passes it; `None` is NULL.
pub type Pair<'a> = (Option<&'a str>, Option<&'a str>);

impl Api {
    /// The status of a batch, and the result of each entry.
    pub fn authorize_many(
        &'static self,
        pairs: &[Pair<'_>],
        options: &Options,
    ) -> (String, Vec<Result<Session, Failure>>) {
        for (key_id, key) in pairs {
            self.register_key(*key_id, *key);
        }
        let texts: Vec<_> = pairs.iter().map(|(key_id, key)| (key_id.map(c_string), key.map(c_string))).collect();
        let (key_ids, keys): (Vec<_>, Vec<_>) =
            texts.iter().map(|(key_id, key)| (as_ptr(key_id.as_deref()), as_ptr(key.as_deref()))).unzip();
        // Not NULL before the call: the library must set each entry.
        let (mut sessions, mut errors) = (vec![1 as Handle; pairs.len()], vec![1 as Handle; pairs.len()]);
        // SAFETY: the arrays are of that length, and all of it lives through the call.
        let status = unsafe {
            let (out_sessions, out_errors) = (sessions.as_mut_ptr(), errors.as_mut_ptr());
            (self.f.b2_authorize_many)(
                key_ids.as_ptr(),
                keys.as_ptr(),
                pairs.len(),
                options.raw(),
                out_sessions,
                out_errors,
            )
        };
        let results: Vec<_> = sessions
            .into_iter()
            .zip(errors)
            .map(|(session, error)| {
                assert_ne!(session.is_null(), error.is_null(), "each entry has a session or an error");
                if error.is_null() {
                    return Ok(Session::from_raw(self, session));
                }
                // SAFETY: the error lives.
                Err(self.failure_without_secrets(unsafe { (self.f.b2_error_status)(error) }, error))
            })
            .collect();
        let lowest = results.iter().find_map(|result| result.as_ref().err()).map_or(0, |failure| failure.status);
        assert_eq!(status, lowest, "a batch returns the status of its first entry that failed");
        (self.status_text(|f| f.b2_status_name, status), results)
    }

    /// The status that the JSON action returned, and its answer as text. NULL for `None`.
    pub fn authorize_json_text(&self, request: Option<&CStr>) -> (String, String) {
        let mut out: *mut c_char = std::ptr::dangling_mut();
        // SAFETY: the request lives through the call, and the answer until it is freed.
        let (status, text) = unsafe {
            let status = (self.f.b2_authorize_json)(as_ptr(request), &mut out);
            let text = read(out).expect("there always is an answer, and it is UTF-8");
            (self.f.b2_string_free)(out);
            (status, text)
        };
        (self.status_text(|f| f.b2_status_name, status), text)
    }

    /// The answer of the JSON action. Its status must be the returned one, and its errors have no secrets.
    pub fn authorize_json(&self, request: &str) -> Value {
        let (status, text) = self.authorize_json_text(Some(&c_string(request)));
        let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
        let one = std::slice::from_ref(&answer);
        let errors = answer.as_array().map_or(one, Vec::as_slice).iter().filter_map(|entry| entry.get("error"));
        let lowest = errors.clone().next().map_or("B2_OK", |error| error["status"].as_str().expect("a name"));
        assert_eq!(status, lowest, "{answer}");
        for error in errors {
            self.assert_no_secrets("an error of the JSON action", &error.to_string());
        }
        answer
    }

    /// What the action writes into a buffer of that size between guard bytes, and the length that it returns.
    pub fn authorize_json_into(&self, request: &str, size: usize) -> (Vec<u8>, usize) {
        const GUARD: u8 = 0xa5;
        let request = c_string(request);
        let mut room = vec![GUARD; 16 + size + 16];
        // SAFETY: the buffer has that many bytes, and the request lives through the call.
        let length =
            unsafe { (self.f.b2_authorize_json_into)(request.as_ptr(), room.as_mut_ptr().add(16).cast(), size) };
        let (before, rest) = room.split_at(16);
        let (buffer, after) = rest.split_at(size);
        assert!(before.iter().chain(after).all(|byte| *byte == GUARD), "it wrote past the buffer of {size}");
        (buffer.to_vec(), length)
    }
}
