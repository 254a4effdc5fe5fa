use std::ffi::{CString, c_char};
use std::ptr;

use zeroize::Zeroize;

use super::boundary::{bytes, caught};
use super::status::b2_status;
use crate::api::json::{self, Answer};
use crate::diag::error::{Error, Status};
use crate::process;
use crate::process::init;

/// The workflow action, for tools that can only pass strings. request is a
/// JSON object: keyId and key (also applicationKeyId, applicationKey), each of
/// which may be missing, null or blank, and any option by its name, as a
/// string or a number. NULL or blank is {}. An array of at most 100000 such
/// objects is a batch, and is answered by an array in the same order; its
/// concurrency and its batch_timeout_ms are the largest ones given.
///
/// The answer to {} is {"accountId":…,"apiUrl":…,"authorizationToken":…,
/// "downloadUrl":…}; with "fields":"all" it is what b2_session_json() says. A
/// failure is answered too, as b2_error_json() says, in its place of a batch.
///
/// *out_response is always written, is valid JSON, holds a token, and is the
/// caller's to free with b2_string_free(). out_response may not be NULL: then
/// nothing is done. Answers the status of the answer, of a batch that of the
/// lowest place that failed. A field that is not known, that is there twice, or
/// whose two spellings differ is B2_INVALID_ARGUMENT. Otherwise as
/// b2_authorize_with(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_json(request: *const c_char, out_response: *mut *mut c_char) -> b2_status {
    if out_response.is_null() {
        return b2_status::B2_INVALID_ARGUMENT;
    }
    // SAFETY: the caller's string is NULL or lives through the call.
    let answer = answer_to(unsafe { bytes(request) });
    // JSON writes a NUL as an escape, so there is none to cut the answer.
    let text =
        caught(ptr::null_mut(), || CString::new(answer.text.as_str()).map_or(ptr::null_mut(), CString::into_raw));
    // SAFETY: not NULL, and the caller vouches for the place.
    unsafe { *out_response = text };
    answer.status.into()
}

/// b2_authorize_json() into a buffer of the caller's: writes at most size
/// bytes, always ended by NUL if size > 0, and answers the length of the whole
/// answer without the NUL, as snprintf() does. The status is in the answer.
/// buffer may be NULL if size is 0. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_json_into(request: *const c_char, buffer: *mut c_char, size: usize) -> usize {
    // SAFETY: the caller's string is NULL or lives through the call.
    let answer = answer_to(unsafe { bytes(request) });
    let text = answer.text.as_bytes();
    if size > 0 && !buffer.is_null() {
        let length = text.len().min(size - 1);
        // SAFETY: the caller's buffer has `size` bytes, and `length` is less.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, length);
            *buffer.add(length) = 0;
        }
    }
    text.len()
}

/// Wipes and frees what b2_authorize_json() answered. NULL is fine. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: the string came from CString::into_raw, and the caller gives it up.
        unsafe { CString::from_raw(string) }.zeroize();
    }
}

fn answer_to(request: &[u8]) -> Answer {
    caught(None, || {
        init::ensure();
        Some(json::answer(process::shared(), process::WORLD, request))
    })
    .unwrap_or_else(|| {
        let error = Error::caught();
        Answer { status: Status::InternalError, text: error.to_json().into() }
    })
}
