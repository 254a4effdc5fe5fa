/*
 * Beside the library stands another static one written in Rust, whose standard library and SQLite are as open as Cargo leaves
 * them: it is this library before it was made one object, with its functions renamed. Each of the two works as if alone.
 */
#define _POSIX_C_SOURCE 200809L
#include "../c/check.h"

#include <b2auth.h>

const char *other_library_version(void);
uint64_t other_counter(const char *name);
b2_status other_authorize_with(const char *key_id, const char *key, const b2_options *options, b2_session **session,
                               b2_error **error);
b2_options *other_options_new(void);
b2_status other_options_set(b2_options *options, const char *name, const char *value, b2_error **error);
void other_options_free(b2_options *options);
const char *other_session_account_id(const b2_session *session);
void other_session_free(b2_session *session);

static void by_this(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;

    CHECK(b2_options_set(options, "account_info", environment("B2_TEST_DATABASE"), NULL) == B2_OK);
    CHECK(b2_authorize_with(environment("B2_TEST_DATABASE_KEY_ID"), NULL, options, &session, NULL) == B2_OK);
    CHECK(same(b2_session_account_id(session), "4aa9865d6f00"));
    b2_session_free(session);
    b2_options_free(options);
}

static void by_the_other(void)
{
    b2_options *options = other_options_new();
    b2_session *session = NULL;

    CHECK(other_options_set(options, "account_info", environment("B2_TEST_DATABASE"), NULL) == B2_OK);
    CHECK(other_authorize_with(environment("B2_TEST_DATABASE_KEY_ID"), NULL, options, &session, NULL) == B2_OK);
    CHECK(same(other_session_account_id(session), "4aa9865d6f00"));
    other_session_free(session);
    other_options_free(options);
}

int main(void)
{
    CHECK(same(other_library_version(), b2_library_version()));
    /* Their texts may be one, since the linker merges equal ones. */
    CHECK(other_library_version != b2_library_version);
    by_this();
    CHECK(b2_counter("requests") == 1 && other_counter("requests") == 0);
    by_the_other();
    by_this();
    CHECK(b2_counter("requests") == 1 && other_counter("requests") == 1);
    CHECK(b2_counter("cache_hits") == 1 && other_counter("cache_hits") == 0);
    group("another Rust library with its own SQLite stands beside it, and neither sees the other");
    return report();
}
