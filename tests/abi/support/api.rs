//! The border as a test calls it: the functions of one loaded library, and handles that free themselves.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

type Handle = *mut c_void;
type Text = *const c_char;
type LogFn = unsafe extern "C" fn(Handle, c_int, Text);
type ReleaseFn = unsafe extern "C" fn(Handle);

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $answer:ty)?;)*) => {
        /// The functions of one loaded library, by their names in the header.
        pub struct Functions { $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)* }

        impl Functions {
            fn of(library: &libloading::Library) -> Self {
                // SAFETY: the types below are those of the header.
                unsafe {
                    Self { $($name: *library.get(stringify!($name)).expect(concat!("no ", stringify!($name))),)* }
                }
            }
        }
    };
}

functions! {
    b2_authorize_with: fn(Text, Text, Handle, *mut Handle, *mut Handle) -> c_int;
    b2_reauthorize: fn(Text, Text, Handle, Handle, *mut Handle, *mut Handle) -> c_int;
    b2_should_reauthorize: fn(c_int, Text) -> c_int;
    b2_session_account_id: fn(Handle) -> Text;
    b2_session_key_id: fn(Handle) -> Text;
    b2_session_realm: fn(Handle) -> Text;
    b2_session_authorization_token: fn(Handle) -> Text;
    b2_session_api_url: fn(Handle) -> Text;
    b2_session_s3_api_url: fn(Handle) -> Text;
    b2_session_s3_region: fn(Handle) -> Text;
    b2_session_is_bucket_restricted: fn(Handle) -> c_int;
    b2_session_bucket_count: fn(Handle) -> usize;
    b2_session_bucket_id: fn(Handle, usize) -> Text;
    b2_session_bucket_name: fn(Handle, usize) -> Text;
    b2_session_has_capability: fn(Handle, Text) -> c_int;
    b2_session_name_prefix: fn(Handle) -> Text;
    b2_session_expires_at: fn(Handle) -> i64;
    b2_session_key_expires_at: fn(Handle) -> i64;
    b2_session_seconds_left: fn(Handle) -> i64;
    b2_session_json: fn(Handle) -> Text;
    b2_session_invalidate: fn(Handle);
    b2_session_retain: fn(Handle) -> Handle;
    b2_session_free: fn(Handle);
    b2_error_status: fn(Handle) -> c_int;
    b2_error_message: fn(Handle) -> Text;
    b2_error_hint: fn(Handle) -> Text;
    b2_error_code: fn(Handle) -> Text;
    b2_error_http_status: fn(Handle) -> c_int;
    b2_error_is_retryable: fn(Handle) -> c_int;
    b2_error_retry_after_ms: fn(Handle) -> i64;
    b2_error_attempts: fn(Handle) -> u32;
    b2_error_request_id: fn(Handle) -> Text;
    b2_error_json: fn(Handle) -> Text;
    b2_error_free: fn(Handle);
    b2_status_name: fn(c_int) -> Text;
    b2_options_new: fn() -> Handle;
    b2_options_set: fn(Handle, Text, Text, *mut Handle) -> c_int;
    b2_options_copy: fn(Handle) -> Handle;
    b2_options_set_cancel: fn(Handle, Handle);
    b2_options_set_log: fn(Handle, Option<LogFn>, Handle, Option<ReleaseFn>);
    b2_options_free: fn(Handle);
    b2_cancel_new: fn() -> Handle;
    b2_cancel_trigger: fn(Handle);
    b2_cancel_free: fn(Handle);
    b2_cache_clear: fn();
    b2_counter: fn(Text) -> u64;
    b2_test_turn_clock: fn(i64, i64);
    b2_test_plant_panic: fn();
    b2_test_database_reads: fn() -> u64;
    b2_session_download_url: fn(Handle) -> Text;
    b2_session_recommended_part_size: fn(Handle) -> u64;
    b2_session_absolute_minimum_part_size: fn(Handle) -> u64;
    b2_session_capability_count: fn(Handle) -> usize;
    b2_session_capability: fn(Handle, usize) -> Text;
    b2_status_message: fn(c_int) -> Text;
    b2_library_version: fn() -> Text;
    b2_authorize_many: fn(*const Text, *const Text, usize, Handle, *mut Handle, *mut Handle) -> c_int;
    b2_authorize_json: fn(Text, *mut *mut c_char) -> c_int;
    b2_authorize_json_into: fn(Text, *mut c_char, usize) -> usize;
    b2_string_free: fn(*mut c_char);
}

/// A library of its own, and what its texts must never hold.
pub struct Api {
    pub f: Functions,
    guard: Guard,
    secrets: Mutex<Vec<String>>,
}

/// Who sees to it that no error tells a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// This module, for every key that a call was given.
    Here,
    /// Whoever calls: too many keys for a list.
    Caller,
}

/// Where Cargo leaves the shared library for the tests.
pub fn beside() -> PathBuf {
    std::env::current_exe().expect("this program has a path").with_file_name("libb2auth.so")
}

/// Loads a fresh copy of the library beside this program.
pub fn load() -> &'static Api {
    load_from(&beside(), Guard::Here)
}

/// Loads a fresh copy: the loader tells libraries apart by their files, so its statics are fresh too. It is never
/// unloaded, as it would not be anyway.
pub fn load_from(built: &Path, guard: Guard) -> &'static Api {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let exe = std::env::current_exe().expect("this program has a path");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let copy: PathBuf = exe.with_file_name(format!("copy-{}-{number}.so", std::process::id()));
    std::fs::copy(built, &copy).expect("the shared library stands beside this program");
    // SAFETY: loading it registers fork handlers and nothing else.
    let library = unsafe { libloading::Library::new(&copy) }.expect("the library loads");
    std::fs::remove_file(&copy).expect("a loaded file may be removed");
    let f = Functions::of(Box::leak(Box::new(library)));
    Box::leak(Box::new(Api { f, guard, secrets: Mutex::default() }))
}

/// How a call uses b2_authorize_with() and b2_reauthorize().
pub enum Ask<'a> {
    Authorize,
    Reauthorize(Option<&'a Session>),
}

impl Api {
    pub fn call(
        &'static self,
        key_id: Option<&str>,
        key: Option<&str>,
        ask: Ask<'_>,
        options: Option<&Options>,
    ) -> Result<Session, Failure> {
        self.guard(key_id, key);
        let (key_id, key) = (key_id.map(c), key.map(c));
        let (key_id, key) = (at(key_id.as_deref()), at(key.as_deref()));
        let options = options.map_or(null_mut(), |options| options.at);
        // Not NULL before the call: the library must clear both.
        let (mut session, mut error) = (1 as Handle, 1 as Handle);
        // SAFETY: the strings and handles live through the call.
        let status = unsafe {
            match ask {
                Ask::Authorize => (self.f.b2_authorize_with)(key_id, key, options, &mut session, &mut error),
                Ask::Reauthorize(rejected) => {
                    let rejected = rejected.map_or(null_mut(), |session| session.at);
                    (self.f.b2_reauthorize)(key_id, key, rejected, options, &mut session, &mut error)
                }
            }
        };
        if status == 0 {
            assert!(!session.is_null() && error.is_null(), "success hands out a session and no error");
            Ok(Session { api: self, at: session })
        } else {
            assert!(session.is_null() && !error.is_null(), "failure hands out an error and no session");
            Err(self.failure(status, error))
        }
    }

    /// Options with these set; one that is refused fails the test.
    pub fn options(&'static self, settings: &[(&str, &str)]) -> Options {
        // SAFETY: takes nothing.
        let options = Options { api: self, at: unsafe { (self.f.b2_options_new)() } };
        for (name, value) in settings {
            options.set(name, Some(value)).unwrap_or_else(|failure| panic!("{name}={value}: {failure}"));
        }
        options
    }

    pub fn counter(&self, name: &str) -> u64 {
        let name = c(name);
        // SAFETY: the name lives through the call.
        unsafe { (self.f.b2_counter)(name.as_ptr()) }
    }

    pub fn clear(&self) {
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

    /// Lets time pass, on both clocks.
    pub fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("a short enough time");
        self.turn(ms, ms);
    }

    /// Turns each clock by that much.
    pub fn turn(&self, wall_ms: i64, boot_ms: i64) {
        // SAFETY: takes numbers.
        unsafe { (self.f.b2_test_turn_clock)(wall_ms, boot_ms) }
    }

    /// From now on no error's text may hold these.
    fn guard(&self, key_id: Option<&str>, key: Option<&str>) {
        use base64::Engine;
        if self.guard == Guard::Caller {
            return;
        }
        let Some(key) = key.map(str::trim).filter(|key| key.len() > 5) else { return };
        let pair = format!("{}:{key}", key_id.unwrap_or_default().trim());
        let mut secrets = self.secrets.lock().expect("no test panics here");
        if !secrets.iter().any(|known| known == key) {
            secrets.push(key.to_owned());
            secrets.push(base64::engine::general_purpose::STANDARD_NO_PAD.encode(pair));
        }
    }

    fn failure(&'static self, status: c_int, at: Handle) -> Failure {
        // SAFETY: the handle is an error's, and lives until it is freed below.
        let failure = unsafe {
            let f = &self.f;
            let failure = Failure {
                status,
                name: read((f.b2_status_name)(status)).expect("every status has a name"),
                message: read((f.b2_error_message)(at)).expect("every error has a message"),
                hint: read((f.b2_error_hint)(at)),
                code: read((f.b2_error_code)(at)),
                http_status: (f.b2_error_http_status)(at),
                retryable: (f.b2_error_is_retryable)(at) == 1,
                retry_after_ms: (f.b2_error_retry_after_ms)(at),
                attempts: (f.b2_error_attempts)(at),
                request_id: read((f.b2_error_request_id)(at)),
                json: serde_json::from_str(&read((f.b2_error_json)(at)).expect("every error has a log"))
                    .expect("it is JSON"),
            };
            assert_eq!((f.b2_error_status)(at), status, "the error and the call say the same");
            (f.b2_error_free)(at);
            failure
        };
        let told = format!("{failure:?} {}", failure.json);
        // The lock is let go first: who finds a secret panics, and others still have to look.
        let secrets = self.secrets.lock().expect("no test panics here").clone();
        for secret in &secrets {
            assert!(!told.contains(secret.as_str()), "a secret stands in an error: {told}");
        }
        assert!(!failure.message.contains('\n'), "a message is one line");
        failure
    }

    /// From now on no error's text may hold this.
    pub fn keep_out(&self, secret: &str) {
        self.secrets.lock().expect("no test panics here").push(secret.to_owned());
    }

    /// What a function answers in words about a number.
    pub fn words(&self, get: impl FnOnce(&Functions) -> unsafe extern "C" fn(c_int) -> Text, number: c_int) -> String {
        // SAFETY: takes a number, and answers static text.
        unsafe { read(get(&self.f)(number)) }.expect("never NULL")
    }

    /// 1 if a new token is the cure for what B2 answered.
    pub fn should_reauthorize(&self, http_status: c_int, code: Option<&str>) -> c_int {
        let code = code.map(c);
        // SAFETY: the text is NULL or lives through the call.
        unsafe { (self.f.b2_should_reauthorize)(http_status, at(code.as_deref())) }
    }

    pub fn version(&self) -> String {
        // SAFETY: takes nothing, and answers static text.
        unsafe { read((self.f.b2_library_version)()) }.expect("never NULL")
    }
}

/// A session that frees itself.
pub struct Session {
    api: &'static Api,
    at: Handle,
}

// SAFETY: the header says that any thread may read a session, and free it.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Session {
    /// What a getter of text answers.
    pub fn text(&self, get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle) -> Text) -> Option<String> {
        // SAFETY: the handle lives.
        unsafe { read(get(&self.api.f)(self.at)) }
    }

    /// What a getter of a number answers.
    pub fn number<T>(&self, get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle) -> T) -> T {
        // SAFETY: the handle lives.
        unsafe { get(&self.api.f)(self.at) }
    }

    /// What a getter of text by index answers.
    pub fn nth(
        &self,
        get: impl FnOnce(&Functions) -> unsafe extern "C" fn(Handle, usize) -> Text,
        index: usize,
    ) -> Option<String> {
        // SAFETY: the handle lives.
        unsafe { read(get(&self.api.f)(self.at, index)) }
    }

    pub fn can(&self, capability: &str) -> bool {
        let capability = c(capability);
        // SAFETY: the handle and the text live.
        unsafe { (self.api.f.b2_session_has_capability)(self.at, capability.as_ptr()) == 1 }
    }

    pub fn token(&self) -> String {
        self.text(|f| f.b2_session_authorization_token).expect("every session has a token")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text(|f| f.b2_session_json).expect("every session has JSON")).expect("it is JSON")
    }

    pub fn seconds_left(&self) -> i64 {
        self.number(|f| f.b2_session_seconds_left)
    }

    pub fn invalidate(&self) {
        // SAFETY: the handle lives.
        unsafe { (self.api.f.b2_session_invalidate)(self.at) }
    }

    /// Another reference to the same session.
    pub fn retain(&self) -> Self {
        // SAFETY: the handle lives.
        Self { api: self.api, at: unsafe { (self.api.f.b2_session_retain)(self.at) } }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.token())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_session_free)(self.at) }
    }
}

/// An error's contents, read before it was freed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: c_int,
    pub name: String,
    pub message: String,
    pub hint: Option<String>,
    pub code: Option<String>,
    pub http_status: c_int,
    pub retryable: bool,
    pub retry_after_ms: i64,
    pub attempts: u32,
    pub request_id: Option<String>,
    pub json: Value,
}

impl Failure {
    /// The waits between its attempts, in milliseconds.
    pub fn waits(&self) -> Vec<u64> {
        let attempts = self.json["error"]["attempts"].as_array().expect("a list");
        attempts.iter().map(|attempt| attempt["waitMs"].as_u64().expect("a number")).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// Options that free themselves.
pub struct Options {
    api: &'static Api,
    at: Handle,
}

// SAFETY: the header says that any thread may set, use and free options.
unsafe impl Send for Options {}
// SAFETY: as above.
unsafe impl Sync for Options {}

impl Options {
    pub fn set(&self, name: &str, value: Option<&str>) -> Result<(), Failure> {
        let (name, value) = (c(name), value.map(c));
        let mut error = 1 as Handle;
        // SAFETY: the handle and the texts live through the call.
        let status = unsafe { (self.api.f.b2_options_set)(self.at, name.as_ptr(), at(value.as_deref()), &mut error) };
        if status == 0 {
            assert!(error.is_null());
            Ok(())
        } else {
            Err(self.api.failure(status, error))
        }
    }

    /// A copy with these set besides.
    pub fn with(&self, settings: &[(&str, &str)]) -> Self {
        // SAFETY: the handle lives.
        let copy = Self { api: self.api, at: unsafe { (self.api.f.b2_options_copy)(self.at) } };
        for (name, value) in settings {
            copy.set(name, Some(value)).unwrap_or_else(|failure| panic!("{name}={value}: {failure}"));
        }
        copy
    }

    /// Has these options report to `hear`, which is dropped when the library releases it.
    pub fn set_log(&self, hear: Option<Hear>) {
        let (log, release) =
            (hear.is_some().then_some(heard as LogFn), hear.is_some().then_some(released as ReleaseFn));
        let user_data = hear.map_or(null_mut(), |hear| Box::into_raw(Box::new(hear)).cast());
        // SAFETY: the functions take what is given with them, and it lives until it is released.
        unsafe { (self.api.f.b2_options_set_log)(self.at, log, user_data, release) }
    }

    /// Lets the answer end calls made with these options.
    pub fn cancel(&self) -> Cancel {
        // SAFETY: both handles live through the calls; the options keep a reference of their own.
        unsafe {
            let at = (self.api.f.b2_cancel_new)();
            (self.api.f.b2_options_set_cancel)(self.at, at);
            Cancel { api: self.api, at }
        }
    }

    /// Lets nothing end calls made with these options.
    pub fn detach_cancel(&self) {
        // SAFETY: the handle lives, and NULL is allowed.
        unsafe { (self.api.f.b2_options_set_cancel)(self.at, null_mut()) }
    }

    /// The handle itself, for a test that keeps the rules of its life by itself.
    pub fn raw(&self) -> Handle {
        self.at
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_options_free)(self.at) }
    }
}

/// A cancel that frees itself.
pub struct Cancel {
    api: &'static Api,
    at: Handle,
}

// SAFETY: the header says that any thread may trigger and free a cancel.
unsafe impl Send for Cancel {}
// SAFETY: as above.
unsafe impl Sync for Cancel {}

impl Cancel {
    pub fn trigger(&self) {
        // SAFETY: the handle lives.
        unsafe { (self.api.f.b2_cancel_trigger)(self.at) }
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { (self.api.f.b2_cancel_free)(self.at) }
    }
}

pub fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL in a test's text")
}

fn at(text: Option<&CStr>) -> Text {
    text.map_or(null(), CStr::as_ptr)
}

/// # Safety
/// `text` is NULL, or ends with NUL and lives.
unsafe fn read(text: Text) -> Option<String> {
    // SAFETY: the caller vouches for it.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned())
}

/// A function that hears the log.
pub type Hear = Box<dyn Fn(c_int, &str) + Send + Sync>;

unsafe extern "C" fn heard(user_data: Handle, level: c_int, message: Text) {
    // SAFETY: it is what `set_log` gave, and the message lives through the call.
    let (hear, message) = unsafe { (&*user_data.cast::<Hear>(), read(message)) };
    hear(level, &message.expect("every message has a text"));
}

unsafe extern "C" fn released(user_data: Handle) {
    // SAFETY: it is what `set_log` gave, and this is the one time.
    drop(unsafe { Box::from_raw(user_data.cast::<Hear>()) });
}

/// A pair as a call gives it; `None` is NULL.
pub type Pair<'a> = (Option<&'a str>, Option<&'a str>);

impl Api {
    /// The status of a batch, and what each place got.
    pub fn many(&'static self, pairs: &[Pair<'_>], options: &Options) -> (String, Vec<Result<Session, Failure>>) {
        for (key_id, key) in pairs {
            self.guard(*key_id, *key);
        }
        let texts: Vec<_> = pairs.iter().map(|(key_id, key)| (key_id.map(c), key.map(c))).collect();
        let (key_ids, keys): (Vec<_>, Vec<_>) =
            texts.iter().map(|(key_id, key)| (at(key_id.as_deref()), at(key.as_deref()))).unzip();
        // Not NULL before the call: the library must set each place.
        let (mut sessions, mut errors) = (vec![1 as Handle; pairs.len()], vec![1 as Handle; pairs.len()]);
        // SAFETY: the arrays are of that length, and all of it lives through the call.
        let status = unsafe {
            let (out_sessions, out_errors) = (sessions.as_mut_ptr(), errors.as_mut_ptr());
            (self.f.b2_authorize_many)(
                key_ids.as_ptr(),
                keys.as_ptr(),
                pairs.len(),
                options.at,
                out_sessions,
                out_errors,
            )
        };
        let places: Vec<_> = sessions
            .into_iter()
            .zip(errors)
            .map(|(session, error)| {
                assert_ne!(session.is_null(), error.is_null(), "each place has a session or an error");
                if error.is_null() {
                    return Ok(Session { api: self, at: session });
                }
                // SAFETY: the error lives.
                Err(self.failure(unsafe { (self.f.b2_error_status)(error) }, error))
            })
            .collect();
        let lowest = places.iter().find_map(|place| place.as_ref().err()).map_or(0, |failure| failure.status);
        assert_eq!(status, lowest, "a batch answers the status of the lowest place that failed");
        (self.words(|f| f.b2_status_name, status), places)
    }

    /// The answer of the JSON action as it was written, and its status. NULL for `None`.
    pub fn action_text(&self, request: Option<&CStr>) -> (String, String) {
        let mut out: *mut c_char = std::ptr::dangling_mut();
        // SAFETY: the request lives through the call, and the answer until it is freed.
        let (status, text) = unsafe {
            let status = (self.f.b2_authorize_json)(at(request), &mut out);
            let text = read(out).expect("there always is an answer, and it is UTF-8");
            (self.f.b2_string_free)(out);
            (status, text)
        };
        (self.words(|f| f.b2_status_name, status), text)
    }

    /// The answer of the JSON action, whose status the call told too.
    pub fn action(&self, request: &str) -> Value {
        let (status, text) = self.action_text(Some(&c(request)));
        let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
        let one = std::slice::from_ref(&answer);
        let errors = answer.as_array().map_or(one, Vec::as_slice).iter().filter_map(|place| place.get("error"));
        let lowest = errors.clone().next().map_or("B2_OK", |error| error["status"].as_str().expect("a name"));
        assert_eq!(status, lowest, "{answer}");
        for error in errors {
            let told = error.to_string();
            for secret in self.secrets.lock().expect("no test panics here").iter() {
                assert!(!told.contains(secret.as_str()), "a secret stands in an error: {told}");
            }
        }
        answer
    }

    /// What the action writes into a buffer of that size, which stands in the middle of `guard` bytes, and the length
    /// that it answers.
    pub fn action_into(&self, request: &str, size: usize) -> (Vec<u8>, usize) {
        const GUARD: u8 = 0xa5;
        let request = c(request);
        let mut room = vec![GUARD; 16 + size + 16];
        // SAFETY: the buffer has that many bytes, and the request lives through the call.
        let length =
            unsafe { (self.f.b2_authorize_json_into)(request.as_ptr(), room.as_mut_ptr().add(16).cast(), size) };
        let (before, rest) = room.split_at(16);
        let (buffer, after) = rest.split_at(size);
        assert!(before.iter().chain(after).all(|byte| *byte == GUARD), "it wrote past the buffer of {size}");
        (buffer.to_vec(), length)
    }
}
