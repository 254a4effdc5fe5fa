use std::ffi::{c_char, c_int};

use crate::diag::error::Status;

/// The C enum of statuses has the numbers and the size of the Rust one: both come from one list.
pub type b2_status = Status;

/// Returns the name of a status, such as "B2_OK"; "B2_UNKNOWN" for a number
/// that this library does not know. Static, never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_status_name(status: c_int) -> *const c_char {
    Status::from_number(status).map_or(c"B2_UNKNOWN", Status::c_name).as_ptr()
}

/// Returns what a status means, in a few words of English. Static, never NULL.
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_status_message(status: c_int) -> *const c_char {
    Status::from_number(status).map_or(c"a status that this library does not know", Status::c_message).as_ptr()
}
