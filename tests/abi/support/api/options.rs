//! Options, log handlers and cancels.

use std::ffi::c_int;
use std::ptr::null_mut;

use super::functions::{Handle, LogFn, ReleaseFn, Text};
use super::{Api, Failure, as_ptr, c_string, read};

/// Options that free themselves.
pub struct Options {
    api: &'static Api,
    handle: Handle,
}

// SAFETY: the header says that any thread may set, use and free options.
unsafe impl Send for Options {}
// SAFETY: as above.
unsafe impl Sync for Options {}

impl Options {
    pub(super) fn new(api: &'static Api, settings: &[(&str, &str)]) -> Self {
        // SAFETY: takes nothing.
        Self { api, handle: unsafe { (api.f.b2_options_new)() } }.set_all(settings)
    }

    pub fn set(&self, name: &str, value: Option<&str>) -> Result<(), Failure> {
        let (name, value) = (c_string(name), value.map(c_string));
        let mut error = 1 as Handle;
        // SAFETY: the handle and the texts live through the call.
        let status =
            unsafe { (self.api.f.b2_options_set)(self.handle, name.as_ptr(), as_ptr(value.as_deref()), &mut error) };
        if status == 0 {
            assert!(error.is_null());
            Ok(())
        } else {
            Err(self.api.failure_without_secrets(status, error))
        }
    }

    /// A copy with these settings besides.
    pub fn with(&self, settings: &[(&str, &str)]) -> Self {
        // SAFETY: the handle lives.
        Self { api: self.api, handle: unsafe { (self.api.f.b2_options_copy)(self.handle) } }.set_all(settings)
    }

    fn set_all(self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.set(name, Some(value)).unwrap_or_else(|failure| panic!("{name}={value}: {failure}"));
        }
        self
    }

    /// Makes calls with these options log to `handler`, which is dropped when the library releases it.
    pub fn set_log(&self, handler: Option<LogHandler>) {
        let log = handler.is_some().then_some(call_handler as LogFn);
        let release = handler.is_some().then_some(release_handler as ReleaseFn);
        let user_data = handler.map_or(null_mut(), |handler| Box::into_raw(Box::new(handler)).cast());
        // SAFETY: the functions take what is given with them, and it lives until it is released.
        unsafe { (self.api.f.b2_options_set_log)(self.handle, log, user_data, release) }
    }

    /// A new cancel for calls with these options.
    pub fn attach_cancel(&self) -> Cancel {
        // SAFETY: both handles live through the calls; the options keep a reference of their own.
        unsafe {
            let handle = (self.api.f.b2_cancel_new)();
            (self.api.f.b2_options_set_cancel)(self.handle, handle);
            Cancel { api: self.api, handle }
        }
    }

    pub fn detach_cancel(&self) {
        // SAFETY: the handle lives, and NULL is allowed.
        unsafe { (self.api.f.b2_options_set_cancel)(self.handle, null_mut()) }
    }

    /// The handle itself, for a test of its lifetime rules.
    pub fn raw(&self) -> Handle {
        self.handle
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_options_free)(self.handle) }
    }
}

/// A cancel that frees itself.
pub struct Cancel {
    api: &'static Api,
    handle: Handle,
}

// SAFETY: the header says that any thread may trigger and free a cancel.
unsafe impl Send for Cancel {}
// SAFETY: as above.
unsafe impl Sync for Cancel {}

impl Cancel {
    pub fn trigger(&self) {
        // SAFETY: the handle lives.
        unsafe { (self.api.f.b2_cancel_trigger)(self.handle) }
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_cancel_free)(self.handle) }
    }
}

/// A function that receives the log.
pub type LogHandler = Box<dyn Fn(c_int, &str) + Send + Sync>;

unsafe extern "C" fn call_handler(user_data: Handle, level: c_int, message: Text) {
    // SAFETY: it is what `set_log` gave, and the message lives through the call.
    let (handler, message) = unsafe { (&*user_data.cast::<LogHandler>(), read(message)) };
    handler(level, &message.expect("every message has a text"));
}

unsafe extern "C" fn release_handler(user_data: Handle) {
    // SAFETY: it is what `set_log` gave, and this is called once.
    drop(unsafe { Box::from_raw(user_data.cast::<LogHandler>()) });
}
