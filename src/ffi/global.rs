use std::ffi::{CStr, c_char};

use super::boundary::{bytes, catch_panic};
use crate::api::rust;

/// The version of this interface. It grows with every addition: a program that
/// needs a function added in version N can check that b2_abi_version() is at
/// least N.
pub const B2_ABI_VERSION: u32 = 2;

/// Drops and wipes every cached token, and forgets every remembered refusal.
/// Sessions that the caller holds stay valid; requests in flight are returned
/// to their callers, but not cached. The rate limit, and a wait that B2 asked
/// for, stay. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_cache_clear() {
    catch_panic((), rust::cache_clear);
}

/// Returns how often something happened since the process began. Names:
/// cache_hits, cache_misses, coalesced, requests, retries, rate_waits,
/// stale_served, negative_hits, store_hits, store_errors, log_dropped. 0 for an unknown
/// name, and for NULL. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_counter(name: *const c_char) -> u64 {
    // SAFETY: the caller's string is NULL or valid during the call.
    let name = unsafe { bytes(name) };
    catch_panic(None, || rust::counter(str::from_utf8(name).ok()?)).unwrap_or(0)
}

/// Returns the library's version, such as "0.1.0". Static, never NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_library_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("Cargo's version contains no NUL"),
    };
    VERSION.as_ptr()
}

/// Returns the B2_ABI_VERSION of the header that the library was built with.
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_abi_version() -> u32 {
    B2_ABI_VERSION
}
