use std::ffi::{CString, c_char, c_int, c_void};

use super::boundary::catch_panic;
use super::options::b2_options;
use crate::diag::log::{Level, Log};
use crate::platform::thread::CancellationDisabled;

/// A log function of the caller's. level is one of b2_log_level; message is
/// one line of UTF-8 that is valid during the call, and contains no key and no
/// token.
pub type b2_log_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, level: c_int, message: *const c_char)>;

/// The function that a host gave, with its data.
struct LogCallback {
    function: unsafe extern "C" fn(*mut c_void, c_int, *const c_char),
    user_data: UserData,
}

/// A host's data, and how to release it.
struct UserData {
    pointer: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header says that the functions run on any thread that is inside a call, one at a time.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            let _uncancellable = CancellationDisabled::new();
            // SAFETY: the host gave the two for each other, and this is the one time.
            unsafe { release(self.pointer) };
        }
    }
}

impl LogCallback {
    fn call(&self, level: Level, message: &str) {
        // Messages are printable lines, so none contains a NUL.
        let Ok(message) = CString::new(message) else { return };
        // SAFETY: the host gave the two for each other, and the message is valid during the call.
        unsafe { (self.function)(self.user_data.pointer, level as c_int, message.as_ptr()) };
    }
}

/// Sets the function that gets the log of every call made with these options:
/// cache hits and misses, refreshes, requests, responses, waits and their
/// reasons, and the source of the key, never its value. The option log_level
/// selects how much.
///
/// log is called from whichever thread is running a call. Calls to it are
/// serialised per options object and its copies, so a message may arrive on
/// another call's thread, and the last messages of a busy moment may arrive
/// with the next call. The callback may call this library; messages logged by
/// such a call are queued and delivered after the callback returns. Do not
/// start a call for every message: that never ends. If the callback is too
/// slow, messages beyond 1024 are dropped, the least important first; the
/// next message says how many, and the counter log_dropped counts them. The
/// callback must not throw or longjmp.
///
/// user_data may be NULL. release(user_data), unless NULL, is called once:
/// when the last options that use this log are freed or given another, and
/// every call with them has ended. log == NULL stops logging. If options or
/// log is NULL, release(user_data) is called immediately. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set_log(
    options: *mut b2_options,
    log: b2_log_fn,
    user_data: *mut c_void,
    release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) {
    let user_data = UserData { pointer: user_data, release };
    // SAFETY: the caller's handle is NULL or valid.
    let Some(options) = (unsafe { options.as_ref() }) else { return };
    catch_panic((), || {
        let log = log.map(|function| {
            let callback = LogCallback { function, user_data };
            Log::new(Box::new(move |level, message| callback.call(level, message)))
        });
        // The old log is dropped outside the lock: its release function is the host's, and may call this library.
        let old = options.change(|options| std::mem::replace(&mut options.log, log));
        drop(old);
    });
}
