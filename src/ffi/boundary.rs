//! What every crossing has in common: pointers read, panics caught.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// The bytes of a C string; none for NULL.
///
/// # Safety
/// `text` is NULL, or ends with a NUL and stays unchanged for `'a`.
pub(super) unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The pointer that a getter answers.
pub(super) fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Runs `work`; a panic in it is answered by `fallback`.
pub(super) fn caught<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(fallback)
}
