use std::ffi::{CStr, CString, c_char, c_int};

use once_cell::race::OnceBox;

use super::boundary::{caught, pointer};
use super::status::b2_status;
use crate::diag::error::Error;
use crate::model::timestamp::millis;

/// What went wrong in one call. No part of it holds a key, a token, a Basic
/// header or the user part of a URL. Any thread may read it.
pub struct b2_error {
    error: Error,
    message: CString,
    hint: Option<CString>,
    code: Option<CString>,
    request_id: Option<CString>,
    json: OnceBox<CString>,
}

impl b2_error {
    /// Gives the caller an error of its own.
    pub(super) fn hand_out(error: Error) -> *mut Self {
        let handle = Self {
            message: text(error.message()),
            hint: error.hint().map(text),
            code: error.code().map(text),
            request_id: error.request_id().map(text),
            json: OnceBox::new(),
            error,
        };
        Box::into_raw(Box::new(handle))
    }

    fn json(&self) -> &CStr {
        self.json.get_or_init(|| Box::new(text(&self.error.to_json())))
    }
}

/// A C string; a NUL, which only a hostile server would send, ends nothing.
fn text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).expect("every NUL was replaced")
}

/// # Safety
/// `error` is NULL, or came from `hand_out` and lives for `'a`.
unsafe fn get_text<'a>(error: *const b2_error, field: impl FnOnce(&'a b2_error) -> Option<&'a CStr>) -> *const c_char {
    // SAFETY: the caller vouches for the handle.
    pointer(unsafe { error.as_ref() }.and_then(field))
}

/// What to decide by. B2_INVALID_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_status(error: *const b2_error) -> b2_status {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { error.as_ref() }.map_or(b2_status::B2_INVALID_ARGUMENT, |error| error.error.status().into())
}

/// What happened, to which host and what B2 said, in one line of UTF-8.
/// Belongs to the error. Never NULL for an error; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_message(error: *const b2_error) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(error, |error| Some(&error.message)) }
}

/// What the person can do about it, or NULL. Belongs to the error. NULL for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_hint(error: *const b2_error) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(error, |error| error.hint.as_deref()) }
}

/// B2's own code, such as "bad_auth_token", or NULL. Belongs to the error.
/// NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_code(error: *const b2_error) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(error, |error| error.code.as_deref()) }
}

/// The HTTP status of the last answer; 0 if there was none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_http_status(error: *const b2_error) -> c_int {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { error.as_ref() }.and_then(|error| error.error.http_status()).map_or(0, c_int::from)
}

/// 1 if the same call may succeed later, else 0. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_is_retryable(error: *const b2_error) -> c_int {
    // SAFETY: the caller's handle is NULL or lives.
    c_int::from(unsafe { error.as_ref() }.is_some_and(|error| error.error.is_retryable()))
}

/// How long to wait before calling again, in milliseconds; -1 if that is not
/// known, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_retry_after_ms(error: *const b2_error) -> i64 {
    // SAFETY: the caller's handle is NULL or lives.
    let wait = unsafe { error.as_ref() }.and_then(|error| error.error.retry_after());
    wait.map_or(-1, |wait| i64::try_from(millis(wait)).unwrap_or(i64::MAX))
}

/// The requests that this very call made: 0 where it waited for another call's
/// verdict, or was answered from memory. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_attempts(error: *const b2_error) -> u32 {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { error.as_ref() }.map_or(0, |error| error.error.requests())
}

/// B2's name for the last request, from its X-Bz-Request-Id header, or NULL.
/// Belongs to the error. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_request_id(error: *const b2_error) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    unsafe { get_text(error, |error| error.request_id.as_deref()) }
}

/// The run log: one JSON object {"error":{…}} with all of the above and every
/// attempt of the series that led here: when it began (RFC 3339), how long it
/// took, the wait before it, HTTP status, code and request id. Belongs to the
/// error. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_json(error: *const b2_error) -> *const c_char {
    // SAFETY: the caller's handle is NULL or lives.
    caught(std::ptr::null(), || unsafe { get_text(error, |error| Some(error.json())) })
}

/// Frees an error. NULL is fine. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_error_free(error: *mut b2_error) {
    if !error.is_null() {
        // SAFETY: the handle came from Box::into_raw, and the caller gives it up.
        drop(unsafe { Box::from_raw(error) });
    }
}
