use std::ffi::{c_char, c_int};
use std::ptr;

use super::boundary::{bytes, caught};
use super::error::b2_error;
use super::options::{self, b2_options};
use super::out_params;
use super::session::b2_session;
use super::status::b2_status;
use crate::api::batch::{self, Pace, Place};
use crate::authorize::call::Ask;
use crate::authorize::{self, Wish};
use crate::diag::error::Error;
use crate::process;
use crate::process::init;

/// Turns an application key into a session: from the cache if a good token is
/// there, else by one request to B2's b2_authorize_account (version 4: GET
/// with HTTP Basic), with retries.
///
/// key_id and key are borrowed for the call and not kept. Blank (NULL, "" or
/// white space) for both means: take B2_APPLICATION_KEY_ID and
/// B2_APPLICATION_KEY from the environment; if neither is set, the key in the
/// database of the b2 command-line tool, where "b2 account authorize" left it.
/// A key_id with a blank key: the same places, but only that very key. White
/// space around either is dropped.
///
/// The database is the one that the b2 tool would use: of the option profile,
/// else the option account_info, else $B2_ACCOUNT_INFO, else
/// ~/.b2_account_info, else $XDG_CONFIG_HOME/b2/account_info (by default
/// ~/.config/b2/account_info). Its realm counts unless the option realm or
/// $B2_ENVIRONMENT names one. It is read, never written, and not opened again
/// before it has changed or B2 has to be asked. If there is none, or if it is
/// locked, damaged or empty, that is B2_NO_CREDENTIALS, and the error of
/// b2_authorize_with() names each place and what is wrong with it.
///
/// On success *out_session is the caller's to free with b2_session_free(); on
/// failure it is NULL. For what went wrong in words, call b2_authorize_with().
/// Answers any status but B2_STORE_ERROR. May block, by default for 60 seconds
/// at most. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize(
    key_id: *const c_char,
    key: *const c_char,
    out_session: *mut *mut b2_session,
) -> b2_status {
    // SAFETY: the same pointers under the same promises.
    unsafe { b2_authorize_with(key_id, key, ptr::null(), out_session, ptr::null_mut()) }
}

/// b2_authorize() with options, and with an error that says what happened and
/// what to do.
///
/// options may be NULL for the defaults; they are read once, at entry. On
/// failure *out_error is the caller's to free with b2_error_free(); on success
/// it is NULL. out_error may be NULL.
///
/// A token past 70 to 80 % of its life is refreshed by the call that finds it
/// so, in one attempt of at most 5 seconds; if that fails, the call succeeds
/// with the token that is still good. Calls for one key that meet share one
/// request and its verdict. Answers any status but B2_STORE_ERROR. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_with(
    key_id: *const c_char,
    key: *const c_char,
    options: *const b2_options,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the same pointers under the same promises.
    unsafe { obtain(key_id, key, false, ptr::null(), options, out_session, out_error) }
}

/// Explicit re-authorization, after B2 refused a session's token or at will.
///
/// rejected is the session whose token B2 refused: that token is never handed
/// out again, and if the cache already holds a newer one for this key, that is
/// answered without a request, so a thousand threads whose calls were refused
/// together cause one request. A session of another key counts as none
/// refused, and the call is a plain b2_authorize_with(). rejected == NULL:
/// always ask B2, or join a request already in the air. rejected is borrowed:
/// the caller still frees it.
///
/// Remembered refusals are passed by. Otherwise as b2_authorize_with(). Any
/// thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_reauthorize(
    key_id: *const c_char,
    key: *const c_char,
    rejected: *const b2_session,
    options: *const b2_options,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the same pointers under the same promises.
    unsafe { obtain(key_id, key, true, rejected, options, out_session, out_error) }
}

/// # Safety
/// As the functions above: strings end with NUL, handles live through the
/// call, places hold a pointer each.
unsafe fn obtain(
    key_id: *const c_char,
    key: *const c_char,
    anew: bool,
    rejected: *const b2_session,
    options: *const b2_options,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    let work = || {
        // SAFETY: the caller's strings and handles live through the call.
        let (key_id, key, options) = unsafe { (bytes(key_id), bytes(key), options::read(options)) };
        // SAFETY: as above.
        let ask = match unsafe { b2_session::read(rejected) } {
            Some(session) => Ask::After(session),
            None if anew => Ask::Anew,
            None => Ask::AsOptionsSay,
        };
        init::ensure();
        let wish = Wish { key_id, key, options: &options, ask, until_ms: None };
        authorize::authorize(process::shared(), process::WORLD, &wish)
    };
    // SAFETY: the caller's places hold a pointer each.
    unsafe { out_params::session(out_session, out_error, work) }
}

/// Many at once. key_ids and keys are arrays of count strings, each as in
/// b2_authorize(); up to the option concurrency requests are in the air
/// together, on threads that end before the call does. Equal places share one
/// outcome, and cached ones cost no request.
///
/// out_sessions, an array of count places, and out_errors, one too or NULL, are
/// the caller's to free place by place: each place gets a session and no error,
/// or an error and no session. A key that fails spoils its own place only. The
/// option batch_timeout_ms, or a cancel, ends the whole call, and each place
/// that was not done gets an error that says so.
///
/// Answers B2_OK if every place got a session, else the status of the lowest
/// place that did not. With count 0 nothing is read and the answer is B2_OK;
/// otherwise B2_INVALID_ARGUMENT if key_ids, keys or out_sessions is NULL. Any
/// thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_many(
    key_ids: *const *const c_char,
    keys: *const *const c_char,
    count: usize,
    options: *const b2_options,
    out_sessions: *mut *mut b2_session,
    out_errors: *mut *mut b2_error,
) -> b2_status {
    let mut lowest = b2_status::B2_OK;
    // SAFETY: the caller's arrays have `count` places, or are NULL.
    let mut outcomes = unsafe { many(key_ids, keys, count, options, out_sessions) }.into_iter();
    for index in 0..count {
        // Whatever went wrong, every place is told.
        let result = outcomes.next().unwrap_or_else(|| Err(Error::caught()));
        // SAFETY: the caller's arrays have `count` places, or are NULL.
        let status = unsafe { out_params::place(result, nth(out_sessions, index), nth(out_errors, index)) };
        if lowest == b2_status::B2_OK {
            lowest = status;
        }
    }
    lowest
}

/// # Safety
/// The arrays have `count` places, or are NULL.
unsafe fn many(
    key_ids: *const *const c_char,
    keys: *const *const c_char,
    count: usize,
    options: *const b2_options,
    out_sessions: *mut *mut b2_session,
) -> Vec<batch::Outcome> {
    let missing = [("key_ids", key_ids.is_null()), ("keys", keys.is_null()), ("out_sessions", out_sessions.is_null())];
    if let Some((name, _)) = missing.into_iter().find(|(_, is_null)| *is_null) {
        let refused = || Err(Error::invalid(format!("{name} is NULL")));
        return caught(Vec::new(), || std::iter::repeat_with(refused).take(count).collect());
    }
    caught(Vec::new(), || {
        init::ensure();
        // SAFETY: the caller's handle is NULL or lives.
        let options = unsafe { options::read(options) };
        let places: Vec<_> = (0..count)
            .map(|index| {
                // SAFETY: both arrays have `count` places, and their strings live through the call.
                let (key_id, key) = unsafe { (bytes(*key_ids.add(index)), bytes(*keys.add(index))) };
                Place { key_id, key, options: &options }
            })
            .collect();
        let pace = Pace { concurrency: options.concurrency, timeout: options.batch_timeout };
        batch::authorize_many(process::shared(), process::WORLD, &places, pace)
    })
}

/// The place at an index of an array; NULL if there is no array.
///
/// # Safety
/// The array is NULL or has a place at `index`.
unsafe fn nth<T>(array: *mut *mut T, index: usize) -> *mut *mut T {
    // SAFETY: the caller vouches for the place.
    if array.is_null() { array } else { unsafe { array.add(index) } }
}

/// After B2 refused a call of the caller's own: 1 if a new token is the cure,
/// that is for 401 with the code bad_auth_token, expired_auth_token (the two
/// after which B2's integration checklist has b2_authorize_account called
/// again), or none (code NULL or blank), else 0. Any other 401 says that the
/// key may not do this, which no new token changes. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_should_reauthorize(http_status: c_int, code: *const c_char) -> c_int {
    // SAFETY: the caller's string lives through the call.
    let code = unsafe { bytes(code) }.trim_ascii();
    let cured = http_status == 401 && matches!(code, b"" | b"bad_auth_token" | b"expired_auth_token");
    c_int::from(cured)
}
