use std::cell::UnsafeCell;
use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use once_cell::race::OnceBox;

use super::boundary::{bytes, catch_panic};
use super::cancel::b2_cancel;
use super::error::b2_error;
use super::out_params;
use super::status::b2_status;
use crate::diag::error::Error;
use crate::options::{HANDLES, Options};
use crate::process::init;

/// The options of calls. Any thread may set or use them: a call reads them
/// once, at entry.
pub struct b2_options {
    /// Guarded by [`HANDLES`].
    current: UnsafeCell<Arc<Options>>,
}

impl b2_options {
    fn into_raw(options: Arc<Options>) -> *mut Self {
        Box::into_raw(Box::new(Self { current: UnsafeCell::new(options) }))
    }

    fn snapshot(&self) -> Arc<Options> {
        let _guard = HANDLES.lock();
        // SAFETY: the guard is held, so nobody writes.
        Arc::clone(unsafe { &*self.current.get() })
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Options) -> T) -> T {
        let _guard = HANDLES.lock();
        // SAFETY: the guard is held, so nobody else reads or writes.
        change(Arc::make_mut(unsafe { &mut *self.current.get() }))
    }
}

/// The options of one call: borrowed defaults, or a snapshot of the caller's.
pub(super) enum OptionsRef {
    Default(&'static Options),
    Snapshot(Arc<Options>),
}

impl OptionsRef {
    /// Reads a caller's options. The defaults of calls without any are made once, at the first such call.
    #[inline(always)]
    pub(super) fn read(handle: Option<&b2_options>) -> Self {
        static DEFAULT: OnceBox<Options> = OnceBox::new();
        match handle {
            Some(handle) => Self::Snapshot(handle.snapshot()),
            None => Self::Default(DEFAULT.get_or_init(|| Box::new(Options::new()))),
        }
    }
}

impl std::ops::Deref for OptionsRef {
    type Target = Options;

    fn deref(&self) -> &Options {
        match self {
            Self::Default(options) => options,
            Self::Snapshot(options) => options,
        }
    }
}

/// Makes options with the defaults. Caller frees with b2_options_free(). The
/// environment variable B2_ENVIRONMENT is read here. Returns NULL only if the
/// library has a bug. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn b2_options_new() -> *mut b2_options {
    catch_panic(ptr::null_mut(), || {
        init::ensure();
        b2_options::into_raw(Arc::new(Options::new()))
    })
}

/// Sets one option by its name. NULL or "" as the value restores the default.
/// name and value are borrowed for the call.
///
/// {options}
///
/// Returns B2_INVALID_ARGUMENT for an unknown name or an invalid value; the
/// options are then unchanged, and *out_error says what is wrong. Caller frees
/// it with b2_error_free(); out_error may be NULL. B2_STORE_ERROR likewise for
/// a store that this build has no engine for. Any thread; calls in progress
/// keep what they read at entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set(
    options: *mut b2_options,
    name: *const c_char,
    value: *const c_char,
    out_error: *mut *mut b2_error,
) -> b2_status {
    let work = || {
        // SAFETY: the caller's handle is NULL or valid during the call.
        let options = unsafe { options.as_ref() }.ok_or_else(|| Error::invalid("options is NULL"))?;
        // SAFETY: the caller's strings are NULL or valid during the call.
        let (name, text) = unsafe { (bytes(name), bytes(value)) };
        let name = str::from_utf8(name).map_err(|_| Error::invalid("the option's name is not UTF-8"))?;
        let text = str::from_utf8(text).map_err(|_| Error::invalid("the option's value is not UTF-8"))?;
        options.change(|options| options.set(name, (!value.is_null()).then_some(text)))
    };
    // SAFETY: the caller's place is NULL or a place for one pointer.
    unsafe { out_params::run_unit(out_error, work) }
}

/// Makes an independent copy, which shares the log and the cancel. Caller
/// frees with b2_options_free(). Returns NULL for NULL. Any thread.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn b2_options_copy(options: Option<&b2_options>) -> *mut b2_options {
    let Some(options) = options else { return ptr::null_mut() };
    catch_panic(ptr::null_mut(), || b2_options::into_raw(options.snapshot()))
}

/// Lets a cancel end every call made with these options; they keep a reference
/// of their own. NULL detaches it. Nothing happens if options is NULL. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn b2_options_set_cancel(options: *mut b2_options, cancel: *mut b2_cancel) {
    // SAFETY: the caller's handles are NULL or valid.
    let (options, cancel) = unsafe { (options.as_ref(), cancel.as_ref()) };
    if let Some(options) = options {
        let cancel = cancel.map(|handle| handle.cancel.clone());
        catch_panic((), || options.change(|options| options.set_cancel(cancel)));
    }
}

/// Frees options; calls in progress with them continue. NULL is ignored. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn b2_options_free(options: Option<Box<b2_options>>) {
    // The last reference to a log releases the host's data.
    catch_panic((), || drop(options));
}
