use std::ffi::{CString, c_char, c_int, c_void};

use super::boundary::caught;
use super::options::b2_options;
use crate::diag::log::{Level, Log};

/// How much a message of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum b2_log_level {
    /// A call failed.
    B2_LOG_ERROR = 1,
    /// Something went wrong that a call can live with: a wait, a retry, an old
    /// token handed out because its refresh failed.
    B2_LOG_WARN = 2,
    /// What was asked of B2, and what it answered.
    B2_LOG_INFO = 3,
    /// What was decided without asking: a cache hit, the source of the key.
    B2_LOG_DEBUG = 4,
}

/// A function of the caller's that hears the log. message is one line of
/// UTF-8, and lives through the call; it holds no key and no token.
pub type b2_log_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, level: c_int, message: *const c_char)>;

/// What a host gave with its function, and how it wants it back.
struct Listener {
    log: unsafe extern "C" fn(*mut c_void, c_int, *const c_char),
    given: Given,
}

struct Given {
    user_data: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header says that the functions run on whichever thread works for a call, one at a time.
unsafe impl Send for Given {}
// SAFETY: as above.
unsafe impl Sync for Given {}

impl Drop for Given {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the caller gave the two for each other, and this is the one time.
            unsafe { release(self.user_data) };
        }
    }
}

impl Listener {
    fn hear(&self, level: Level, message: &str) {
        // Messages are made of lines without control characters, so none holds a NUL.
        let Ok(message) = CString::new(message) else { return };
        // SAFETY: the caller gave the two for each other, and the message lives through the call.
        unsafe { (self.log)(self.given.user_data, level as c_int, message.as_ptr()) };
    }
}

/// Has every decision of a call reported to log(user_data, level, message):
/// cache hits and misses, refreshes, requests, answers, waits and their
/// reasons, and the source of the key, never its value. Each level is one of
/// b2_log_level.
///
/// log is called on the threads that work for calls, one at a time for these
/// options and their copies; a message may be told by the thread of another
/// call that is telling one already. It may call this library; what a call with
/// this very log has to say is told when log has returned, so a call for every
/// message would have no end. Of more than 1024 messages that wait for a slow
/// log the oldest are dropped. It must not throw or longjmp. user_data may be
/// NULL. release (may be NULL) is called with it once, when the last options
/// that hold this log are freed or given another, and every call with them has
/// ended.
///
/// log == NULL ends the reports. With options or log NULL, user_data has no
/// place to be kept, and is released at once. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set_log(
    options: *mut b2_options,
    log: b2_log_fn,
    user_data: *mut c_void,
    release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) {
    let given = Given { user_data, release };
    // SAFETY: the caller's handle is NULL or lives.
    let Some(options) = (unsafe { options.as_ref() }) else { return };
    caught((), || {
        let log = log.map(|log| {
            let listener = Listener { log, given };
            Log::new(Box::new(move |level, message| listener.hear(level, message)))
        });
        // The old log goes outside the lock: its release function is the host's, and may call us.
        let old = options.change(|options| std::mem::replace(&mut options.log, log));
        drop(old);
    });
}
