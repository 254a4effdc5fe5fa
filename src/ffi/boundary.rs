//! What every function of the border shares: reading strings, catching panics.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::model::c_text::CText;

/// The bytes of a C string; none for NULL.
///
/// # Safety
/// `text` is NULL, or ends with a NUL and stays unchanged for `'a`.
#[inline(always)]
pub(super) unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The pointer that a getter returns.
#[inline(always)]
pub(super) fn pointer(text: Option<&CText>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_c_str().as_ptr())
}

/// Runs `work`; if it panics, returns `fallback`.
#[inline(always)]
pub(super) fn catch_panic<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(fallback)
}
