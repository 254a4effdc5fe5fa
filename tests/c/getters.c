/* Every getter against answers of the sandbox that are known, and who owns what. */
#include <b2auth.h>
#include <time.h>

#include "check.h"

#define RESTRICTED "0014aa9865d6f0000000000b1", "K001restricted/1+bucket00000000"
#define SEVERAL "0014aa9865d6f0000000000b2", "K001restricted/2+buckets0000000"
#define PREFIX "0014aa9865d6f0000000000b4", "K001restricted/prefix0000000000"
#define LOST_BUCKET "0014aa9865d6f0000000000b5", "K001restricted/lost+bucket00000"
#define NO_BUCKET "0014aa9865d6f0000000000b6", "K001restricted/no+bucket0000000"
#define EXPIRING "0014aa9865d6f0000000000b7", "K001expiring/in+an+hour00000000"

static b2_session *authorize(const char *id, const char *key)
{
    b2_session *session = NULL;
    b2_error *error = NULL;

    if (b2_authorize_with(id, key, NULL, &session, &error) != B2_OK) {
        printf("not ok %s: %s\n", id, b2_error_message(error));
        exit(1);
    }
    return session;
}

static void master(void)
{
    b2_session *session = authorize(NULL, NULL);
    const char *realm = environment("B2_ENVIRONMENT");
    int64_t now = (int64_t)time(NULL);
    int64_t left = b2_session_seconds_left(session);

    CHECK(same(b2_session_account_id(session), "4aa9865d6f00"));
    CHECK(same(b2_session_key_id(session), environment("B2_APPLICATION_KEY_ID")));
    CHECK(same(b2_session_realm(session), realm));
    CHECK(same(b2_session_api_url(session), realm));
    CHECK(same(b2_session_download_url(session), realm));
    CHECK(same(b2_session_s3_api_url(session), "https://s3.us-west-004.backblazeb2.com"));
    CHECK(same(b2_session_s3_region(session), "us-west-004"));
    CHECK(strncmp(b2_session_authorization_token(session), "4_0014aa9865d6f0000000000b0_", 28) == 0);
    CHECK(b2_session_recommended_part_size(session) == 100000000);
    CHECK(b2_session_absolute_minimum_part_size(session) == 5000000);
    group("getters: the plain fields");

    CHECK(b2_session_capability_count(session) == 30);
    CHECK(same(b2_session_capability(session, 0), "listKeys"));
    CHECK(same(b2_session_capability(session, 29), "bypassGovernance"));
    CHECK(b2_session_has_capability(session, "listBuckets") == 1);
    CHECK(b2_session_has_capability(session, "listbuckets") == 0);
    CHECK(b2_session_has_capability(session, "") == 0);
    CHECK(b2_session_is_bucket_restricted(session) == 0);
    CHECK(b2_session_bucket_count(session) == 0);
    CHECK(b2_session_name_prefix(session) == NULL);
    group("getters: what a master key may do");

    CHECK(left > 86400 - 120 && left <= 86400);
    CHECK(b2_session_expires_at(session) > now + 86400 - 120 && b2_session_expires_at(session) <= now + 86400 + 120);
    CHECK(b2_session_key_expires_at(session) == 0);
    CHECK(strstr(b2_session_json(session), "\"accountId\":\"4aa9865d6f00\"") != NULL);
    CHECK(strstr(b2_session_json(session), b2_session_authorization_token(session)) != NULL);
    group("getters: how long, and as JSON");
    b2_session_free(session);
}

static void over_tls(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;

    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    CHECK(b2_authorize_with(NULL, NULL, options, &session, NULL) == B2_OK);
    CHECK(same(b2_session_realm(session), environment("B2_SANDBOX_HTTPS")));
    CHECK(same(b2_session_api_url(session), environment("B2_SANDBOX_HTTPS")));
    b2_session_free(session);
    b2_options_free(options);
    group("getters: the same over TLS");
}

static void restricted(void)
{
    b2_session *session = authorize(RESTRICTED);

    CHECK(b2_session_is_bucket_restricted(session) == 1 && b2_session_bucket_count(session) == 1);
    CHECK(same(b2_session_bucket_id(session, 0), "d0f1e2c3b4a5968778695a4b"));
    CHECK(same(b2_session_bucket_name(session, 0), "my-bucket"));
    CHECK(b2_session_capability_count(session) == 3 && same(b2_session_capability(session, 2), "readFiles"));
    b2_session_free(session);

    session = authorize(SEVERAL);
    CHECK(b2_session_is_bucket_restricted(session) == 1 && b2_session_bucket_count(session) == 2);
    CHECK(same(b2_session_bucket_name(session, 1), "photos"));
    b2_session_free(session);

    session = authorize(PREFIX);
    CHECK(same(b2_session_name_prefix(session), "holidays/"));
    b2_session_free(session);

    session = authorize(LOST_BUCKET);
    CHECK(b2_session_is_bucket_restricted(session) == 1 && b2_session_bucket_count(session) == 1);
    CHECK(same(b2_session_bucket_id(session, 0), "f0f1e2c3b4a5968778695a4d"));
    CHECK(b2_session_bucket_name(session, 0) == NULL);
    b2_session_free(session);

    session = authorize(NO_BUCKET);
    CHECK(b2_session_is_bucket_restricted(session) == 1 && b2_session_bucket_count(session) == 0);
    b2_session_free(session);
    group("getters: restricted keys");

    session = authorize(EXPIRING);
    CHECK(b2_session_seconds_left(session) > 0 && b2_session_seconds_left(session) <= 3600);
    CHECK(b2_session_key_expires_at(session) > (int64_t)time(NULL));
    CHECK(b2_session_expires_at(session) <= b2_session_key_expires_at(session));
    b2_session_free(session);
    group("getters: a key that ends before its token would");
}

/* A session is a snapshot: what becomes of the cache does not touch it. */
static void ownership(void)
{
    b2_session *first = authorize(NULL, NULL);
    b2_session *again = authorize(NULL, NULL);
    b2_session *kept = b2_session_retain(first);
    b2_session *fresh = NULL;
    char token[256];

    (void)snprintf(token, sizeof token, "%s", b2_session_authorization_token(first));
    CHECK(same(b2_session_authorization_token(again), token));
    b2_session_free(first);
    b2_session_free(again);
    CHECK(same(b2_session_authorization_token(kept), token));

    CHECK(b2_reauthorize(NULL, NULL, kept, NULL, &fresh, NULL) == B2_OK);
    CHECK(!same(b2_session_authorization_token(fresh), token));
    b2_session_invalidate(kept); /* an old one: the new one stays in the cache */
    again = authorize(NULL, NULL);
    CHECK(same(b2_session_authorization_token(again), b2_session_authorization_token(fresh)));
    b2_session_free(again);

    b2_cache_clear();
    CHECK(same(b2_session_authorization_token(kept), token));
    CHECK(b2_session_authorization_token(fresh) != NULL);
    b2_session_free(fresh);
    b2_session_free(kept);
    group("getters: retain, free, and old handles");
}

static void errors(void)
{
    b2_session *session = NULL;
    b2_error *error = NULL, *kept;

    CHECK(b2_authorize_with(environment("B2_APPLICATION_KEY_ID"), "K001wrong", NULL, &session, &error)
          == B2_BAD_CREDENTIALS);
    CHECK(session == NULL && error != NULL);
    CHECK(b2_error_status(error) == B2_BAD_CREDENTIALS);
    CHECK(b2_error_message(error) != NULL && strchr(b2_error_message(error), '\n') == NULL);
    CHECK(b2_error_hint(error) != NULL);
    CHECK(same(b2_error_code(error), "unauthorized"));
    CHECK(b2_error_http_status(error) == 401);
    CHECK(b2_error_is_retryable(error) == 0);
    CHECK(b2_error_retry_after_ms(error) == -1);
    CHECK(b2_error_attempts(error) == 1);
    CHECK(b2_error_request_id(error) != NULL);
    CHECK(strstr(b2_error_json(error), "\"B2_BAD_CREDENTIALS\"") != NULL);
    CHECK(strstr(b2_error_json(error), "K001wrong") == NULL && strstr(b2_error_message(error), "K001wrong") == NULL);
    kept = b2_error_retain(error);
    CHECK(kept == error);
    b2_error_free(error);
    CHECK(b2_error_status(kept) == B2_BAD_CREDENTIALS && same(b2_error_code(kept), "unauthorized"));
    b2_error_free(kept);
    group("getters: an error of B2");

    CHECK(b2_authorize_with("an id", "with: blanks", NULL, &session, &error) == B2_INVALID_ARGUMENT);
    CHECK(b2_error_http_status(error) == 0 && b2_error_attempts(error) == 0);
    CHECK(b2_error_code(error) == NULL && b2_error_request_id(error) == NULL);
    CHECK(b2_error_message(error) != NULL);
    b2_error_free(error);
    group("getters: an error before any request");
}

int main(void)
{
    master();
    over_tls();
    restricted();
    ownership();
    errors();
    return report();
}
