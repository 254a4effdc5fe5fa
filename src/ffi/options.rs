use std::cell::UnsafeCell;
use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use once_cell::race::OnceBox;

use super::boundary::{bytes, caught};
use super::cancel::b2_cancel;
use super::error::b2_error;
use super::out_params;
use super::status::b2_status;
use crate::diag::error::Error;
use crate::options::{HANDLES, Options};
use crate::platform::sync;
use crate::process::init;

/// The choices of a call. Any thread may set or use it: a call reads it once,
/// at entry.
pub struct b2_options {
    /// Guarded by [`HANDLES`].
    current: UnsafeCell<Arc<Options>>,
}

impl b2_options {
    fn hand_out(options: Arc<Options>) -> *mut Self {
        Box::into_raw(Box::new(Self { current: UnsafeCell::new(options) }))
    }

    fn snapshot(&self) -> Arc<Options> {
        let _guard = sync::lock(&HANDLES);
        // SAFETY: the guard is held, so nobody writes.
        Arc::clone(unsafe { &*self.current.get() })
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Options) -> T) -> T {
        let _guard = sync::lock(&HANDLES);
        // SAFETY: the guard is held, so nobody else reads or writes.
        change(Arc::make_mut(unsafe { &mut *self.current.get() }))
    }
}

/// The options of one call: borrowed defaults, or a snapshot of the caller's.
pub(super) enum Chosen {
    Default(&'static Options),
    Given(Arc<Options>),
}

impl std::ops::Deref for Chosen {
    type Target = Options;

    fn deref(&self) -> &Options {
        match self {
            Self::Default(options) => options,
            Self::Given(options) => options,
        }
    }
}

/// Reads a caller's options. The defaults of a call without any are made once,
/// at the first such call.
///
/// # Safety
/// `handle` is NULL, or came from `hand_out` and lives through the call.
pub(super) unsafe fn read(handle: *const b2_options) -> Chosen {
    static DEFAULT: OnceBox<Options> = OnceBox::new();
    // SAFETY: the caller vouches for the handle.
    match unsafe { handle.as_ref() } {
        Some(handle) => Chosen::Given(handle.snapshot()),
        None => Chosen::Default(DEFAULT.get_or_init(|| Box::new(Options::new()))),
    }
}

/// Makes options with the defaults, the caller's to free. The realm that
/// B2_ENVIRONMENT names is read here. NULL only if the library has a bug. Any
/// thread.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn b2_options_new() -> *mut b2_options {
    caught(ptr::null_mut(), || {
        init::ensure();
        b2_options::hand_out(Arc::new(Options::new()))
    })
}

/// Sets one option by its name. NULL or "" as a value puts the default back.
/// name and value are borrowed for the call.
///
///   name                   value                         default
///   realm                  production, staging, or a     $B2_ENVIRONMENT,
///                          base URL: https, or http to   else production
///                          a loopback address
///   profile                a profile of the b2 tool      none
///   account_info           the path of its database      $B2_ACCOUNT_INFO
///   cache                  use, refresh, bypass          use
///   min_remaining_s        0 to 82800                    300
///   store                  none                          none
///   max_attempts           1 to 5                        5
///   initial_backoff_ms     1 to 60000                    1000
///   max_backoff_ms         1 to 64000                    16000
///   connect_timeout_ms     1 to 600000                   5000
///   attempt_timeout_ms     1 to 600000                   15000
///   total_timeout_ms       0 (no bound) to 3600000       60000
///   batch_timeout_ms       0 (no bound) to 86400000      0
///   negative_ttl_s         0 to 3600                     10
///   rate_limit_per_minute  0 (no limit) to 6000          20
///   proxy                  env, none, or a URL: http,    env
///                          https, socks5
///   ca_file                a PEM file, trusted besides   none
///                          the system's roots
///   user_agent             product/version, put before   none
///                          the library's own
///   concurrency            1 to 64                       8
///   fields                 action, all                   action
///
/// Answers B2_INVALID_ARGUMENT, with an error that is the caller's to free,
/// for an unknown name (the hint says the nearest known one) and for a value
/// out of range; the options are then as before. out_error may be NULL. Any
/// thread; calls under way keep what they read at entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set(
    options: *mut b2_options,
    name: *const c_char,
    value: *const c_char,
    out_error: *mut *mut b2_error,
) -> b2_status {
    let work = || {
        // SAFETY: the caller's handle is NULL or lives through the call.
        let options = unsafe { options.as_ref() }.ok_or_else(|| Error::invalid("options is NULL"))?;
        // SAFETY: the caller's strings are NULL or live through the call.
        let (name, given) = unsafe { (bytes(name), bytes(value)) };
        let name = str::from_utf8(name).map_err(|_| Error::invalid("the option's name is not UTF-8"))?;
        let given = str::from_utf8(given).map_err(|_| Error::invalid("the option's value is not UTF-8"))?;
        options.change(|options| options.set(name, (!value.is_null()).then_some(given)))
    };
    // SAFETY: the caller's place is NULL or holds a pointer.
    unsafe { out_params::done(out_error, work) }
}

/// A copy of its own, the caller's to free; it shares the log and the cancel. NULL for
/// NULL. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_copy(options: *const b2_options) -> *mut b2_options {
    // SAFETY: the caller's handle is NULL or lives.
    let Some(options) = (unsafe { options.as_ref() }) else { return ptr::null_mut() };
    caught(ptr::null_mut(), || b2_options::hand_out(options.snapshot()))
}

/// Lets a cancel end every call made with these options; they keep a reference
/// of their own. NULL detaches it. Nothing happens for NULL options. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set_cancel(options: *mut b2_options, cancel: *mut b2_cancel) {
    // SAFETY: the caller's handles are NULL or live.
    let (options, cancel) = unsafe { (options.as_ref(), cancel.as_ref()) };
    if let Some(options) = options {
        caught((), || options.change(|options| options.set_cancel(cancel.map(|handle| handle.cancel.clone()))));
    }
}

/// Frees options; calls under way with them go on. NULL is fine. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_free(options: *mut b2_options) {
    if !options.is_null() {
        // SAFETY: the handle came from Box::into_raw, and the caller gives it up.
        drop(unsafe { Box::from_raw(options) });
    }
}
