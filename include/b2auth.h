/**
 * @file b2auth.h
 * From a Backblaze B2 application key to a session, once a day instead of
 * once a call.
 *
 * Errors     0 is B2_OK. A status number never changes its meaning; new ones
 *            are appended. Details of a failure are in a b2_error.
 * Ownership  What comes back through `**` is yours: pass it to its `_free`.
 *            A `const char *` belongs to the handle it came from and lives
 *            until that handle is freed. Out-parameters are set to NULL first
 *            and hold an object only on success (`out_error`: only on
 *            failure; it may be NULL).
 * NULL       Every `_free` takes NULL, and so does every getter, which then
 *            answers NULL, 0, -1 or B2_INVALID_ARGUMENT, as documented.
 * Threads    Every function may be called from any thread at any time. A
 *            session never changes: any thread may read it while one holds it.
 * Strings    UTF-8, ended by NUL. Times are Unix seconds, or have their unit
 *            in their name.
 *
 * Written from the library's source by `make header`. Edits here are lost.
 */

#ifndef B2AUTH_H
#define B2AUTH_H

#include <stddef.h>
#include <stdint.h>

#define B2_VERSION_MAJOR 0
#define B2_VERSION_MINOR 1
#define B2_VERSION_PATCH 0
/** 0xMMmmpp: a later version is a larger number. */
#define B2_VERSION_NUMBER 0x000100

/** The compiler warns when the answer of such a function is not looked at. */
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
 * The version of this border. It grows with every addition, so a program that
 * needs a function added in version N can ask whether b2_abi_version() is at
 * least N.
 */
#define B2_ABI_VERSION 1

/**
 * What became of a call. 0 is success. A number is permanent: new ones are
 * appended, none is changed, so a program built with an old header may receive
 * a number it does not know.
 */
typedef enum {
    /** All is well. */
    B2_OK = 0,
    /**
     * A NULL out-parameter, an unknown option, a value out of range, a key
     * with a hidden character.
     */
    B2_INVALID_ARGUMENT = 1,
    /**
     * Nothing was given and no default source has a key; the message names
     * every place that was looked at.
     */
    B2_NO_CREDENTIALS = 2,
    /** B2 refused the key (401). */
    B2_BAD_CREDENTIALS = 3,
    /**
     * The key is good, but B2 does not serve it by this version of its API.
     */
    B2_KEY_NOT_SUPPORTED = 4,
    /**
     * A cap of the account is reached (403 with a code that ends in
     * cap_exceeded).
     */
    B2_CAP_EXCEEDED = 5,
    /** Any other 403. */
    B2_ACCESS_DENIED = 6,
    /**
     * 429 after the last attempt, or a wait for the local budget that can't
     * end before the caller's deadline.
     */
    B2_RATE_LIMITED = 7,
    /** 408 or 5xx after the last attempt (501: after the first). */
    B2_SERVICE_UNAVAILABLE = 8,
    /** Name look-up, connect, reset, early close. */
    B2_NETWORK_ERROR = 9,
    /** A certificate or the TLS handshake; never retried. */
    B2_TLS_ERROR = 10,
    /** The last attempt ran out of time, or the whole call did during one. */
    B2_TIMEOUT = 11,
    /**
     * The caller's cancel was triggered, even where the answer was in the
     * cache.
     */
    B2_CANCELLED = 12,
    /** The answer is not what B2 documents. */
    B2_PROTOCOL_ERROR = 13,
    /** A shared token store was asked for and cannot be used. */
    B2_STORE_ERROR = 14,
    /** A bug in this library, caught. */
    B2_INTERNAL_ERROR = 15,
    /** Not a status: makes room for those to come. */
    B2_STATUS_MAX_ENUM = 2147483647,
} b2_status;

/** How much a message of the log matters. */
typedef enum {
    /** A call failed. */
    B2_LOG_ERROR = 1,
    /**
     * Something went wrong that a call can live with: a wait, a retry, an old
     * token handed out because its refresh failed.
     */
    B2_LOG_WARN = 2,
    /** What was asked of B2, and what it answered. */
    B2_LOG_INFO = 3,
    /** What was decided without asking: a cache hit, the source of the key. */
    B2_LOG_DEBUG = 4,
} b2_log_level;

/** A flag that ends calls early. Once triggered it stays triggered. */
typedef struct b2_cancel b2_cancel;

/**
 * What went wrong in one call. No part of it holds a key, a token, a Basic
 * header or the user part of a URL. Any thread may read it.
 */
typedef struct b2_error b2_error;

/**
 * The choices of a call. Any thread may set or use it: a call reads it once,
 * at entry.
 */
typedef struct b2_options b2_options;

/**
 * What B2 granted: an immutable, reference-counted snapshot. Any thread may
 * read it; a refresh makes a new one, and this stays as it is until it is
 * freed.
 */
typedef struct b2_session b2_session;

/**
 * A function of the caller's that hears the log. message is one line of UTF-8,
 * and lives through the call; it holds no key and no token.
 */
typedef void (*b2_log_fn)(void *user_data, int level, const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status, such as "B2_OK"; "B2_UNKNOWN" for a number that this
 * library does not know. Static, never NULL. Any thread.
 */
const char *b2_status_name(int status);

/**
 * What a status means, in a few words of English. Static, never NULL. Any
 * thread.
 */
const char *b2_status_message(int status);

/**
 * Turns an application key into a session: from the cache if a good token is
 * there, else by one request to B2's b2_authorize_account (version 4: GET with
 * HTTP Basic), with retries.
 *
 * key_id and key are borrowed for the call and not kept. Blank (NULL, "" or
 * white space) for both means: take B2_APPLICATION_KEY_ID and
 * B2_APPLICATION_KEY from the environment; if neither is set, the key in the
 * database of the b2 command-line tool, where "b2 account authorize" left it.
 * A key_id with a blank key: the same places, but only that very key. White
 * space around either is dropped.
 *
 * The database is the one that the b2 tool would use: of the option profile,
 * else the option account_info, else $B2_ACCOUNT_INFO, else
 * ~/.b2_account_info, else $XDG_CONFIG_HOME/b2/account_info (by default
 * ~/.config/b2/account_info). Its realm counts unless the option realm or
 * $B2_ENVIRONMENT names one. It is read, never written, and not opened again
 * before it has changed or B2 has to be asked. If there is none, or if it is
 * locked, damaged or empty, that is B2_NO_CREDENTIALS, and the error of
 * b2_authorize_with() names each place and what is wrong with it.
 *
 * On success *out_session is the caller's to free with b2_session_free(); on
 * failure it is NULL. For what went wrong in words, call b2_authorize_with().
 * Answers any status but B2_STORE_ERROR. May block, by default for 60 seconds
 * at most. Any thread.
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
 * failure *out_error is the caller's to free with b2_error_free(); on success
 * it is NULL. out_error may be NULL.
 *
 * A token past 70 to 80 % of its life is refreshed by the call that finds it
 * so, in one attempt of at most 5 seconds; if that fails, the call succeeds
 * with the token that is still good. Calls for one key that meet share one
 * request and its verdict. Answers any status but B2_STORE_ERROR. Any thread.
 */
B2_NODISCARD
b2_status b2_authorize_with(const char *key_id,
                            const char *key,
                            const b2_options *options,
                            b2_session **out_session,
                            b2_error **out_error);

/**
 * Explicit re-authorization, after B2 refused a session's token or at will.
 *
 * rejected is the session whose token B2 refused: that token is never handed
 * out again, and if the cache already holds a newer one for this key, that is
 * answered without a request, so a thousand threads whose calls were refused
 * together cause one request. A session of another key counts as none refused,
 * and the call is a plain b2_authorize_with(). rejected == NULL: always ask
 * B2, or join a request already in the air. rejected is borrowed: the caller
 * still frees it.
 *
 * Remembered refusals are passed by. Otherwise as b2_authorize_with(). Any
 * thread.
 */
B2_NODISCARD
b2_status b2_reauthorize(const char *key_id,
                         const char *key,
                         const b2_session *rejected,
                         const b2_options *options,
                         b2_session **out_session,
                         b2_error **out_error);

/**
 * Many at once. key_ids and keys are arrays of count strings, each as in
 * b2_authorize(); up to the option concurrency requests are in the air
 * together, on threads that end before the call does. Equal places share one
 * outcome, and cached ones cost no request.
 *
 * out_sessions, an array of count places, and out_errors, one too or NULL, are
 * the caller's to free place by place: each place gets a session and no error,
 * or an error and no session. A key that fails spoils its own place only. The
 * option batch_timeout_ms, or a cancel, ends the whole call, and each place
 * that was not done gets an error that says so.
 *
 * Answers B2_OK if every place got a session, else the status of the lowest
 * place that did not. With count 0 nothing is read and the answer is B2_OK;
 * otherwise B2_INVALID_ARGUMENT if key_ids, keys or out_sessions is NULL. Any
 * thread.
 */
B2_NODISCARD
b2_status b2_authorize_many(const char *const *key_ids,
                            const char *const *keys,
                            size_t count,
                            const b2_options *options,
                            b2_session **out_sessions,
                            b2_error **out_errors);

/**
 * After B2 refused a call of the caller's own: 1 if a new token is the cure,
 * that is for 401 with the code bad_auth_token, expired_auth_token (the two
 * after which B2's integration checklist has b2_authorize_account called
 * again), or none (code NULL or blank), else 0. Any other 401 says that the
 * key may not do this, which no new token changes. Any thread.
 */
int b2_should_reauthorize(int http_status, const char *code);

/**
 * The workflow action, for tools that can only pass strings. request is a JSON
 * object: keyId and key (also applicationKeyId, applicationKey), each of which
 * may be missing, null or blank, and any option by its name, as a string or a
 * number. NULL or blank is {}. An array of at most 100000 such objects is a
 * batch, and is answered by an array in the same order; its concurrency and
 * its batch_timeout_ms are the largest ones given.
 *
 * The answer to {} is {"accountId":…,"apiUrl":…,"authorizationToken":…,
 * "downloadUrl":…}; with "fields":"all" it is what b2_session_json() says. A
 * failure is answered too, as b2_error_json() says, in its place of a batch.
 *
 * *out_response is always written, is valid JSON, holds a token, and is the
 * caller's to free with b2_string_free(). out_response may not be NULL: then
 * nothing is done. Answers the status of the answer, of a batch that of the
 * lowest place that failed. A field that is not known, that is there twice, or
 * whose two spellings differ is B2_INVALID_ARGUMENT. Otherwise as
 * b2_authorize_with(). Any thread.
 */
b2_status b2_authorize_json(const char *request, char **out_response);

/**
 * b2_authorize_json() into a buffer of the caller's: writes at most size
 * bytes, always ended by NUL if size > 0, and answers the length of the whole
 * answer without the NUL, as snprintf() does. The status is in the answer.
 * buffer may be NULL if size is 0. Any thread.
 */
size_t b2_authorize_json_into(const char *request, char *buffer, size_t size);

/**
 * Wipes and frees what b2_authorize_json() answered. NULL is fine. Any thread.
 */
void b2_string_free(char *string);

/**
 * The account's id, as B2 answered it (accountId of b2_authorize_account's
 * reply). Belongs to the session. NULL for NULL.
 */
const char *b2_session_account_id(const b2_session *session);

/** The key id, as the call used it. Belongs to the session. NULL for NULL. */
const char *b2_session_key_id(const b2_session *session);

/**
 * The realm that granted the session: a base URL, normalised. Belongs to the
 * session. NULL for NULL.
 */
const char *b2_session_realm(const b2_session *session);

/**
 * The token (authorizationToken of the reply): the whole value of the
 * Authorization header of B2's other calls, without a word before it. A
 * secret. Belongs to the session, and is wiped when the last reference to it
 * goes. NULL for NULL.
 */
const char *b2_session_authorization_token(const b2_session *session);

/**
 * Base URL of all calls but uploads and downloads, without a trailing slash
 * (apiInfo.storageApi.apiUrl of the reply). Belongs to the session. NULL for
 * NULL.
 */
const char *b2_session_api_url(const b2_session *session);

/**
 * Base URL of downloads, without a trailing slash
 * (apiInfo.storageApi.downloadUrl of the reply). Belongs to the session. NULL
 * for NULL.
 */
const char *b2_session_download_url(const b2_session *session);

/**
 * Base URL of the S3-compatible API; NULL if B2 gave none
 * (apiInfo.storageApi.s3ApiUrl of the reply). Belongs to the session. NULL for
 * NULL.
 */
const char *b2_session_s3_api_url(const b2_session *session);

/**
 * The S3 region, such as "us-west-004"; NULL if the S3 URL does not tell it.
 * Belongs to the session. NULL for NULL.
 */
const char *b2_session_s3_region(const b2_session *session);

/**
 * B2's recommended size of a large file's parts, in bytes
 * (apiInfo.storageApi.recommendedPartSize of the reply). 0 for NULL.
 */
uint64_t b2_session_recommended_part_size(const b2_session *session);

/**
 * The least size of a large file's parts but the last, in bytes
 * (apiInfo.storageApi.absoluteMinimumPartSize of the reply). 0 for NULL.
 */
uint64_t b2_session_absolute_minimum_part_size(const b2_session *session);

/**
 * How many capabilities the key has (allowed.capabilities of the reply). 0 for
 * NULL.
 */
size_t b2_session_capability_count(const b2_session *session);

/**
 * A capability in B2's words, such as "readFiles". Belongs to the session.
 * NULL for NULL, and past the end.
 */
const char *b2_session_capability(const b2_session *session, size_t index);

/** 1 if the key has that capability, else 0; 0 if either is NULL. */
int b2_session_has_capability(const b2_session *session,
                              const char *capability);

/**
 * 1 if the key is restricted to some buckets (allowed.buckets of the reply),
 * even where their list is empty, else 0. -1 for NULL.
 */
int b2_session_is_bucket_restricted(const b2_session *session);

/**
 * How many buckets a restricted key may use; 0 for a key that is not
 * restricted. 0 for NULL.
 */
size_t b2_session_bucket_count(const b2_session *session);

/**
 * The id of a bucket. Belongs to the session. NULL for NULL, and past the end.
 */
const char *b2_session_bucket_id(const b2_session *session, size_t index);

/**
 * The name of a bucket; NULL if the bucket is gone or its name is hidden from
 * the key. Belongs to the session. NULL for NULL, and past the end.
 */
const char *b2_session_bucket_name(const b2_session *session, size_t index);

/**
 * What the names of all files that the key may use begin with
 * (allowed.namePrefix of the reply); NULL if they may begin with anything.
 * Belongs to the session. NULL for NULL.
 */
const char *b2_session_name_prefix(const b2_session *session);

/**
 * When the token ends, in Unix seconds: 24 hours after it was asked for, since
 * B2 documents a token as valid for at most that, or with the key, the sooner.
 * B2 may end it before. -1 for NULL.
 */
int64_t b2_session_expires_at(const b2_session *session);

/**
 * When the application key itself ends, in Unix seconds
 * (applicationKeyExpirationTimestamp of the reply, which has milliseconds); 0
 * for never. -1 for NULL.
 */
int64_t b2_session_key_expires_at(const b2_session *session);

/**
 * Seconds until the token ends, by the wall clock or by the clock that counts
 * while the machine sleeps, whichever says less; 0 once it counts as dead, a
 * minute before its end (of a life under ten minutes: a tenth before). -1 for
 * NULL.
 */
int64_t b2_session_seconds_left(const b2_session *session);

/**
 * All of the above as one flat JSON object under the names of B2's v4 reply,
 * with allowed{} and with expiresAt in seconds. It holds the token: a secret.
 * Belongs to the session. NULL for NULL.
 */
const char *b2_session_json(const b2_session *session);

/**
 * Forgets this session's token: the next call for its key asks B2. Does
 * nothing if the cache has moved on to another, or for NULL. What is in the
 * air for the key at that moment is handed out, but not kept. The session
 * stays readable. Any thread.
 */
void b2_session_invalidate(const b2_session *session);

/**
 * Another reference to the same session, to be freed by itself. NULL for NULL.
 * Any thread.
 */
B2_NODISCARD b2_session *b2_session_retain(const b2_session *session);

/**
 * Gives up one reference; with the last one the token is wiped, unless the
 * cache holds it too. NULL is fine. Any thread.
 */
void b2_session_free(b2_session *session);

/** What to decide by. B2_INVALID_ARGUMENT for NULL. */
b2_status b2_error_status(const b2_error *error);

/**
 * What happened, to which host and what B2 said, in one line of UTF-8. Belongs
 * to the error. Never NULL for an error; NULL for NULL.
 */
const char *b2_error_message(const b2_error *error);

/**
 * What the person can do about it, or NULL. Belongs to the error. NULL for
 * NULL.
 */
const char *b2_error_hint(const b2_error *error);

/**
 * B2's own code, such as "bad_auth_token", or NULL. Belongs to the error. NULL
 * for NULL.
 */
const char *b2_error_code(const b2_error *error);

/** The HTTP status of the last answer; 0 if there was none, and for NULL. */
int b2_error_http_status(const b2_error *error);

/** 1 if the same call may succeed later, else 0. 0 for NULL. */
int b2_error_is_retryable(const b2_error *error);

/**
 * How long to wait before calling again, in milliseconds; -1 if that is not
 * known, and for NULL.
 */
int64_t b2_error_retry_after_ms(const b2_error *error);

/**
 * The requests that this very call made: 0 where it waited for another call's
 * verdict, or was answered from memory. 0 for NULL.
 */
uint32_t b2_error_attempts(const b2_error *error);

/**
 * B2's name for the last request, from its X-Bz-Request-Id header, or NULL.
 * Belongs to the error. NULL for NULL.
 */
const char *b2_error_request_id(const b2_error *error);

/**
 * The run log: one JSON object {"error":{…}} with all of the above and every
 * attempt of the series that led here: when it began (RFC 3339), how long it
 * took, the wait before it, HTTP status, code and request id. Belongs to the
 * error. NULL for NULL.
 */
const char *b2_error_json(const b2_error *error);

/** Frees an error. NULL is fine. Any thread. */
void b2_error_free(b2_error *error);

/**
 * Makes options with the defaults, the caller's to free. The realm that
 * B2_ENVIRONMENT names is read here. NULL only if the library has a bug. Any
 * thread.
 */
B2_NODISCARD b2_options *b2_options_new(void);

/**
 * Sets one option by its name. NULL or "" as a value puts the default back.
 * name and value are borrowed for the call.
 *
 *   name                   value                         default
 *   realm                  production, staging, or a     $B2_ENVIRONMENT,
 *                          base URL: https, or http to   else production
 *                          a loopback address
 *   profile                a profile of the b2 tool      none
 *   account_info           the path of its database      $B2_ACCOUNT_INFO
 *   cache                  use, refresh, bypass          use
 *   min_remaining_s        0 to 82800                    300
 *   store                  none                          none
 *   max_attempts           1 to 5                        5
 *   initial_backoff_ms     1 to 60000                    1000
 *   max_backoff_ms         1 to 64000                    16000
 *   connect_timeout_ms     1 to 600000                   5000
 *   attempt_timeout_ms     1 to 600000                   15000
 *   total_timeout_ms       0 (no bound) to 3600000       60000
 *   batch_timeout_ms       0 (no bound) to 86400000      0
 *   negative_ttl_s         0 to 3600                     10
 *   rate_limit_per_minute  0 (no limit) to 6000          20
 *   proxy                  env, none, or a URL: http,    env
 *                          https, socks5
 *   ca_file                a PEM file, trusted besides   none
 *                          the system's roots
 *   user_agent             product/version, put before   none
 *                          the library's own
 *   concurrency            1 to 64                       8
 *   fields                 action, all                   action
 *
 * Answers B2_INVALID_ARGUMENT, with an error that is the caller's to free, for
 * an unknown name (the hint says the nearest known one) and for a value out of
 * range; the options are then as before. out_error may be NULL. Any thread;
 * calls under way keep what they read at entry.
 */
b2_status b2_options_set(b2_options *options,
                         const char *name,
                         const char *value,
                         b2_error **out_error);

/**
 * A copy of its own, the caller's to free; it shares the log and the cancel.
 * NULL for NULL. Any thread.
 */
B2_NODISCARD
b2_options *b2_options_copy(const b2_options *options);

/**
 * Lets a cancel end every call made with these options; they keep a reference
 * of their own. NULL detaches it. Nothing happens for NULL options. Any
 * thread.
 */
void b2_options_set_cancel(b2_options *options, b2_cancel *cancel);

/**
 * Frees options; calls under way with them go on. NULL is fine. Any thread.
 */
void b2_options_free(b2_options *options);

/**
 * Has every decision of a call reported to log(user_data, level, message):
 * cache hits and misses, refreshes, requests, answers, waits and their
 * reasons, and the source of the key, never its value. Each level is one of
 * b2_log_level.
 *
 * log is called on the threads that work for calls, one at a time for these
 * options and their copies; a message may be told by the thread of another
 * call that is telling one already. It may call this library; what a call with
 * this very log has to say is told when log has returned, so a call for every
 * message would have no end. Of more than 1024 messages that wait for a slow
 * log the oldest are dropped. It must not throw or longjmp. user_data may be
 * NULL. release (may be NULL) is called with it once, when the last options
 * that hold this log are freed or given another, and every call with them has
 * ended.
 *
 * log == NULL ends the reports. With options or log NULL, user_data has no
 * place to be kept, and is released at once. Any thread.
 */
void b2_options_set_log(b2_options *options,
                        b2_log_fn log,
                        void *user_data,
                        void (*release)(void *user_data));

/**
 * Makes a cancel, the caller's to free. Attach it with
 * b2_options_set_cancel(). Any thread.
 */
B2_NODISCARD b2_cancel *b2_cancel_new(void);

/**
 * Ends every call that holds this cancel, now and later: they answer
 * B2_CANCELLED within 250 ms. Any thread, and the only function of this
 * library that a signal handler may call. NULL is fine.
 */
void b2_cancel_trigger(b2_cancel *cancel);

/** 1 once b2_cancel_trigger() was called, else 0. 0 for NULL. Any thread. */
int b2_cancel_is_triggered(const b2_cancel *cancel);

/**
 * Frees the caller's reference; options that hold this cancel keep theirs.
 * NULL is fine. Any thread.
 */
void b2_cancel_free(b2_cancel *cancel);

/**
 * Drops and wipes every cached token and forgets every remembered refusal.
 * Live sessions stay as they are; what is in the air is handed out, but not
 * kept. The budget of authorize requests, and a wait that B2 asked for, stay.
 * Any thread.
 */
void b2_cache_clear(void);

/**
 * How often something happened since the process began: cache_hits,
 * cache_misses, coalesced, requests, retries, rate_waits, stale_served,
 * negative_hits, store_hits. 0 for a name it does not know, and for NULL. Any
 * thread.
 */
uint64_t b2_counter(const char *name);

/** The library's version, such as "0.1.0". Static, never NULL. Any thread. */
const char *b2_library_version(void);

/**
 * Equals B2_ABI_VERSION of the header that the library was built with. Any
 * thread.
 */
uint32_t b2_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* B2AUTH_H */
