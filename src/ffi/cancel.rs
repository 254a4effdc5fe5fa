use std::ffi::c_int;

use crate::ports::cancel::Cancel;

/// A flag that ends calls early. Once triggered it stays triggered.
pub struct b2_cancel {
    pub(super) cancel: Cancel,
}

/// Makes a cancel, the caller's to free. Attach it with
/// b2_options_set_cancel(). Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn b2_cancel_new() -> *mut b2_cancel {
    Box::into_raw(Box::new(b2_cancel { cancel: Cancel::new() }))
}

/// Ends every call that holds this cancel, now and later: they answer
/// B2_CANCELLED within 250 ms. Any thread, and the only function of this
/// library that a signal handler may call. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_cancel_trigger(cancel: *mut b2_cancel) {
    // SAFETY: the caller's handle is NULL or lives.
    if let Some(handle) = unsafe { cancel.as_ref() } {
        handle.cancel.trigger();
    }
}

/// 1 once b2_cancel_trigger() was called, else 0. 0 for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_cancel_is_triggered(cancel: *const b2_cancel) -> c_int {
    // SAFETY: the caller's handle is NULL or lives.
    c_int::from(unsafe { cancel.as_ref() }.is_some_and(|handle| handle.cancel.is_triggered()))
}

/// Frees the caller's reference; options that hold this cancel keep theirs.
/// NULL is fine. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_cancel_free(cancel: *mut b2_cancel) {
    if !cancel.is_null() {
        // SAFETY: the handle came from Box::into_raw, and the caller gives it up.
        drop(unsafe { Box::from_raw(cancel) });
    }
}
