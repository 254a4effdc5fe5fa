//! Functions once more by the only calling convention that VB6 and 32-bit VBA know. Not in the header: a C compiler needs none
//! of them.

use std::ffi::c_char;

/// [`super::json::b2_authorize_json_into`].
///
/// # Safety
///
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "stdcall" fn b2_authorize_json_into_stdcall(
    request: *const c_char,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: what the caller promises is the same.
    unsafe { super::json::b2_authorize_json_into(request, buffer, size) }
}

/// [`super::global::b2_library_version`].
#[unsafe(no_mangle)]
pub extern "stdcall" fn b2_library_version_stdcall() -> *const c_char {
    super::global::b2_library_version()
}

/// [`super::global::b2_cache_clear`].
#[unsafe(no_mangle)]
pub extern "stdcall" fn b2_cache_clear_stdcall() {
    super::global::b2_cache_clear();
}
