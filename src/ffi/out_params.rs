//! How a call ends: a session or an error is handed out, never both.

use std::ptr;
use std::sync::Arc;

use super::boundary::caught;
use super::error::b2_error;
use super::session::b2_session;
use super::status::b2_status;
use crate::diag::error::Error;
use crate::model::session::Session;

/// Runs a call that makes a session, and hands out a session or an error,
/// never both.
///
/// # Safety
/// Each pointer is NULL or a place for one pointer.
pub(super) unsafe fn session(
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
        return unsafe { refuse(out_error, Error::invalid("out_session is NULL")) };
    }
    let outcome = caught(Err(None), || work().map_err(Some)).map_err(|error| error.unwrap_or_else(Error::caught));
    // SAFETY: as above.
    unsafe { place(outcome, out_session, out_error) }
}

/// Hands out a session or an error, never both.
///
/// # Safety
/// Each pointer is NULL or a place for one pointer.
pub(super) unsafe fn place(
    outcome: Result<Arc<Session>, Error>,
    out_session: *mut *mut b2_session,
    out_error: *mut *mut b2_error,
) -> b2_status {
    // SAFETY: the caller vouches for both places.
    unsafe {
        clear(out_session);
        clear(out_error);
        match outcome {
            Ok(session) => {
                *out_session = b2_session::hand_out(session);
                b2_status::B2_OK
            }
            Err(error) => refuse(out_error, error),
        }
    }
}

/// Runs a call that can only succeed or fail.
///
/// # Safety
/// `out_error` is NULL or a place for one pointer.
pub(super) unsafe fn done(out_error: *mut *mut b2_error, work: impl FnOnce() -> Result<(), Error>) -> b2_status {
    // SAFETY: the caller vouches for the place.
    unsafe { clear(out_error) };
    match caught(Err(None), || work().map_err(Some)) {
        Ok(()) => b2_status::B2_OK,
        // SAFETY: as above.
        Err(error) => unsafe { refuse(out_error, error.unwrap_or_else(Error::caught)) },
    }
}

/// # Safety
/// `out_error` is NULL or a place for one pointer.
unsafe fn refuse(out_error: *mut *mut b2_error, error: Error) -> b2_status {
    let status = error.status().into();
    if !out_error.is_null() {
        // SAFETY: not NULL, and the caller vouches for the place.
        unsafe { *out_error = caught(ptr::null_mut(), || b2_error::hand_out(error)) };
    }
    status
}

/// # Safety
/// `place` is NULL or a place for one pointer.
unsafe fn clear<T>(place: *mut *mut T) {
    if !place.is_null() {
        // SAFETY: not NULL, and the caller vouches for the place.
        unsafe { *place = ptr::null_mut() };
    }
}
