use std::ffi::{CStr, c_char};

use super::boundary::{bytes, caught};
use crate::process;
use crate::process::init;

/// The version of this border. It grows with every addition, so a program that
/// needs a function added in version N can ask whether b2_abi_version() is at
/// least N.
pub const B2_ABI_VERSION: u32 = 1;

/// Drops and wipes every cached token and forgets every remembered refusal.
/// Live sessions stay as they are; what is in the air is handed out, but not
/// kept. The budget of authorize requests, and a wait that B2 asked for, stay.
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_cache_clear() {
    caught((), || {
        init::ensure();
        process::shared().clear();
    });
}

/// How often something happened since the process began: cache_hits,
/// cache_misses, coalesced, requests, retries, rate_waits, stale_served,
/// negative_hits, store_hits. 0 for a name it does not know, and for NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_counter(name: *const c_char) -> u64 {
    // SAFETY: the caller's string is NULL or lives through the call.
    let name = unsafe { bytes(name) };
    let count = || {
        let name = std::str::from_utf8(name).ok()?;
        process::shared().lock().counters.by_name(name)
    };
    caught(None, count).unwrap_or(0)
}

/// The library's version, such as "0.1.0". Static, never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_library_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("Cargo's version holds no NUL"),
    };
    VERSION.as_ptr()
}

/// Equals B2_ABI_VERSION of the header that the library was built with. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_abi_version() -> u32 {
    B2_ABI_VERSION
}
