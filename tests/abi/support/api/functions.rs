//! The functions of the C ABI as the header declares them.

use std::ffi::{c_char, c_int, c_void};

pub type Handle = *mut c_void;
pub type Text = *const c_char;
pub type LogFn = unsafe extern "C" fn(Handle, c_int, Text);
pub type ReleaseFn = unsafe extern "C" fn(Handle);

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of one loaded library, by their names in the header.
        pub struct Functions { $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Functions {
            pub(super) fn load(library: &libloading::Library) -> Self {
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
    b2_should_reauthorize_body: fn(c_int, Text, usize) -> c_int;
    b2_diagnose_json: fn(Text, Text, Handle, *mut *mut c_char) -> c_int;
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
    b2_error_retain: fn(Handle) -> Handle;
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
