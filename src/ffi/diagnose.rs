use std::ffi::{CString, c_char};
use std::ptr;

use super::boundary::{bytes, catch_panic};
use super::options::{OptionsRef, b2_options};
use super::status::b2_status;
use crate::api::diagnose::{Report, diagnose};
use crate::diag::error::Status;
use crate::process;

/// Walks the way to B2 step by step, for a "test connection" button: where the
/// key comes from and what it looks like, the environment, realm, proxy, CA
/// certificates, name look-up, connect by each address family, TLS, the clock
/// against the server's, B2's verdict, what the key may do, and the token's
/// life. key_id, key and options are those of b2_authorize_with().
///
/// The report is one JSON object: version, startedAt, durationMs, result,
/// status (what b2_authorize_with() would return now), requests, error (as
/// b2_error_json() has it, or null) and steps, an array in the order above.
/// Each step has name, result ("ok", "warning", "failed" or "skipped"),
/// summary, advice (or null), durationMs (or null) and details. A step may get
/// more details in later versions, and a report more steps. No part of it
/// contains a key, a token, a Basic header or the user part of a URL.
///
/// It sends one authorize request at most, in one attempt, and neither reads
/// nor writes the cache; the rate limit counts it. Without a key, everything
/// before that request is still tried. Where a host has addresses of both
/// families, the one that a call would not use is tried too, for at most 2
/// seconds.
///
/// With the option diagnose at "store" or "purge", it looks through the token
/// store instead, needs no key and sends nothing to B2: the report has the one
/// step store, whose details are place, records, bytes, dead, removed, whole and
/// entries, and purge removes the dead ones. B2_INVALID_ARGUMENT if no store is
/// set, B2_STORE_ERROR if it cannot be used.
///
/// *out_report is always written. Caller frees with b2_string_free(). If
/// out_report is NULL, nothing is done. Returns the status in the report:
/// B2_OK also if there are warnings. May block, at most for the option
/// total_timeout_ms; a cancel ends it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_diagnose_json(
    key_id: *const c_char,
    key: *const c_char,
    options: Option<&b2_options>,
    out_report: *mut *mut c_char,
) -> b2_status {
    if out_report.is_null() {
        return Status::InvalidArgument;
    }
    let report = catch_panic(None, || {
        // SAFETY: the caller's strings are NULL or valid during the call.
        let (key_id, key) = unsafe { (bytes(key_id), bytes(key)) };
        Some(diagnose(process::runtime(), key_id, key, &OptionsRef::read(options)))
    });
    let report = report.unwrap_or_else(Report::from_panic);
    // JSON escapes a NUL, so there is none in the text.
    let text = || CString::new(report.to_json()).map_or(ptr::null_mut(), CString::into_raw);
    // SAFETY: not NULL, and the caller vouches for the place.
    unsafe { *out_report = catch_panic(ptr::null_mut(), text) };
    report.status
}
