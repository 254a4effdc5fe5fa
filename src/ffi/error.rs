use std::ffi::{c_char, c_int};
use std::sync::Arc;

use once_cell::race::OnceBox;

use super::boundary::{catch_panic, pointer};
use super::status::b2_status;
use crate::diag::error::Error;
use crate::model::c_text::CText;
use crate::model::timestamp::millis;

/// Why one call failed. Immutable and reference-counted: any thread may read
/// it. No part of it contains a key, a token, a Basic header or the user part
/// of a URL.
pub struct b2_error {
    error: Error,
    message: CText,
    hint: Option<CText>,
    code: Option<CText>,
    request_id: Option<CText>,
    json: OnceBox<CText>,
}

impl b2_error {
    /// Gives the caller a reference of its own.
    pub(super) fn into_raw(error: Error) -> *mut Self {
        Arc::into_raw(Arc::new(Self::new(error))).cast_mut()
    }

    fn new(error: Error) -> Self {
        Self {
            message: CText::lossy(error.message()),
            hint: error.hint().map(CText::lossy),
            code: error.code().map(CText::lossy),
            request_id: error.request_id().map(CText::lossy),
            json: OnceBox::new(),
            error,
        }
    }

    fn json(&self) -> &CText {
        self.json.get_or_init(|| Box::new(CText::lossy(&self.error.to_json())))
    }
}

/// Returns the status code. Branch on this, not on the message.
/// B2_INVALID_ARGUMENT for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_status(error: Option<&b2_error>) -> b2_status {
    error.map_or(b2_status::InvalidArgument, |error| error.error.status())
}

/// Returns what happened, to which host, and what B2 said, in one line of
/// UTF-8. Belongs to the error. Never NULL for an error; NULL for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_message(error: Option<&b2_error>) -> *const c_char {
    pointer(error.map(|error| &error.message))
}

/// Returns what the person can do about it, or NULL. Belongs to the error.
/// NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_hint(error: Option<&b2_error>) -> *const c_char {
    pointer(error.and_then(|error| error.hint.as_ref()))
}

/// Returns B2's own code, such as "bad_auth_token" (code of its error reply),
/// or NULL. Belongs to the error. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_code(error: Option<&b2_error>) -> *const c_char {
    pointer(error.and_then(|error| error.code.as_ref()))
}

/// Returns the HTTP status of the last response; 0 if there was none, and for
/// NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_http_status(error: Option<&b2_error>) -> c_int {
    error.and_then(|error| error.error.http_status()).map_or(0, c_int::from)
}

/// Returns 1 if the same call may succeed later, else 0. 0 for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_is_retryable(error: Option<&b2_error>) -> c_int {
    c_int::from(error.is_some_and(|error| error.error.is_retryable()))
}

/// Returns how long to wait before calling again, in milliseconds (from B2's
/// Retry-After header, or the local rate limit); -1 if that is not known, and
/// for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_retry_after_ms(error: Option<&b2_error>) -> i64 {
    let wait = error.and_then(|error| error.error.retry_after());
    wait.map_or(-1, |wait| i64::try_from(millis(wait)).unwrap_or(i64::MAX))
}

/// Returns the number of requests that this very call made: 0 if it waited for
/// another call's result, or if the failure was remembered. 0 for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_attempts(error: Option<&b2_error>) -> u32 {
    error.map_or(0, |error| error.error.requests())
}

/// Returns B2's ID of the last request, from its X-Bz-Request-Id header, or
/// NULL. Belongs to the error. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_request_id(error: Option<&b2_error>) -> *const c_char {
    pointer(error.and_then(|error| error.request_id.as_ref()))
}

/// Returns the run log: one JSON object {"error":{...}} with all of the above
/// and every attempt that led here: when it started (RFC 3339), how long it
/// took, the wait before it, HTTP status, code and request ID. Belongs to the
/// error. NULL for NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_error_json(error: Option<&b2_error>) -> *const c_char {
    catch_panic(std::ptr::null(), || pointer(error.map(b2_error::json)))
}

/// Returns another reference to the same error. Caller frees it with
/// b2_error_free(). NULL for NULL. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_retain(error: *const b2_error) -> *mut b2_error {
    if !error.is_null() {
        // SAFETY: the handle came from Arc::into_raw, and the caller has a reference during the call.
        unsafe { Arc::increment_strong_count(error) };
    }
    error.cast_mut()
}

/// Frees one reference to an error. NULL is ignored. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_free(error: *mut b2_error) {
    if !error.is_null() {
        // SAFETY: the handle came from Arc::into_raw, and the caller gives up its reference.
        drop(unsafe { Arc::from_raw(error.cast_const()) });
    }
}
