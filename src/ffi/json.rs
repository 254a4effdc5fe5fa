use std::ffi::{CString, c_char};
use std::ptr;

use zeroize::Zeroize;

use super::boundary::{bytes, catch_panic};
use super::status::b2_status;
use crate::api::json::{self, ActionResponse};
use crate::diag::error::{Error, Status};
use crate::process;

/// The workflow action, for tools that can only pass strings. request is a
/// JSON object: keyId and key (also applicationKeyId and applicationKey), each
/// of which may be missing, null or blank, and any option by its name, as a
/// string or a number. NULL or blank means {}. An array of at most 100000 such
/// objects is a batch: the response is an array in the same order; its
/// concurrency and its batch_timeout_ms are the largest ones given.
///
/// The response to {} is {"accountId":...,"apiUrl":...,
/// "authorizationToken":...,"downloadUrl":...}; with "fields":"all" it is what
/// b2_session_json() returns. A failure has a response too, as b2_error_json()
/// returns it, in its place of a batch.
///
/// *out_response is always written, is valid JSON, and contains a token.
/// Caller frees with b2_string_free(). If out_response is NULL, nothing is
/// done. Returns the status of the response, of a batch that of the first item
/// that failed. An unknown field, the same field twice, or two spellings that
/// differ are B2_INVALID_ARGUMENT. May block. Otherwise as
/// b2_authorize_with(). Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_json(request: *const c_char, out_response: *mut *mut c_char) -> b2_status {
    if out_response.is_null() {
        return Status::InvalidArgument;
    }
    // SAFETY: the caller's string is NULL or valid during the call.
    let response = respond(unsafe { bytes(request) });
    // JSON escapes a NUL, so there is none in the text.
    let text = || CString::new(response.text.as_str()).map_or(ptr::null_mut(), CString::into_raw);
    // SAFETY: not NULL, and the caller vouches for the place.
    unsafe { *out_response = catch_panic(ptr::null_mut(), text) };
    response.status
}

/// b2_authorize_json() into a buffer of the caller's: writes at most size
/// bytes, always NUL-terminated if size > 0, and returns the length of the
/// whole response without the NUL, as snprintf() does. The status is in the
/// response. buffer may be NULL if size is 0. May block. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_json_into(request: *const c_char, buffer: *mut c_char, size: usize) -> usize {
    // SAFETY: the caller's string is NULL or valid during the call.
    let response = respond(unsafe { bytes(request) });
    let text = response.text.as_bytes();
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

/// Wipes and frees a response of b2_authorize_json(). NULL is ignored. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: the string came from CString::into_raw, and the caller gives it up.
        unsafe { CString::from_raw(string) }.zeroize();
    }
}

fn respond(request: &[u8]) -> ActionResponse {
    catch_panic(None, || Some(json::respond(process::runtime(), request))).unwrap_or_else(|| {
        let text = Error::from_panic().to_json().into();
        ActionResponse { status: Status::InternalError, text }
    })
}
