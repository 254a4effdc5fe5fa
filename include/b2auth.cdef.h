/* The declarations of b2auth.h alone, for FFIs without a preprocessor. Written by packaging/cdef.sh. */

typedef enum {
    B2_OK = 0,
    B2_INVALID_ARGUMENT = 1,
    B2_NO_CREDENTIALS = 2,
    B2_BAD_CREDENTIALS = 3,
    B2_KEY_NOT_SUPPORTED = 4,
    B2_CAP_EXCEEDED = 5,
    B2_ACCESS_DENIED = 6,
    B2_RATE_LIMITED = 7,
    B2_SERVICE_UNAVAILABLE = 8,
    B2_NETWORK_ERROR = 9,
    B2_TLS_ERROR = 10,
    B2_TIMEOUT = 11,
    B2_CANCELLED = 12,
    B2_PROTOCOL_ERROR = 13,
    B2_STORE_ERROR = 14,
    B2_INTERNAL_ERROR = 15,
    B2_STATUS_MAX_ENUM = 2147483647,
} b2_status;

typedef enum {
    B2_LOG_ERROR = 1,
    B2_LOG_WARN = 2,
    B2_LOG_INFO = 3,
    B2_LOG_DEBUG = 4,
} b2_log_level;

typedef struct b2_cancel b2_cancel;

typedef struct b2_error b2_error;

typedef struct b2_options b2_options;

typedef struct b2_session b2_session;

typedef void (*b2_log_fn)(void *user_data, int level, const char *message);

const char *b2_status_name(int status);

const char *b2_status_message(int status);

b2_status b2_authorize(const char *key_id,
                       const char *key,
                       b2_session **out_session);

b2_status b2_authorize_with(const char *key_id,
                            const char *key,
                            const b2_options *options,
                            b2_session **out_session,
                            b2_error **out_error);

b2_status b2_reauthorize(const char *key_id,
                         const char *key,
                         const b2_session *rejected,
                         const b2_options *options,
                         b2_session **out_session,
                         b2_error **out_error);

b2_status b2_authorize_many(const char *const *key_ids,
                            const char *const *keys,
                            size_t count,
                            const b2_options *options,
                            b2_session **out_sessions,
                            b2_error **out_errors);

int b2_should_reauthorize(int http_status, const char *code);

int b2_should_reauthorize_body(int http_status,
                               const char *body,
                               size_t length);

b2_status b2_authorize_json(const char *request, char **out_response);

size_t b2_authorize_json_into(const char *request, char *buffer, size_t size);

void b2_string_free(char *string);

b2_status b2_diagnose_json(const char *key_id,
                           const char *key,
                           const b2_options *options,
                           char **out_report);

const char *b2_session_account_id(const b2_session *session);

const char *b2_session_key_id(const b2_session *session);

const char *b2_session_realm(const b2_session *session);

const char *b2_session_authorization_token(const b2_session *session);

const char *b2_session_api_url(const b2_session *session);

const char *b2_session_download_url(const b2_session *session);

const char *b2_session_s3_api_url(const b2_session *session);

const char *b2_session_s3_region(const b2_session *session);

uint64_t b2_session_recommended_part_size(const b2_session *session);

uint64_t b2_session_absolute_minimum_part_size(const b2_session *session);

size_t b2_session_capability_count(const b2_session *session);

const char *b2_session_capability(const b2_session *session, size_t index);

int b2_session_has_capability(const b2_session *session,
                              const char *capability);

int b2_session_is_bucket_restricted(const b2_session *session);

size_t b2_session_bucket_count(const b2_session *session);

const char *b2_session_bucket_id(const b2_session *session, size_t index);

const char *b2_session_bucket_name(const b2_session *session, size_t index);

const char *b2_session_name_prefix(const b2_session *session);

int64_t b2_session_expires_at(const b2_session *session);

int64_t b2_session_key_expires_at(const b2_session *session);

int64_t b2_session_seconds_left(const b2_session *session);

const char *b2_session_json(const b2_session *session);

void b2_session_invalidate(const b2_session *session);

b2_session *b2_session_retain(const b2_session *session);

void b2_session_free(b2_session *session);

b2_status b2_error_status(const b2_error *error);

const char *b2_error_message(const b2_error *error);

const char *b2_error_hint(const b2_error *error);

const char *b2_error_code(const b2_error *error);

int b2_error_http_status(const b2_error *error);

int b2_error_is_retryable(const b2_error *error);

int64_t b2_error_retry_after_ms(const b2_error *error);

uint32_t b2_error_attempts(const b2_error *error);

const char *b2_error_request_id(const b2_error *error);

const char *b2_error_json(const b2_error *error);

b2_error *b2_error_retain(const b2_error *error);

void b2_error_free(b2_error *error);

b2_options *b2_options_new(void);

b2_status b2_options_set(b2_options *options,
                         const char *name,
                         const char *value,
                         b2_error **out_error);

b2_options *b2_options_copy(const b2_options *options);

void b2_options_set_cancel(b2_options *options, b2_cancel *cancel);

void b2_options_free(b2_options *options);

void b2_options_set_log(b2_options *options,
                        b2_log_fn log,
                        void *user_data,
                        void (*release)(void *user_data));

b2_cancel *b2_cancel_new(void);

void b2_cancel_trigger(b2_cancel *cancel);

int b2_cancel_is_triggered(const b2_cancel *cancel);

void b2_cancel_free(b2_cancel *cancel);

void b2_cache_clear(void);

uint64_t b2_counter(const char *name);

const char *b2_library_version(void);

uint32_t b2_abi_version(void);
