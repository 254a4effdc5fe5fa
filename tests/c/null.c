/*
 * Every function with every pointer NULL in turn, and every index past the end. tests/symbols.sh sees to it that no
 * function of the header is missing here.
 */
#include <b2auth.h>
#include <stdint.h>

#include "check.h"

/* A place that holds something else than NULL, to see that it is set. */
#define JUNK(type) ((type *)(uintptr_t)0x10)

static void authorize(const char *id, const char *key)
{
    b2_session *session = JUNK(b2_session);
    b2_error *error = JUNK(b2_error);

    CHECK(b2_authorize(NULL, NULL, &session) == B2_OK && session != NULL);
    b2_session_free(session);
    CHECK(b2_authorize(id, NULL, &session) == B2_OK && session != NULL);
    b2_session_free(session);
    session = JUNK(b2_session);
    CHECK(b2_authorize(NULL, key, &session) == B2_INVALID_ARGUMENT && session == NULL);
    CHECK(b2_authorize(id, key, NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_authorize(NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    group("null: b2_authorize");

    session = JUNK(b2_session);
    CHECK(b2_authorize_with(id, key, NULL, &session, &error) == B2_OK && session != NULL && error == NULL);
    b2_session_free(session);
    CHECK(b2_authorize_with(id, key, NULL, &session, NULL) == B2_OK && session != NULL);
    b2_session_free(session);
    CHECK(b2_authorize_with(id, NULL, NULL, &session, &error) == B2_OK && session != NULL && error == NULL);
    b2_session_free(session);
    session = JUNK(b2_session);
    CHECK(b2_authorize_with(NULL, key, NULL, &session, &error) == B2_INVALID_ARGUMENT);
    CHECK(session == NULL && error != NULL && b2_error_message(error) != NULL);
    b2_error_free(error);
    session = JUNK(b2_session);
    CHECK(b2_authorize_with(NULL, key, NULL, &session, NULL) == B2_INVALID_ARGUMENT && session == NULL);
    error = NULL;
    CHECK(b2_authorize_with(id, key, NULL, NULL, &error) == B2_INVALID_ARGUMENT && error != NULL);
    CHECK(b2_error_status(error) == B2_INVALID_ARGUMENT);
    b2_error_free(error);
    CHECK(b2_authorize_with(NULL, NULL, NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    group("null: b2_authorize_with");

    session = JUNK(b2_session);
    error = JUNK(b2_error);
    CHECK(b2_reauthorize(id, key, NULL, NULL, &session, &error) == B2_OK && session != NULL && error == NULL);
    b2_session_free(session);
    CHECK(b2_reauthorize(NULL, NULL, NULL, NULL, &session, NULL) == B2_OK && session != NULL);
    b2_session_free(session);
    session = JUNK(b2_session);
    CHECK(b2_reauthorize(NULL, key, NULL, NULL, &session, &error) == B2_INVALID_ARGUMENT);
    CHECK(session == NULL && error != NULL);
    b2_error_free(error);
    error = NULL;
    CHECK(b2_reauthorize(id, key, NULL, NULL, NULL, &error) == B2_INVALID_ARGUMENT && error != NULL);
    b2_error_free(error);
    CHECK(b2_reauthorize(NULL, NULL, NULL, NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    group("null: b2_reauthorize");

    CHECK(b2_should_reauthorize(401, NULL) == 1);
    CHECK(b2_should_reauthorize(401, "bad_auth_token") == 1);
    CHECK(b2_should_reauthorize(401, "expired_auth_token") == 1);
    CHECK(b2_should_reauthorize(401, "unauthorized") == 0);
    CHECK(b2_should_reauthorize(403, NULL) == 0);
    CHECK(b2_should_reauthorize(200, NULL) == 0);
    CHECK(b2_should_reauthorize(503, "bad_auth_token") == 0);
    group("null: b2_should_reauthorize");

    CHECK(b2_should_reauthorize_body(401, NULL, 0) == 1);
    CHECK(b2_should_reauthorize_body(403, NULL, 0) == 0);
    CHECK(b2_should_reauthorize_body(401, "", 0) == 1);
    CHECK(b2_should_reauthorize_body(401, "{\"code\":\"unauthorized\"", 22) == 0);
    group("null: b2_should_reauthorize_body");
}

static void many(const char *id, const char *key)
{
    const char *ids[2] = {NULL, NULL}, *keys[2] = {NULL, NULL};
    b2_session *sessions[2] = {JUNK(b2_session), JUNK(b2_session)};
    b2_error *errors[2] = {JUNK(b2_error), JUNK(b2_error)};
    int i;

    ids[0] = id;
    keys[0] = key;
    CHECK(b2_authorize_many(ids, keys, 2, NULL, sessions, errors) == B2_OK);
    for (i = 0; i < 2; i++) {
        CHECK(sessions[i] != NULL && errors[i] == NULL);
        b2_session_free(sessions[i]);
    }
    CHECK(b2_authorize_many(ids, keys, 2, NULL, sessions, NULL) == B2_OK);
    for (i = 0; i < 2; i++)
        b2_session_free(sessions[i]);
    CHECK(b2_authorize_many(NULL, keys, 2, NULL, sessions, errors) == B2_INVALID_ARGUMENT);
    for (i = 0; i < 2; i++) {
        CHECK(sessions[i] == NULL && errors[i] != NULL);
        b2_error_free(errors[i]);
    }
    CHECK(b2_authorize_many(ids, NULL, 2, NULL, sessions, NULL) == B2_INVALID_ARGUMENT);
    CHECK(sessions[0] == NULL && sessions[1] == NULL);
    CHECK(b2_authorize_many(ids, keys, 2, NULL, NULL, errors) == B2_INVALID_ARGUMENT);
    for (i = 0; i < 2; i++) {
        CHECK(errors[i] != NULL);
        b2_error_free(errors[i]);
    }
    CHECK(b2_authorize_many(NULL, NULL, 2, NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_authorize_many(NULL, NULL, 0, NULL, NULL, NULL) == B2_OK);
    group("null: b2_authorize_many");
}

static void json(void)
{
    char *answer = JUNK(char), buffer[4] = "xyz";

    CHECK(b2_authorize_json(NULL, &answer) == B2_OK && strstr(answer, "\"accountId\"") != NULL);
    CHECK(b2_authorize_json_into(NULL, NULL, 0) > 100);
    CHECK(b2_authorize_json_into(NULL, NULL, 4) > 100);
    CHECK(b2_authorize_json_into(NULL, buffer, 0) > 100 && same(buffer, "xyz"));
    CHECK(b2_authorize_json_into(NULL, buffer, sizeof buffer) > 100 && same(buffer, "{\"a"));
    b2_string_free(answer);
    CHECK(b2_authorize_json("{}", NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_authorize_json(NULL, NULL) == B2_INVALID_ARGUMENT);
    b2_string_free(NULL);
    group("null: the JSON action");
}

static void no_session(void)
{
    CHECK(b2_session_account_id(NULL) == NULL);
    CHECK(b2_session_key_id(NULL) == NULL);
    CHECK(b2_session_realm(NULL) == NULL);
    CHECK(b2_session_authorization_token(NULL) == NULL);
    CHECK(b2_session_api_url(NULL) == NULL);
    CHECK(b2_session_download_url(NULL) == NULL);
    CHECK(b2_session_s3_api_url(NULL) == NULL);
    CHECK(b2_session_s3_region(NULL) == NULL);
    CHECK(b2_session_recommended_part_size(NULL) == 0);
    CHECK(b2_session_absolute_minimum_part_size(NULL) == 0);
    CHECK(b2_session_capability_count(NULL) == 0);
    CHECK(b2_session_capability(NULL, 0) == NULL);
    CHECK(b2_session_has_capability(NULL, "listBuckets") == 0);
    CHECK(b2_session_has_capability(NULL, NULL) == 0);
    CHECK(b2_session_is_bucket_restricted(NULL) == -1);
    CHECK(b2_session_bucket_count(NULL) == 0);
    CHECK(b2_session_bucket_id(NULL, 0) == NULL);
    CHECK(b2_session_bucket_name(NULL, 0) == NULL);
    CHECK(b2_session_name_prefix(NULL) == NULL);
    CHECK(b2_session_expires_at(NULL) == -1);
    CHECK(b2_session_key_expires_at(NULL) == -1);
    CHECK(b2_session_seconds_left(NULL) == -1);
    CHECK(b2_session_json(NULL) == NULL);
    CHECK(b2_session_retain(NULL) == NULL);
    b2_session_invalidate(NULL);
    b2_session_free(NULL);
    group("null: no session");
}

static void past_the_end(const char *id, const char *key)
{
    b2_session *session = NULL;

    CHECK(b2_authorize(id, key, &session) == B2_OK);
    CHECK(b2_session_capability(session, b2_session_capability_count(session)) == NULL);
    CHECK(b2_session_capability(session, SIZE_MAX) == NULL);
    CHECK(b2_session_bucket_id(session, b2_session_bucket_count(session)) == NULL);
    CHECK(b2_session_bucket_id(session, SIZE_MAX) == NULL);
    CHECK(b2_session_bucket_name(session, b2_session_bucket_count(session)) == NULL);
    CHECK(b2_session_bucket_name(session, SIZE_MAX) == NULL);
    CHECK(b2_session_has_capability(session, NULL) == 0);
    b2_session_free(session);
    group("null: an index past the end");
}

static void no_error(void)
{
    CHECK(b2_error_status(NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_error_message(NULL) == NULL);
    CHECK(b2_error_hint(NULL) == NULL);
    CHECK(b2_error_code(NULL) == NULL);
    CHECK(b2_error_http_status(NULL) == 0);
    CHECK(b2_error_is_retryable(NULL) == 0);
    CHECK(b2_error_retry_after_ms(NULL) == -1);
    CHECK(b2_error_attempts(NULL) == 0);
    CHECK(b2_error_request_id(NULL) == NULL);
    CHECK(b2_error_json(NULL) == NULL);
    CHECK(b2_error_retain(NULL) == NULL);
    b2_error_free(NULL);
    group("null: no error");
}

static int released;

static void hear(void *user_data, int level, const char *message)
{
    CHECK(user_data == NULL && level >= B2_LOG_ERROR && level <= B2_LOG_DEBUG && message != NULL);
}

static void release(void *user_data)
{
    CHECK(user_data == NULL);
    released++;
}

static void diagnose(const char *id, const char *key)
{
    b2_options *given = b2_options_new();
    char *report = JUNK(char);

    CHECK(b2_diagnose_json(NULL, NULL, NULL, &report) == B2_OK && report != NULL && report[0] == '{');
    b2_string_free(report);
    CHECK(b2_diagnose_json(id, key, NULL, NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_diagnose_json(id, NULL, NULL, &report) == B2_OK && strstr(report, "\"steps\":[") != NULL);
    b2_string_free(report);
    report = JUNK(char);
    CHECK(b2_diagnose_json(NULL, key, NULL, &report) == B2_INVALID_ARGUMENT);
    CHECK(strstr(report, "\"status\":\"B2_INVALID_ARGUMENT\"") != NULL && strstr(report, key) == NULL);
    b2_string_free(report);
    CHECK(b2_options_set(given, "credentials", "given", NULL) == B2_OK);
    CHECK(b2_diagnose_json(NULL, NULL, given, &report) == B2_NO_CREDENTIALS && report != NULL);
    b2_string_free(report);
    b2_options_free(given);
    group("null: b2_diagnose_json");
}

static void options(void)
{
    b2_options *options = b2_options_new();
    b2_options *copy = b2_options_copy(options);
    b2_error *error = NULL;
    b2_cancel *cancel = b2_cancel_new();
    b2_session *session = NULL;

    CHECK(options != NULL && copy != NULL && cancel != NULL);
    CHECK(b2_options_copy(NULL) == NULL);
    CHECK(b2_options_set(NULL, "max_attempts", "1", &error) == B2_INVALID_ARGUMENT && error != NULL);
    b2_error_free(error);
    error = NULL;
    CHECK(b2_options_set(options, NULL, "1", &error) == B2_INVALID_ARGUMENT && error != NULL);
    b2_error_free(error);
    error = JUNK(b2_error);
    CHECK(b2_options_set(options, "max_attempts", NULL, &error) == B2_OK && error == NULL);
    CHECK(b2_options_set(options, "max_attempts", "1", NULL) == B2_OK);
    CHECK(b2_options_set(options, "max_attempts", "six", NULL) == B2_INVALID_ARGUMENT);
    CHECK(b2_options_set(NULL, NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    b2_options_set_cancel(NULL, cancel);
    b2_options_set_cancel(NULL, NULL);
    b2_options_set_cancel(options, cancel);
    b2_options_set_cancel(options, NULL);
    b2_options_free(copy);
    group("null: options");

    b2_options_set_log(NULL, hear, NULL, release);
    CHECK(released == 1);
    b2_options_set_log(NULL, NULL, NULL, NULL);
    b2_options_set_log(options, NULL, NULL, NULL);
    b2_options_set_log(options, NULL, NULL, release);
    CHECK(released == 2);
    b2_options_set_log(options, hear, NULL, NULL);
    b2_options_set_log(options, hear, NULL, release);
    CHECK(b2_authorize_with(NULL, "a key alone", options, &session, NULL) == B2_INVALID_ARGUMENT);
    CHECK(released == 2);
    b2_options_free(options);
    CHECK(released == 3);
    b2_options_free(NULL);
    group("null: the log");

    b2_cancel_trigger(NULL);
    CHECK(b2_cancel_is_triggered(NULL) == 0);
    b2_cancel_free(cancel);
    b2_cancel_free(NULL);
    group("null: cancel");
}

static void library(void)
{
    CHECK(b2_counter(NULL) == 0);
    CHECK(b2_counter("no such counter") == 0);
    CHECK(b2_status_name(12345) != NULL);
    CHECK(b2_status_message(12345) != NULL);
    CHECK(b2_library_version() != NULL);
    CHECK(b2_abi_version() == B2_ABI_VERSION);
    b2_cache_clear();
    group("null: the library");
}

int main(void)
{
    const char *id = environment("B2_APPLICATION_KEY_ID");
    const char *key = environment("B2_APPLICATION_KEY");

    authorize(id, key);
    many(id, key);
    json();
    diagnose(id, key);
    no_session();
    past_the_end(id, key);
    no_error();
    options();
    library();
    return report();
}
