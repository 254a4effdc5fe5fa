'use strict';
// Finds and loads the shared library, and states the types of its functions.

const fs = require('node:fs');
const path = require('node:path');
const koffi = require('koffi');

// What this package needs of the library: B2_ABI_VERSION of the header that it was written against.
const ABI_VERSION = 2;

// koffi runs an asynchronous call on a stack that it allocates. A call of the library uses up to 96 KiB of it, and koffi
// provides 128, which leaves little margin. It can be set only before the first library is loaded.
const STACK_NEEDED = 128 * 1024;
const STACK_WANTED = 512 * 1024;

function platform() {
  const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}${musl ? 'musl' : ''}-${process.arch}`;
}

const NAMES = {
  darwin: ['libb2auth.dylib', 'libb2auth.0.dylib'],
  win32: ['b2auth.dll', 'b2auth.dll'],
};

/** B2AUTH_LIBRARY, else what the package brings, else what the system's loader finds. */
function where() {
  if (process.env.B2AUTH_LIBRARY) return process.env.B2AUTH_LIBRARY;
  const [file, name] = NAMES[process.platform] ?? ['libb2auth.so', 'libb2auth.so.0'];
  const prebuilt = path.join(__dirname, '..', 'prebuilds', platform(), file);
  return fs.existsSync(prebuilt) ? prebuilt : name;
}

function load() {
  try {
    if (koffi.config().async_stack_size < STACK_WANTED) koffi.config({ async_stack_size: STACK_WANTED });
  } catch (error) {
    const size = koffi.config().async_stack_size;
    if (size < STACK_NEEDED) throw new Error(`koffi was configured with an async_stack_size of ${size}; b2auth needs ${STACK_NEEDED}`);
  }
  const file = where();
  try {
    return koffi.load(file);
  } catch (error) {
    throw new Error(
      `libb2auth could not be loaded for ${platform()} from ${file}: ${error.message}; ` +
        'install it, or set B2AUTH_LIBRARY to the path of the shared library'
    );
  }
}

const library = load();
koffi.proto('void b2_log_fn(uintptr_t user_data, int level, const char *message)');

// As in include/b2auth.h, with handles as addresses; test/library.test.js holds it against the header.
const FUNCTIONS = `
  uint32_t b2_abi_version()
  const char *b2_status_name(int status)
  const char *b2_status_message(int status)
  int b2_authorize_with(const char *key_id, const char *key, void *options, _Out_ void **out_session, _Out_ void **out_error)
  int b2_reauthorize(const char *key_id, const char *key, void *rejected, void *options, _Out_ void **out_session, _Out_ void **out_error)
  int b2_authorize_many(const char **key_ids, const char **keys, size_t count, void *options, _Out_ void **out_sessions, _Out_ void **out_errors)
  int b2_should_reauthorize(int http_status, const char *code)
  int b2_authorize_json(const char *request, _Out_ void **out_response)
  int b2_diagnose_json(const char *key_id, const char *key, void *options, _Out_ void **out_report)
  void b2_string_free(void *string)
  const char *b2_session_account_id(void *session)
  const char *b2_session_key_id(void *session)
  const char *b2_session_realm(void *session)
  const char *b2_session_authorization_token(void *session)
  const char *b2_session_api_url(void *session)
  const char *b2_session_download_url(void *session)
  const char *b2_session_s3_api_url(void *session)
  const char *b2_session_s3_region(void *session)
  uint64_t b2_session_recommended_part_size(void *session)
  uint64_t b2_session_absolute_minimum_part_size(void *session)
  size_t b2_session_capability_count(void *session)
  const char *b2_session_capability(void *session, size_t index)
  int b2_session_is_bucket_restricted(void *session)
  size_t b2_session_bucket_count(void *session)
  const char *b2_session_bucket_id(void *session, size_t index)
  const char *b2_session_bucket_name(void *session, size_t index)
  const char *b2_session_name_prefix(void *session)
  int64_t b2_session_expires_at(void *session)
  int64_t b2_session_key_expires_at(void *session)
  int64_t b2_session_seconds_left(void *session)
  const char *b2_session_json(void *session)
  void b2_session_invalidate(void *session)
  void *b2_session_retain(void *session)
  void b2_session_free(void *session)
  int b2_error_status(void *error)
  const char *b2_error_message(void *error)
  const char *b2_error_hint(void *error)
  const char *b2_error_code(void *error)
  int b2_error_http_status(void *error)
  int b2_error_is_retryable(void *error)
  int64_t b2_error_retry_after_ms(void *error)
  uint32_t b2_error_attempts(void *error)
  const char *b2_error_request_id(void *error)
  const char *b2_error_json(void *error)
  void b2_error_free(void *error)
  void *b2_options_new()
  int b2_options_set(void *options, const char *name, const char *value, _Out_ void **out_error)
  void b2_options_set_log(void *options, b2_log_fn *log, uintptr_t user_data, void *release)
  void b2_options_set_cancel(void *options, void *cancel)
  void b2_options_free(void *options)
  void *b2_cancel_new()
  void b2_cancel_trigger(void *cancel)
  void b2_cancel_free(void *cancel)
  void b2_cache_clear()
  uint64_t b2_counter(const char *name)
  const char *b2_library_version()
`.trim().split(/\n\s*/);

/** The functions of the library by their names without b2_. */
const b2 = {};
for (const declaration of FUNCTIONS) {
  const [, name] = declaration.match(/\bb2_(\w+)\(/);
  b2[name] = library.func(declaration);
  // It is the first: an older library lacks some of the others.
  if (name === 'abi_version' && b2.abi_version() < ABI_VERSION) {
    throw new Error(`libb2auth is too old: ABI version ${b2.abi_version()}, needed ${ABI_VERSION}`);
  }
}

/** The text at an address that is not a plain `const char *` result. */
const textAt = (address) => koffi.decode(address, 'char', -1);

/** A callback that the library's threads may call for as long as this thread lives. */
const logCallback = (log) => koffi.register(log, 'b2_log_fn *');

module.exports = { b2, ABI_VERSION, FUNCTIONS, textAt, logCallback, platform };
