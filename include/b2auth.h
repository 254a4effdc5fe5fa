/**
 * @file b2auth.h
 * From a Backblaze B2 application key to a session: one request a day instead
 * of one a call.
 *
 * Errors     0 is B2_OK. A status number never changes its meaning; new ones
 *            are appended. Details of a failure are in a b2_error.
 * Ownership  What is returned through `**` is the caller's: pass it to its
 *            `_free`. A returned `const char *` belongs to its handle and is
 *            valid until that handle is freed. Out-parameters are set to NULL
 *            first and hold an object only on success (`out_error`: only on
 *            failure; it may be NULL).
 * NULL       Every `_free` accepts NULL, and so does every getter, which then
 *            returns NULL, 0, -1 or B2_INVALID_ARGUMENT, as documented.
 * Threads    Every function may be called from any thread at any time. A
 *            session never changes: any thread may read it until it is freed.
 * Strings    UTF-8, NUL-terminated. Times are Unix seconds, or have their
 *            unit in their name.
 *
 * Generated from the library's source by `make header`. Edits here are lost.
 */

#ifndef B2AUTH_H
#define B2AUTH_H

#include <stddef.h>
#include <stdint.h>

/** The header's version: a change of this number may break programs. */
#define B2_VERSION_MAJOR 0
/** Something was added (before 1.0: or changed). */
#define B2_VERSION_MINOR 1
/** Something was corrected. */
#define B2_VERSION_PATCH 0
/** 0xMMmmpp: a later version is a larger number. */
#define B2_VERSION_NUMBER 0x000100

/** The compiler warns if the result of such a function is ignored. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define B2_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define B2_NODISCARD __attribute__((warn_unused_result))
#elif defined(_MSC_VER)
#define B2_NODISCARD _Check_return_
#else
#define B2_NODISCARD
#endif

/**
 * The version of this interface. It grows with every addition: a program that
 * needs a function added in version N can check that b2_abi_version() is at
 * least N.
 */
#define B2_ABI_VERSION 2

/**
 * The result of a call. 0 is success. Numbers are permanent: new ones are
 * appended, none is changed, so a program built with an old header may receive
 * a number that it does not know.
 */
#ifdef __cplusplus
typedef enum : int {
#else
typedef enum {
#endif
    /** Success. */
    B2_OK = 0,
    /**
     * A NULL out-parameter, an unknown option, a value out of range, a key
     * with an invalid character, a broken JSON request, a CA file that cannot
     * be used, or an invalid proxy in the environment.
     */
    B2_INVALID_ARGUMENT = 1,
    /**
     * No key was given, and no default source has one. The message names every
     * source that was tried.
     */
    B2_NO_CREDENTIALS = 2,
    /** B2 refused the key (401). */
    B2_BAD_CREDENTIALS = 3,
    /**
     * The key is valid, but this version of B2's API does not serve it (401
     * unsupported, or a 400 that says so).
     */
    B2_KEY_NOT_SUPPORTED = 4,
    /**
     * A spending or storage cap of the account is exceeded (403 or 400 with a
     * code that ends in cap_exceeded).
     */
    B2_CAP_EXCEEDED = 5,
    /** Any other 403. */
    B2_ACCESS_DENIED = 6,
    /**
     * 429 after the last attempt, or a wait for the local rate limit or for
     * B2's Retry-After that could not end before the deadline.
     */
    B2_RATE_LIMITED = 7,
    /** 408 or 5xx after the last attempt (501: after the first). */
    B2_SERVICE_UNAVAILABLE = 8,
    /**
     * Name look-up, connect, reset, early close; a proxy that refused; no file
     * descriptor or thread left.
     */
    B2_NETWORK_ERROR = 9,
    /** A certificate or the TLS handshake. Never retried. */
    B2_TLS_ERROR = 10,
    /**
     * The last attempt ran out of time (connecting included), or the whole
     * call did during an attempt.
     */
    B2_TIMEOUT = 11,
    /**
     * The caller's cancel was triggered, even if the session was in the cache.
     */
    B2_CANCELLED = 12,
    /**
     * The response is not what B2 documents: not JSON, a field missing or of
     * the wrong type, too large, a redirect, or any other HTTP status.
     */
    B2_PROTOCOL_ERROR = 13,
    /**
     * The token store cannot be used, and the option store_required says that
     * B2 is not asked then; or this build or system has no engine for it.
     */
    B2_STORE_ERROR = 14,
    /** A bug in this library, caught. */
    B2_INTERNAL_ERROR = 15,
#ifndef __cplusplus
    /** Not a status: reserves the enum's range for those to come. */
    B2_STATUS_MAX_ENUM = 2147483647,
#endif
} b2_status;
#ifdef __cplusplus
/** Not a status: reserves the enum's range for those to come. */
static const b2_status B2_STATUS_MAX_ENUM = static_cast<b2_status>(2147483647);
#endif

/** How important a log message is. */
typedef enum {
    /** A call failed. */
    B2_LOG_ERROR = 1,
    /**
     * Something went wrong that the call survives: a wait, a retry, an old
     * token returned because its refresh failed.
     */
    B2_LOG_WARN = 2,
    /** What was asked of B2, and what it returned. */
    B2_LOG_INFO = 3,
    /** What was decided without asking: a cache hit, the source of the key. */
    B2_LOG_DEBUG = 4,
} b2_log_level;

/** A flag that ends calls early. Once triggered it stays triggered. */
typedef struct b2_cancel b2_cancel;

/**
 * Why one call failed. Immutable and reference-counted: any thread may read
 * it. No part of it contains a key, a token, a Basic header or the user part
 * of a URL.
 */
typedef struct b2_error b2_error;

/**
 * The options of calls. Any thread may set or use them: a call reads them
 * once, at entry.
 */
typedef struct b2_options b2_options;

/**
 * What B2 granted: an immutable, reference-counted snapshot. Any thread may
 * read it; a refresh makes a new one, and this one stays readable until it is
 * freed.
 */
typedef struct b2_session b2_session;

/**
 * A log function of the caller's. level is one of b2_log_level; message is one
 * line of UTF-8 that is valid during the call, and contains no key and no
 * token.
 */
typedef void (*b2_log_fn)(void *user_data, int level, const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * @defgroup status Statuses
 * Names and texts for what a call returned.
 * @{
 */

/**
 * Returns the name of a status, such as "B2_OK"; "B2_UNKNOWN" for a number
 * that this library does not know. Static, never NULL. Any thread.
 */
const char *b2_status_name(int status);

/**
 * Returns what a status means, in a few words of English. Static, never NULL.
 * Any thread.
 */
const char *b2_status_message(int status);

/** @} */

/**
 * @defgroup authorize Authorizing
 * From an application key to a session.
 * @{
 */

/**
 * Turns an application key into a session: from the cache if it has a good
 * token, else by one request to B2's b2_authorize_account (version 4: GET with
 * HTTP Basic authentication), with retries.
 *
 * key_id and key are borrowed for the call and not kept. If both are blank
 * (NULL, "" or white space), the environment variables B2_APPLICATION_KEY_ID
 * and B2_APPLICATION_KEY are used; if neither is set, the key in the database
 * of the b2 command-line tool, where "b2 account authorize" leaves it. A
 * key_id with a blank key: the same sources, but only for that very key ID.
 * White space around either value is ignored.
 *
 * The database is the one that the b2 tool would use: that of the option
 * profile, else the option account_info, else $B2_ACCOUNT_INFO, else
 * ~/.b2_account_info, else $XDG_CONFIG_HOME/b2/account_info (by default
 * ~/.config/b2/account_info). The realm stored there is used unless the option
 * realm or $B2_ENVIRONMENT is set. It is read, never written, and not opened
 * again before it has changed or B2 has to be asked. If there is none, or if
 * it is locked, damaged or empty, that is B2_NO_CREDENTIALS, and the error of
 * b2_authorize_with() names each source and what is wrong with it.
 *
 * On success the caller frees *out_session with b2_session_free(); on failure
 * it is NULL. To learn what went wrong in words, call b2_authorize_with(). If
 * the environment variable B2_TOKEN_STORE names a shared token store (see the
 * option store), the token is taken from there if another process has left
 * one, and left there for others.
 *
 * Returns any status. May block, by default for at most 60 seconds. Any
 * thread.
 */
B2_NODISCARD
b2_status b2_authorize(const char *key_id,
                       const char *key,
                       b2_session **out_session);

/**
 * b2_authorize() with options, and with an error that says what happened and
 * what to do.
 *
 * options may be NULL for the defaults; they are read once, at entry. On
 * failure the caller frees *out_error with b2_error_free(); on success it is
 * NULL. out_error may be NULL.
 *
 * A token past 70 to 80 % of its lifetime is refreshed by the call that finds
 * it so, in one attempt of at most 5 seconds; if that fails, the call succeeds
 * with the token that is still valid. Calls for one key at the same time share
 * one request and its result.
 *
 * With the option store, processes share it too: the one that asks leaves the
 * token there, sealed under keys derived from the application key, and the
 * others wait for it and take it. A store in trouble is passed by, within 5
 * seconds and a quarter of the call's time, unless the option store_required
 * says otherwise: then that is B2_STORE_ERROR.
 *
 * Returns any status. May block, at most for the option total_timeout_ms. Any
 * thread.
 */
B2_NODISCARD
b2_status b2_authorize_with(const char *key_id,
                            const char *key,
                            const b2_options *options,
                            b2_session **out_session,
                            b2_error **out_error);

/**
 * Explicit re-authorization, after B2 refused a session's token or in any
 * case.
 *
 * rejected is the session whose token B2 refused: that token is never returned
 * again, and if the cache already has a newer one for this key, that is
 * returned without a request. So if a thousand threads get a 401 at once and
 * all call this with their session, one request is made. If rejected belongs
 * to another key it is ignored, as if b2_authorize_with() had been called.
 * rejected == NULL: always ask B2, or join a request already in flight.
 * rejected is borrowed: the caller still frees it.
 *
 * Ignores the negative cache. Otherwise as b2_authorize_with(), blocking
 * included. Any thread.
 */
B2_NODISCARD
b2_status b2_reauthorize(const char *key_id,
                         const char *key,
                         const b2_session *rejected,
                         const b2_options *options,
                         b2_session **out_session,
                         b2_error **out_error);

/**
 * Many keys in one call. key_ids and keys are arrays of count strings, each as
 * in b2_authorize(). Up to the option concurrency requests are in flight at
 * once, on threads that end before the call does. Equal items share one
 * result, and cached ones cost no request.
 *
 * out_sessions is an array of count places; out_errors is one too, or NULL.
 * Each item gets a session and no error, or an error and no session: the
 * caller frees each with b2_session_free() or b2_error_free(). A key that
 * fails affects no other. The option batch_timeout_ms, or a cancel, ends the
 * whole call, and each item that was not done gets an error that says so.
 *
 * Returns B2_OK if every item got a session, else the status of the first item
 * that did not. If count is 0, nothing is read and B2_OK is returned;
 * otherwise B2_INVALID_ARGUMENT if key_ids, keys or out_sessions is NULL. If
 * count is over 1000000, B2_INVALID_ARGUMENT is returned and nothing is
 * written. May block, at most for the option batch_timeout_ms, or else for
 * each item as b2_authorize_with(). Any thread.
 */
B2_NODISCARD
b2_status b2_authorize_many(const char *const *key_ids,
                            const char *const *keys,
                            size_t count,
                            const b2_options *options,
                            b2_session **out_sessions,
                            b2_error **out_errors);

/**
 * Returns whether a new token is the cure, after B2 refused a call of the
 * caller's own: 1 for 401 with the code bad_auth_token, expired_auth_token
 * (after both of which B2's integration checklist says to call
 * b2_authorize_account again), or none (code NULL or blank); else 0. Any other
 * 401 says that the key may not do this, which no new token changes. Any
 * thread.
 */
int b2_should_reauthorize(int http_status, const char *code);

/**
 * b2_should_reauthorize() from the body of B2's response itself, of length
 * bytes: it may be cut, empty, or no JSON at all. The code is that of the
 * error object in it; a body whose code cannot be read counts as one without a
 * code. body may be NULL if length is 0. Any thread.
 */
int b2_should_reauthorize_body(int http_status,
                               const char *body,
                               size_t length);

/** @} */

/**
 * @defgroup json JSON
 * The same for tools that can only pass strings.
 * @{
 */

/**
 * The workflow action, for tools that can only pass strings. request is a JSON
 * object: keyId and key (also applicationKeyId and applicationKey), each of
 * which may be missing, null or blank, and any option by its name, as a string
 * or a number. NULL or blank means {}. An array of at most 100000 such objects
 * is a batch: the response is an array in the same order; its concurrency and
 * its batch_timeout_ms are the largest ones given.
 *
 * The response to {} is {"accountId":...,"apiUrl":...,
 * "authorizationToken":...,"downloadUrl":...}; with "fields":"all" it is what
 * b2_session_json() returns. A failure has a response too, as b2_error_json()
 * returns it, in its place of a batch.
 *
 * *out_response is always written, is valid JSON, and contains a token. Caller
 * frees with b2_string_free(). If out_response is NULL, nothing is done.
 * Returns the status of the response, of a batch that of the first item that
 * failed. An unknown field, the same field twice, or two spellings that differ
 * are B2_INVALID_ARGUMENT. May block. Otherwise as b2_authorize_with(). Any
 * thread.
 */
b2_status b2_authorize_json(const char *request, char **out_response);

/**
 * b2_authorize_json() into a buffer of the caller's: writes at most size
 * bytes, always NUL-terminated if size > 0, and returns the length of the
 * whole response without the NUL, as snprintf() does. The status is in the
 * response. buffer may be NULL if size is 0. May block. Any thread.
 */
size_t b2_authorize_json_into(const char *request, char *buffer, size_t size);

/**
 * Wipes and frees a response of b2_authorize_json(). NULL is ignored. Any
 * thread.
 */
void b2_string_free(char *string);

/** @} */

/**
 * @defgroup diagnose Diagnosis
 * Why it does not work, or that it does.
 * @{
 */

/**
 * Walks the way to B2 step by step, for a "test connection" button: where the
 * key comes from and what it looks like, the environment, realm, proxy, CA
 * certificates, name look-up, connect by each address family, TLS, the clock
 * against the server's, B2's verdict, what the key may do, and the token's
 * life. key_id, key and options are those of b2_authorize_with().
 *
 * The report is one JSON object: version, startedAt, durationMs, result,
 * status (what b2_authorize_with() would return now), requests, error (as
 * b2_error_json() has it, or null) and steps, an array in the order above.
 * Each step has name, result ("ok", "warning", "failed" or "skipped"),
 * summary, advice (or null), durationMs (or null) and details. A step may get
 * more details in later versions, and a report more steps. No part of it
 * contains a key, a token, a Basic header or the user part of a URL.
 *
 * It sends one authorize request at most, in one attempt, and neither reads
 * nor writes the cache; the rate limit counts it. Without a key, everything
 * before that request is still tried. Where a host has addresses of both
 * families, the one that a call would not use is tried too, for at most 2
 * seconds.
 *
 * With the option diagnose at "store" or "purge", it looks through the token
 * store instead, needs no key and sends nothing to B2: the report has the one
 * step store, whose details are place, records, bytes, dead, removed, whole
 * and entries, and purge removes the dead ones. B2_INVALID_ARGUMENT if no
 * store is set, B2_STORE_ERROR if it cannot be used.
 *
 * *out_report is always written. Caller frees with b2_string_free(). If
 * out_report is NULL, nothing is done. Returns the status in the report: B2_OK
 * also if there are warnings. May block, at most for the option
 * total_timeout_ms; a cancel ends it. Any thread.
 */
b2_status b2_diagnose_json(const char *key_id,
                           const char *key,
                           const b2_options *options,
                           char **out_report);

/** @} */

/**
 * @defgroup session Sessions
 * What B2 granted.
 * @{
 */

/**
 * Returns the account's ID, as B2 returned it (accountId of
 * b2_authorize_account's reply). Belongs to the session. NULL for NULL. Any
 * thread.
 */
const char *b2_session_account_id(const b2_session *session);

/**
 * Returns the key ID, as the call used it. Belongs to the session. NULL for
 * NULL. Any thread.
 */
const char *b2_session_key_id(const b2_session *session);

/**
 * Returns the realm that granted the session: a base URL, normalised. Belongs
 * to the session. NULL for NULL. Any thread.
 */
const char *b2_session_realm(const b2_session *session);

/**
 * Returns the token (authorizationToken of the reply). Send it as the complete
 * value of the Authorization header; no "Bearer" or "Basic" prefix. A secret.
 * Belongs to the session, and is wiped when its last reference is freed. NULL
 * for NULL. Any thread.
 */
const char *b2_session_authorization_token(const b2_session *session);

/**
 * Returns the base URL of all calls but uploads and downloads, without a
 * trailing slash (apiInfo.storageApi.apiUrl of the reply). Belongs to the
 * session. NULL for NULL. Any thread.
 */
const char *b2_session_api_url(const b2_session *session);

/**
 * Returns the base URL of downloads, without a trailing slash
 * (apiInfo.storageApi.downloadUrl of the reply). Belongs to the session. NULL
 * for NULL. Any thread.
 */
const char *b2_session_download_url(const b2_session *session);

/**
 * Returns the base URL of the S3-compatible API; NULL if B2 returned none
 * (apiInfo.storageApi.s3ApiUrl of the reply). Belongs to the session. NULL for
 * NULL. Any thread.
 */
const char *b2_session_s3_api_url(const b2_session *session);

/**
 * Returns the S3 region, such as "us-west-004"; NULL if the S3 URL does not
 * contain it. Belongs to the session. NULL for NULL. Any thread.
 */
const char *b2_session_s3_region(const b2_session *session);

/**
 * Returns B2's recommended size for the parts of a large file, in bytes
 * (apiInfo.storageApi.recommendedPartSize of the reply). 0 for NULL. Any
 * thread.
 */
uint64_t b2_session_recommended_part_size(const b2_session *session);

/**
 * Returns the minimum size for the parts of a large file but the last, in
 * bytes (apiInfo.storageApi.absoluteMinimumPartSize of the reply). 0 for NULL.
 * Any thread.
 */
uint64_t b2_session_absolute_minimum_part_size(const b2_session *session);

/**
 * Returns how many capabilities the key has (allowed.capabilities of the
 * reply). 0 for NULL. Any thread.
 */
size_t b2_session_capability_count(const b2_session *session);

/**
 * Returns a capability by its index, such as "readFiles". Belongs to the
 * session. NULL for NULL, and past the end. Any thread.
 */
const char *b2_session_capability(const b2_session *session, size_t index);

/**
 * Returns 1 if the key has that capability, else 0. 0 if either is NULL. Any
 * thread.
 */
int b2_session_has_capability(const b2_session *session,
                              const char *capability);

/**
 * Returns 1 if the key is restricted to some buckets (allowed.buckets of the
 * reply), even if their list is empty, else 0. -1 for NULL. Any thread.
 */
int b2_session_is_bucket_restricted(const b2_session *session);

/**
 * Returns how many buckets a restricted key may use; 0 for a key that is not
 * restricted. 0 for NULL. Any thread.
 */
size_t b2_session_bucket_count(const b2_session *session);

/**
 * Returns the ID of a bucket by its index. Belongs to the session. NULL for
 * NULL, and past the end. Any thread.
 */
const char *b2_session_bucket_id(const b2_session *session, size_t index);

/**
 * Returns the name of a bucket by its index; NULL if the bucket is gone or its
 * name is hidden from the key. Belongs to the session. NULL for NULL, and past
 * the end. Any thread.
 */
const char *b2_session_bucket_name(const b2_session *session, size_t index);

/**
 * Returns the prefix that the names of all files must have that the key may
 * use (allowed.namePrefix of the reply); NULL if there is no such restriction.
 * Belongs to the session. NULL for NULL. Any thread.
 */
const char *b2_session_name_prefix(const b2_session *session);

/**
 * Returns when the token expires, in Unix seconds: 24 hours after it was
 * requested, since B2 documents a token as valid for at most that, or with the
 * key if that is sooner. B2 may end it before. -1 for NULL. Any thread.
 */
int64_t b2_session_expires_at(const b2_session *session);

/**
 * Returns when the application key itself expires, in Unix seconds
 * (applicationKeyExpirationTimestamp of the reply, which is in milliseconds);
 * 0 for never. -1 for NULL. Any thread.
 */
int64_t b2_session_key_expires_at(const b2_session *session);

/**
 * Returns the seconds until the token expires: the smaller of the wall-clock
 * and the boot-clock value (the boot clock counts while the machine sleeps).
 * Returns 0 from 60 s before expiry on (10 % of the lifetime if that is under
 * ten minutes). -1 for NULL. Any thread.
 */
int64_t b2_session_seconds_left(const b2_session *session);

/**
 * Returns all of the above as one flat JSON object under the names of B2's v4
 * reply, with allowed{} and with expiresAt in seconds. It contains the token:
 * a secret. Belongs to the session. NULL for NULL. Any thread.
 */
const char *b2_session_json(const b2_session *session);

/**
 * Forgets this session's token: the next call for its key asks B2. Does
 * nothing if the cache has a newer one, or for NULL. A request in flight for
 * the key is returned to its callers, but not cached. The session stays
 * readable. If the token is in a shared store (the option store), it is
 * removed from there too, so that no other process takes it: that may block,
 * for at most one second. Any thread.
 */
void b2_session_invalidate(const b2_session *session);

/**
 * Returns another reference to the same session. Caller frees it with
 * b2_session_free(). NULL for NULL. Any thread.
 */
B2_NODISCARD b2_session *b2_session_retain(const b2_session *session);

/**
 * Frees one reference; with the last one the token is wiped, unless the cache
 * has it too. NULL is ignored. Any thread.
 */
void b2_session_free(b2_session *session);

/** @} */

/**
 * @defgroup error Errors
 * Why a call failed.
 * @{
 */

/**
 * Returns the status code. Branch on this, not on the message.
 * B2_INVALID_ARGUMENT for NULL. Any thread.
 */
b2_status b2_error_status(const b2_error *error);

/**
 * Returns what happened, to which host, and what B2 said, in one line of
 * UTF-8. Belongs to the error. Never NULL for an error; NULL for NULL. Any
 * thread.
 */
const char *b2_error_message(const b2_error *error);

/**
 * Returns what the person can do about it, or NULL. Belongs to the error. NULL
 * for NULL. Any thread.
 */
const char *b2_error_hint(const b2_error *error);

/**
 * Returns B2's own code, such as "bad_auth_token" (code of its error reply),
 * or NULL. Belongs to the error. NULL for NULL. Any thread.
 */
const char *b2_error_code(const b2_error *error);

/**
 * Returns the HTTP status of the last response; 0 if there was none, and for
 * NULL. Any thread.
 */
int b2_error_http_status(const b2_error *error);

/**
 * Returns 1 if the same call may succeed later, else 0. 0 for NULL. Any
 * thread.
 */
int b2_error_is_retryable(const b2_error *error);

/**
 * Returns how long to wait before calling again, in milliseconds (from B2's
 * Retry-After header, or the local rate limit); -1 if that is not known, and
 * for NULL. Any thread.
 */
int64_t b2_error_retry_after_ms(const b2_error *error);

/**
 * Returns the number of requests that this very call made: 0 if it waited for
 * another call's result, or if the failure was remembered. 0 for NULL. Any
 * thread.
 */
uint32_t b2_error_attempts(const b2_error *error);

/**
 * Returns B2's ID of the last request, from its X-Bz-Request-Id header, or
 * NULL. Belongs to the error. NULL for NULL. Any thread.
 */
const char *b2_error_request_id(const b2_error *error);

/**
 * Returns the run log: one JSON object {"error":{...}} with all of the above
 * and every attempt that led here: when it started (RFC 3339), how long it
 * took, the wait before it, HTTP status, code and request ID. Belongs to the
 * error. NULL for NULL. Any thread.
 */
const char *b2_error_json(const b2_error *error);

/**
 * Returns another reference to the same error. Caller frees it with
 * b2_error_free(). NULL for NULL. Any thread.
 */
B2_NODISCARD b2_error *b2_error_retain(const b2_error *error);

/** Frees one reference to an error. NULL is ignored. Any thread. */
void b2_error_free(b2_error *error);

/** @} */

/**
 * @defgroup options Options
 * How a call is made.
 * @{
 */

/**
 * Makes options with the defaults. Caller frees with b2_options_free(). The
 * environment variable B2_ENVIRONMENT is read here. Returns NULL only if the
 * library has a bug. Any thread.
 */
B2_NODISCARD b2_options *b2_options_new(void);

/**
 * Sets one option by its name. NULL or "" as the value restores the default.
 * name and value are borrowed for the call.
 *
 *   realm                  production, staging, or a base URL: https, or http
 *                          to a loopback address (default $B2_ENVIRONMENT,
 *                          else production). The server that grants sessions.
 *   profile                a profile of the b2 tool (default none). Which
 *                          database of the b2 command-line tool to look in for
 *                          a key.
 *   account_info           a path (default $B2_ACCOUNT_INFO, else the tool's
 *                          own). The database of the b2 tool; ~ is the home
 *                          directory.
 *   cache                  use, refresh, bypass (default use). Refresh: ask
 *                          B2, or join a request in flight, then cache;
 *                          bypass: neither read, join nor write.
 *   min_remaining_s        0 to 82800 (default 300). A cached token is
 *                          returned only if it has this much lifetime left.
 *   store                  none, file:DIR, rediss://…, redis://… to a
 *                          loopback address, or redis+unix:///PATH (default
 *                          $B2_TOKEN_STORE, else none). Where processes share
 *                          tokens.
 *   store_required         0, 1 (default 0). 1: if the store cannot be used,
 *                          the call fails with B2_STORE_ERROR and B2 is not
 *                          asked.
 *   credentials            any, given (default any). Given: only a key that
 *                          the call is given will do, and none is looked for.
 *   log_level              error, warn, info, debug (default debug). The least
 *                          important level that the log function gets.
 *   max_attempts           1 to 5 (default 5). Requests of one call.
 *   initial_backoff_ms     1 to 60000 (default 1000). The upper bound of the
 *                          first wait between attempts; it doubles.
 *   max_backoff_ms         1 to 64000 (default 16000). What the bound doubles
 *                          up to.
 *   connect_timeout_ms     1 to 600000 (default 5000). Name look-up, connect
 *                          and TLS handshake.
 *   attempt_timeout_ms     1 to 600000 (default 15000). One request, from the
 *                          name look-up to the last byte.
 *   total_timeout_ms       0 (no limit) to 3600000 (default 60000). The whole
 *                          call, waits included.
 *   batch_timeout_ms       0 (no limit) to 86400000 (default 0). A whole
 *                          b2_authorize_many(), or an array of the JSON
 *                          action.
 *   negative_ttl_s         0 to 3600 (default 10). How long a refused key is
 *                          remembered.
 *   rate_limit_per_minute  0 (no limit) to 6000 (default 20). Authorize
 *                          requests per realm and key ID; up to 5 of them at
 *                          once.
 *   proxy                  env, none, or a URL: http, https, socks5 (default
 *                          env). Env: what HTTPS_PROXY, ALL_PROXY and NO_PROXY
 *                          say; a loopback realm never has a proxy.
 *   ca_file                a PEM file (default none). CA certificates that are
 *                          trusted in addition to the system's.
 *   user_agent             product/version (default none). Put before the
 *                          library's own User-Agent.
 *   concurrency            1 to 64 (default 8). Requests in flight at once in
 *                          one batch.
 *   fields                 action, all (default action). Of the JSON action's
 *                          response: the four fields, or all that
 *                          b2_session_json() has.
 *   diagnose               all, store, purge (default all). Of
 *                          b2_diagnose_json(): the way to B2, or what is in
 *                          the token store, whose dead records purge removes.
 *
 * Returns B2_INVALID_ARGUMENT for an unknown name or an invalid value; the
 * options are then unchanged, and *out_error says what is wrong. Caller frees
 * it with b2_error_free(); out_error may be NULL. B2_STORE_ERROR likewise for
 * a store that this build has no engine for. Any thread; calls in progress
 * keep what they read at entry.
 */
b2_status b2_options_set(b2_options *options,
                         const char *name,
                         const char *value,
                         b2_error **out_error);

/**
 * Makes an independent copy, which shares the log and the cancel. Caller frees
 * with b2_options_free(). Returns NULL for NULL. Any thread.
 */
B2_NODISCARD b2_options *b2_options_copy(const b2_options *options);

/**
 * Lets a cancel end every call made with these options; they keep a reference
 * of their own. NULL detaches it. Nothing happens if options is NULL. Any
 * thread.
 */
void b2_options_set_cancel(b2_options *options, b2_cancel *cancel);

/**
 * Frees options; calls in progress with them continue. NULL is ignored. Any
 * thread.
 */
void b2_options_free(b2_options *options);

/** @} */

/**
 * @defgroup log Log
 * What a call does, as it happens.
 * @{
 */

/**
 * Sets the function that gets the log of every call made with these options:
 * cache hits and misses, refreshes, requests, responses, waits and their
 * reasons, and the source of the key, never its value. The option log_level
 * selects how much.
 *
 * log is called from whichever thread is running a call. Calls to it are
 * serialised per options object and its copies, so a message may arrive on
 * another call's thread, and the last messages of a busy moment may arrive
 * with the next call. The callback may call this library; messages logged by
 * such a call are queued and delivered after the callback returns. Do not
 * start a call for every message: that never ends. If the callback is too
 * slow, messages beyond 1024 are dropped, the least important first; the next
 * message says how many, and the counter log_dropped counts them. The callback
 * must not throw or longjmp.
 *
 * user_data may be NULL. release(user_data), unless NULL, is called once: when
 * the last options that use this log are freed or given another, and every
 * call with them has ended. log == NULL stops logging. If options or log is
 * NULL, release(user_data) is called immediately. Any thread.
 */
void b2_options_set_log(b2_options *options,
                        b2_log_fn log,
                        void *user_data,
                        void (*release)(void *user_data));

/** @} */

/**
 * @defgroup cancel Cancel
 * How a call is ended early.
 * @{
 */

/**
 * Makes a cancel. Attach it to options with b2_options_set_cancel(). Caller
 * frees with b2_cancel_free(). Any thread.
 */
B2_NODISCARD b2_cancel *b2_cancel_new(void);

/**
 * Ends every call that uses this cancel, now and later: each returns
 * B2_CANCELLED within 250 ms. NULL is ignored. Any thread, and the only
 * function of this library that a signal handler may call.
 */
void b2_cancel_trigger(b2_cancel *cancel);

/**
 * Returns 1 once b2_cancel_trigger() was called, else 0. 0 for NULL. Any
 * thread.
 */
int b2_cancel_is_triggered(const b2_cancel *cancel);

/**
 * Frees the caller's reference; options that use this cancel keep theirs. NULL
 * is ignored. Any thread.
 */
void b2_cancel_free(b2_cancel *cancel);

/** @} */

/**
 * @defgroup global The library
 * What a process has one of.
 * @{
 */

/**
 * Drops and wipes every cached token, and forgets every remembered refusal.
 * Sessions that the caller holds stay valid; requests in flight are returned
 * to their callers, but not cached. The rate limit, and a wait that B2 asked
 * for, stay. Any thread.
 */
void b2_cache_clear(void);

/**
 * Returns how often something happened since the process began. Names:
 * cache_hits, cache_misses, coalesced, requests, retries, rate_waits,
 * stale_served, negative_hits, store_hits, store_errors, log_dropped. 0 for an
 * unknown name, and for NULL. Any thread.
 */
uint64_t b2_counter(const char *name);

/**
 * Returns the library's version, such as "0.1.0". Static, never NULL. Any
 * thread.
 */
const char *b2_library_version(void);

/**
 * Returns the B2_ABI_VERSION of the header that the library was built with.
 * Any thread.
 */
uint32_t b2_abi_version(void);

/** @} */

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* B2AUTH_H */
