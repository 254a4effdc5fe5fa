use std::ffi::{c_char, c_int};
use std::ptr;

use super::boundary::{bytes, catch_panic};
use super::error::b2_error;
use super::options::{OptionsRef, b2_options};
use super::out_params;
use super::session::b2_session;
use super::status::b2_status;
use crate::api::batch::{self, BatchLimits, Item, ItemResult};
use crate::api::rust;
use crate::authorize::call::Intent;
use crate::authorize::{self, AuthorizeRequest};
use crate::diag::error::Error;
use crate::process;

/// Turns an application key into a session: from the cache if it has a good
/// token, else by one request to B2's b2_authorize_account (version 4: GET
/// with HTTP Basic authentication), with retries.
///
/// key_id and key are borrowed for the call and not kept. If both are blank
/// (NULL, "" or white space), the environment variables B2_APPLICATION_KEY_ID
/// and B2_APPLICATION_KEY are used; if neither is set, the key in the database
/// of the b2 command-line tool, where "b2 account authorize" leaves it. A
/// key_id with a blank key: the same sources, but only for that very key ID.
/// White space around either value is ignored.
///
/// The database is the one that the b2 tool would use: that of the option
/// profile, else the option account_info, else $B2_ACCOUNT_INFO, else
/// ~/.b2_account_info, else $XDG_CONFIG_HOME/b2/account_info (by default
/// ~/.config/b2/account_info). The realm stored there is used unless the
/// option realm or $B2_ENVIRONMENT is set. It is read, never written, and not
/// opened again before it has changed or B2 has to be asked. If there is none,
/// or if it is locked, damaged or empty, that is B2_NO_CREDENTIALS, and the
/// error of b2_authorize_with() names each source and what is wrong with it.
///
/// On success the caller frees *out_session with b2_session_free(); on failure
/// it is NULL. To learn what went wrong in words, call b2_authorize_with().
/// If the environment variable B2_TOKEN_STORE names a shared token store (see
/// the option store), the token is taken from there if another process has
/// left one, and left there for others.
///
/// Returns any status. May block, by default for at most 60 seconds. Any
/// thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize(
    key_id: *const c_char,
    key: *const c_char,
    out_session: *mut *mut b2_session,
) -> b2_status {
    // SAFETY: the same pointers under the same promises.
    unsafe { b2_authorize_with(key_id, key, None, out_session, ptr::null_mut()) }
}

/// b2_authorize() with options, and with an error that says what happened and
/// what to do.
///
/// options may be NULL for the defaults; they are read once, at entry. On
/// failure the caller frees *out_error with b2_error_free(); on success it is
/// NULL. out_error may be NULL.
///
/// A token past 70 to 80 % of its lifetime is refreshed by the call that finds
/// it so, in one attempt of at most 5 seconds; if that fails, the call
/// succeeds with the token that is still valid. Calls for one key at the same
/// time share one request and its result.
///
/// With the option store, processes share it too: the one that asks leaves the
/// token there, sealed under keys derived from the application key, and the
/// others wait for it and take it. A store in trouble is passed by, within 5
/// seconds and a quarter of the call's time, unless the option store_required
/// says otherwise: then that is B2_STORE_ERROR.
///
/// Returns any status. May block, at most for the option total_timeout_ms. Any
/// thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_with(
    key_id: *const c_char,
    key: *const c_char,
    options: Option<&b2_options>,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the caller's strings and places are as the header demands.
    unsafe { authorize_one(key_id, key, Intent::Authorize, options, out_session, out_error) }
}

/// Explicit re-authorization, after B2 refused a session's token or in any
/// case.
///
/// rejected is the session whose token B2 refused: that token is never
/// returned again, and if the cache already has a newer one for this key, that
/// is returned without a request. So if a thousand threads get a 401 at once
/// and all call this with their session, one request is made. If rejected
/// belongs to another key it is ignored, as if b2_authorize_with() had been
/// called. rejected == NULL: always ask B2, or join a request already in
/// flight. rejected is borrowed: the caller still frees it.
///
/// Ignores the negative cache. Otherwise as b2_authorize_with(), blocking
/// included. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_reauthorize(
    key_id: *const c_char,
    key: *const c_char,
    rejected: *const b2_session,
    options: Option<&b2_options>,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the caller's handle is NULL or valid during the call.
    let intent = unsafe { b2_session::get(rejected) }.map_or(Intent::ForceRefresh, Intent::Reauthorize);
    // SAFETY: the caller's strings and places are as the header demands.
    unsafe { authorize_one(key_id, key, intent, options, out_session, out_error) }
}

/// # Safety
/// Strings end with NUL and are valid during the call; places are NULL or places for one pointer.
unsafe fn authorize_one(
    key_id: *const c_char,
    key: *const c_char,
    intent: Intent<'_>,
    options: Option<&b2_options>,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    let work = || {
        // SAFETY: the caller's strings are valid during the call.
        let (key_id, key) = unsafe { (bytes(key_id), bytes(key)) };
        let options = OptionsRef::read(options);
        let request = AuthorizeRequest { key_id, key, options: &options, intent, batch_deadline_ms: None };
        authorize::authorize(process::runtime(), &request)
    };
    // SAFETY: the caller's places are NULL or places for one pointer.
    unsafe { out_params::run(out_session, out_error, work) }
}

/// More items than any account has keys: such a count is a mistake, and no array has so many places.
const MAX_ITEMS: usize = 1_000_000;

/// Many keys in one call. key_ids and keys are arrays of count strings, each
/// as in b2_authorize(). Up to the option concurrency requests are in flight
/// at once, on threads that end before the call does. Equal items share one
/// result, and cached ones cost no request.
///
/// out_sessions is an array of count places; out_errors is one too, or NULL.
/// Each item gets a session and no error, or an error and no session: the
/// caller frees each with b2_session_free() or b2_error_free(). A key that
/// fails affects no other. The option batch_timeout_ms, or a cancel, ends the
/// whole call, and each item that was not done gets an error that says so.
///
/// Returns B2_OK if every item got a session, else the status of the first
/// item that did not. If count is 0, nothing is read and B2_OK is returned;
/// otherwise B2_INVALID_ARGUMENT if key_ids, keys or out_sessions is NULL. If
/// count is over 1000000, B2_INVALID_ARGUMENT is returned and nothing is
/// written. May block, at most for the option batch_timeout_ms, or else for each item as
/// b2_authorize_with(). Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_authorize_many(
    key_ids: *const *const c_char,
    keys: *const *const c_char,
    count: usize,
    options: Option<&b2_options>,
    out_sessions: *mut *mut b2_session,
    out_errors: *mut *mut b2_error,
) -> b2_status {
    if count > MAX_ITEMS {
        return b2_status::InvalidArgument;
    }
    let mut first_failure = b2_status::Ok;
    // SAFETY: the caller's arrays have `count` places, or are NULL.
    let mut results = unsafe { authorize_many(key_ids, keys, count, options, out_sessions) }.into_iter();
    for index in 0..count {
        // Whatever went wrong, every item gets a result.
        let result = results.next().unwrap_or_else(|| Err(Error::from_panic()));
        // SAFETY: the caller's arrays have `count` places, or are NULL.
        let status = unsafe {
            let (out_session, out_error) = (nth(out_sessions, index), nth(out_errors, index));
            out_params::clear(out_session);
            out_params::clear(out_error);
            out_params::write_result(result, out_session, out_error)
        };
        if first_failure == b2_status::Ok {
            first_failure = status;
        }
    }
    first_failure
}

/// # Safety
/// The arrays have `count` places, or are NULL.
unsafe fn authorize_many(
    key_ids: *const *const c_char,
    keys: *const *const c_char,
    count: usize,
    options: Option<&b2_options>,
    out_sessions: *mut *mut b2_session,
) -> Vec<ItemResult> {
    let arrays = [("key_ids", key_ids.is_null()), ("keys", keys.is_null()), ("out_sessions", out_sessions.is_null())];
    if let Some((name, _)) = arrays.into_iter().find(|(_, is_null)| *is_null) {
        let refused = || Err(Error::invalid(format!("{name} is NULL")));
        return catch_panic(Vec::new(), || std::iter::repeat_with(refused).take(count).collect());
    }
    catch_panic(Vec::new(), || {
        let options = OptionsRef::read(options);
        let items: Vec<_> = (0..count)
            .map(|index| {
                // SAFETY: both arrays have `count` places, and their strings are valid during the call.
                let (key_id, key) = unsafe { (bytes(*key_ids.add(index)), bytes(*keys.add(index))) };
                Item { key_id, key, options: &options }
            })
            .collect();
        let limits = BatchLimits { concurrency: options.concurrency, timeout: options.batch_timeout };
        batch::authorize_many(process::runtime(), &items, limits)
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

/// Returns whether a new token is the cure, after B2 refused a call of the
/// caller's own: 1 for 401 with the code bad_auth_token, expired_auth_token
/// (after both of which B2's integration checklist says to call
/// b2_authorize_account again), or none (code NULL or blank); else 0. Any
/// other 401 says that the key may not do this, which no new token changes.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_should_reauthorize(http_status: c_int, code: *const c_char) -> c_int {
    // SAFETY: the caller's string is NULL or valid during the call.
    let code = str::from_utf8(unsafe { bytes(code) });
    let status = u16::try_from(http_status).unwrap_or(0);
    c_int::from(code.is_ok_and(|code| rust::should_reauthorize(status, code)))
}

/// b2_should_reauthorize() from the body of B2's response itself, of length
/// bytes: it may be cut, empty, or no JSON at all. The code is that of the
/// error object in it; a body whose code cannot be read counts as one without
/// a code. body may be NULL if length is 0. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_should_reauthorize_body(http_status: c_int, body: *const c_char, length: usize) -> c_int {
    let body: &[u8] = if body.is_null() {
        &[]
    } else {
        // SAFETY: the caller's buffer has `length` bytes, and is valid during the call.
        unsafe { std::slice::from_raw_parts(body.cast(), length) }
    };
    let status = u16::try_from(http_status).unwrap_or(0);
    c_int::from(catch_panic(false, || rust::should_reauthorize_body(status, body)))
}
