//! Out-parameters: a session or an error is written, never both.

use std::ptr;
use std::sync::Arc;

use super::boundary::catch_panic;
use super::error::b2_error;
use super::session::b2_session;
use super::status::b2_status;
use crate::diag::error::Error;
use crate::model::session::Session;

/// Runs a call that makes a session, and writes a session or an error.
///
/// # Safety
/// Each pointer is NULL or a place for one pointer.
#[inline(always)]
pub(super) unsafe fn run(
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
    work: impl FnOnce() -> Result<Arc<Session>, Error>,
) -> b2_status {
    // SAFETY: the caller vouches for both places.
    unsafe {
        clear(out_session);
        clear(out_error);
    }
    if out_session.is_null() {
        // SAFETY: as above.
        return unsafe { write_error(out_error, Error::invalid("out_session is NULL")) };
    }
    let result = catch_panic(Err(None), || work().map_err(Some)).map_err(|e| e.unwrap_or_else(Error::from_panic));
    // SAFETY: as above.
    unsafe { write_result(result, out_session, out_error) }
}

/// Writes a session or an error into places that are NULL so far.
///
/// # Safety
/// Each pointer is NULL or a place for one pointer.
#[inline(always)]
pub(super) unsafe fn write_result(
    result: Result<Arc<Session>, Error>,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the caller vouches for both places.
    unsafe {
        match result {
            Ok(session) => {
                *out_session = b2_session::into_raw(session);
                b2_status::Ok
            }
            Err(error) => write_error(out_error, error),
        }
    }
}

/// Runs a call that can only succeed or fail.
///
/// # Safety
/// `out_error` is NULL or a place for one pointer.
pub(super) unsafe fn run_unit(out_error: *mut *mut b2_error, work: impl FnOnce() -> Result<(), Error>) -> b2_status {
    // SAFETY: the caller vouches for the place.
    unsafe { clear(out_error) };
    match catch_panic(Err(None), || work().map_err(Some)) {
        Ok(()) => b2_status::Ok,
        // SAFETY: as above.
        Err(error) => unsafe { write_error(out_error, error.unwrap_or_else(Error::from_panic)) },
    }
}

/// # Safety
/// `out_error` is NULL or a place for one pointer.
#[cold]
unsafe fn write_error(out_error: *mut *mut b2_error, error: Error) -> b2_status {
    let status = error.status();
    if !out_error.is_null() {
        // SAFETY: not NULL, and the caller vouches for the place.
        unsafe { *out_error = catch_panic(ptr::null_mut(), || b2_error::into_raw(error)) };
    }
    status
}

/// # Safety
/// `place` is NULL or a place for one pointer.
pub(super) unsafe fn clear<T>(place: *mut *mut T) {
    if !place.is_null() {
        // SAFETY: not NULL, and the caller vouches for the place.
        unsafe { *place = ptr::null_mut() };
    }
}
