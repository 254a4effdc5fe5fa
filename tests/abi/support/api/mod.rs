//! The C ABI for tests: the functions of one loaded library, and handles that free themselves.

mod batch;
mod diagnosis;
mod failure;
mod functions;
mod options;
mod session;

use std::ffi::{CStr, CString, c_int};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use functions::{Handle, Text};

pub use batch::Pair;
pub use diagnosis::Diagnosis;
pub use failure::Failure;
pub use functions::Functions;
pub use options::{Cancel, Options};
pub use session::Session;

/// One copy of the library, and the secrets that its errors must not contain.
pub struct Api {
    pub f: Functions,
    secret_check: SecretCheck,
    secrets: Mutex<Vec<String>>,
}

/// Who checks that no error contains a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SecretCheck {
    /// Every error is checked for each key that a call was given, and for what [`Api::register_secret`] adds.
    EveryError,
    /// The caller: it has too many keys for a list.
    Caller,
}

/// Where Cargo puts the shared library for the tests.
pub fn built_library() -> PathBuf {
    std::env::current_exe().expect("this program has a path").with_file_name("libb2auth.so")
}

/// Loads a fresh copy of the library beside this program.
pub fn load() -> &'static Api {
    load_from(&built_library(), SecretCheck::EveryError)
}

/// Loads a fresh copy. The loader tells libraries apart by their files, so its statics are fresh too. It is never
/// unloaded, as the library would not be anyway.
pub fn load_from(built: &Path, secret_check: SecretCheck) -> &'static Api {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let exe = std::env::current_exe().expect("this program has a path");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let copy: PathBuf = exe.with_file_name(format!("copy-{}-{number}.so", std::process::id()));
    std::fs::copy(built, &copy).expect("the shared library is beside this program");
    // SAFETY: loading it registers fork handlers and nothing else.
    let library = unsafe { libloading::Library::new(&copy) }.expect("the library loads");
    std::fs::remove_file(&copy).expect("a loaded file may be removed");
    api_of(library, secret_check)
}

/// Loads the library itself, for a subprocess that needs one.
pub fn load_in_place() -> &'static Api {
    // SAFETY: as above.
    let library = unsafe { libloading::Library::new(built_library()) }.expect("the library loads");
    api_of(library, SecretCheck::EveryError)
}

fn api_of(library: libloading::Library, secret_check: SecretCheck) -> &'static Api {
    let f = Functions::load(Box::leak(Box::new(library)));
    Box::leak(Box::new(Api { f, secret_check, secrets: Mutex::default() }))
}

/// Which function a call uses: b2_authorize_with() or b2_reauthorize().
pub enum Operation<'a> {
    Authorize,
    Reauthorize(Option<&'a Session>),
}

impl Api {
    pub fn call(
        &'static self,
        key_id: Option<&str>,
        key: Option<&str>,
        operation: Operation<'_>,
        options: Option<&Options>,
    ) -> Result<Session, Failure> {
        self.register_key(key_id, key);
        let (key_id, key) = (key_id.map(c_string), key.map(c_string));
        let (key_id, key) = (as_ptr(key_id.as_deref()), as_ptr(key.as_deref()));
        let options = options.map_or(null_mut(), Options::raw);
        // Not NULL before the call: the library must clear both.
        let (mut session, mut error) = (1 as Handle, 1 as Handle);
        // SAFETY: the strings and handles live through the call.
        let status = unsafe {
            match operation {
                Operation::Authorize => (self.f.b2_authorize_with)(key_id, key, options, &mut session, &mut error),
                Operation::Reauthorize(rejected) => {
                    let rejected = rejected.map_or(null_mut(), Session::raw);
                    (self.f.b2_reauthorize)(key_id, key, rejected, options, &mut session, &mut error)
                }
            }
        };
        if status == 0 {
            assert!(!session.is_null() && error.is_null(), "success returns a session and no error");
            Ok(Session::from_raw(self, session))
        } else {
            assert!(session.is_null() && !error.is_null(), "failure returns an error and no session");
            Err(self.failure_without_secrets(status, error))
        }
    }

    /// Options with these settings; a refused one fails the test.
    pub fn options(&'static self, settings: &[(&str, &str)]) -> Options {
        Options::new(self, settings)
    }

    pub fn counter(&self, name: &str) -> u64 {
        let name = c_string(name);
        // SAFETY: the name lives through the call.
        unsafe { (self.f.b2_counter)(name.as_ptr()) }
    }

    pub fn clear_cache(&self) {
        // SAFETY: takes nothing.
        unsafe { (self.f.b2_cache_clear)() }
    }

    pub fn plant_panic(&self) {
        // SAFETY: takes nothing.
        unsafe { (self.f.b2_test_plant_panic)() }
    }

    /// How often a database of the b2 tool was opened.
    pub fn database_reads(&self) -> u64 {
        // SAFETY: takes nothing.
        unsafe { (self.f.b2_test_database_reads)() }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("a short enough time");
        self.shift_clocks(ms, ms);
    }

    /// Shifts the wall clock and the boot clock.
    pub fn shift_clocks(&self, wall_ms: i64, boot_ms: i64) {
        // SAFETY: takes numbers.
        unsafe { (self.f.b2_test_turn_clock)(wall_ms, boot_ms) }
    }

    /// The text that a function returns for a number.
    pub fn status_text(
        &self,
        get: impl FnOnce(&Functions) -> unsafe extern "C" fn(c_int) -> Text,
        number: c_int,
    ) -> String {
        // SAFETY: takes a number, and returns static text.
        unsafe { read(get(&self.f)(number)) }.expect("never NULL")
    }

    /// 1 if a new token fixes the failure with this status and code of B2.
    pub fn should_reauthorize(&self, http_status: c_int, code: Option<&str>) -> c_int {
        let code = code.map(c_string);
        // SAFETY: the text is NULL or lives through the call.
        unsafe { (self.f.b2_should_reauthorize)(http_status, as_ptr(code.as_deref())) }
    }

    /// The same by the body of B2's response.
    pub fn should_reauthorize_body(&self, http_status: c_int, body: &[u8]) -> c_int {
        // SAFETY: the bytes live through the call.
        unsafe { (self.f.b2_should_reauthorize_body)(http_status, body.as_ptr().cast(), body.len()) }
    }

    pub fn version(&self) -> String {
        // SAFETY: takes nothing, and returns static text.
        unsafe { read((self.f.b2_library_version)()) }.expect("never NULL")
    }
}

pub fn c_string(text: &str) -> CString {
    CString::new(text).expect("no NUL in a test's text")
}

fn as_ptr(text: Option<&CStr>) -> Text {
    text.map_or(null(), CStr::as_ptr)
}

/// # Safety
/// `text` is NULL, or ends with NUL and lives.
unsafe fn read(text: Text) -> Option<String> {
    // SAFETY: the caller vouches for it.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned())
}
