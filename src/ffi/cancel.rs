use std::ffi::c_int;

use crate::ports::cancel::Cancel;

/// A flag that ends calls early. Once triggered it stays triggered.
pub struct b2_cancel {
    pub(super) cancel: Cancel,
}

/// Makes a cancel. Attach it to options with b2_options_set_cancel(). Caller
/// frees with b2_cancel_free(). Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn b2_cancel_new() -> *mut b2_cancel {
    Box::into_raw(Box::new(b2_cancel { cancel: Cancel::new() }))
}

/// Ends every call that uses this cancel, now and later: each returns
/// B2_CANCELLED within 250 ms. NULL is ignored. Any thread, and the only
/// function of this library that a signal handler may call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_cancel_trigger(cancel: *mut b2_cancel) {
    // SAFETY: the caller's handle is NULL or valid. Not `&mut`: other threads may use it.
    if let Some(handle) = unsafe { cancel.as_ref() } {
        handle.cancel.trigger();
    }
}

/// Returns 1 once b2_cancel_trigger() was called, else 0. 0 for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_cancel_is_triggered(cancel: Option<&b2_cancel>) -> c_int {
    c_int::from(cancel.is_some_and(|handle| handle.cancel.is_triggered()))
}

/// Frees the caller's reference; options that use this cancel keep theirs.
/// NULL is ignored. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_cancel_free(cancel: Option<Box<b2_cancel>>) {
    drop(cancel);
}
