/*
 * What a program does with the library, on any system: every kind of call once, and every promise about time.
 *
 * With -DLOADED the library is loaded from the path in B2_LIBRARY while the program runs; without it the program is linked
 * with it. tests/cross/serve.sh sets the variables that it reads.
 */
#define _POSIX_C_SOURCE 200809L
#include "../c/check.h"
#include "port.h"

#include <b2auth.h>

#ifdef LOADED
#define FUNCTIONS(X) \
    X(b2_library_version) X(b2_abi_version) X(b2_authorize) X(b2_authorize_with) X(b2_authorize_many) \
    X(b2_authorize_json) X(b2_authorize_json_into) X(b2_string_free) X(b2_session_account_id) X(b2_session_api_url) \
    X(b2_session_authorization_token) X(b2_session_recommended_part_size) X(b2_session_expires_at) \
    X(b2_session_seconds_left) X(b2_session_free) X(b2_error_message) X(b2_error_hint) X(b2_error_http_status) \
    X(b2_error_free) X(b2_options_new) X(b2_options_set) X(b2_options_set_log) X(b2_options_set_cancel) \
    X(b2_options_free) X(b2_cancel_new) X(b2_cancel_trigger) X(b2_cancel_free) X(b2_cache_clear) X(b2_counter)
#define POINTER(name) static __typeof__(name) *p_##name;
FUNCTIONS(POINTER)
#define b2_library_version p_b2_library_version
#define b2_abi_version p_b2_abi_version
#define b2_authorize p_b2_authorize
#define b2_authorize_with p_b2_authorize_with
#define b2_authorize_many p_b2_authorize_many
#define b2_authorize_json p_b2_authorize_json
#define b2_authorize_json_into p_b2_authorize_json_into
#define b2_string_free p_b2_string_free
#define b2_session_account_id p_b2_session_account_id
#define b2_session_api_url p_b2_session_api_url
#define b2_session_authorization_token p_b2_session_authorization_token
#define b2_session_recommended_part_size p_b2_session_recommended_part_size
#define b2_session_expires_at p_b2_session_expires_at
#define b2_session_seconds_left p_b2_session_seconds_left
#define b2_session_free p_b2_session_free
#define b2_error_message p_b2_error_message
#define b2_error_hint p_b2_error_hint
#define b2_error_http_status p_b2_error_http_status
#define b2_error_free p_b2_error_free
#define b2_options_new p_b2_options_new
#define b2_options_set p_b2_options_set
#define b2_options_set_log p_b2_options_set_log
#define b2_options_set_cancel p_b2_options_set_cancel
#define b2_options_free p_b2_options_free
#define b2_cancel_new p_b2_cancel_new
#define b2_cancel_trigger p_b2_cancel_trigger
#define b2_cancel_free p_b2_cancel_free
#define b2_cache_clear p_b2_cache_clear
#define b2_counter p_b2_counter
#endif

/* How late a deadline or a cancel may come, on a machine that is busy with other things and may emulate this program. */
#define LATE_MS 2500

static const char *key_id, *key;

/* Options with pairs of names and values, ended by NULL. */
static b2_options *options(const char *const *pairs)
{
    b2_options *made = b2_options_new();

    for (; *pairs != NULL; pairs += 2)
        CHECK(b2_options_set(made, pairs[0], pairs[1], NULL) == B2_OK);
    return made;
}

static b2_status authorize(const char *const *pairs, const char *id, const char *secret, b2_session **session,
                           b2_error **error)
{
    b2_options *made = options(pairs);
    b2_status status = b2_authorize_with(id, secret, made, session, error);

    b2_options_free(made);
    return status;
}

static void versions(void)
{
    char expected[32];

    (void)snprintf(expected, sizeof expected, "%d.%d.%d", B2_VERSION_MAJOR, B2_VERSION_MINOR, B2_VERSION_PATCH);
    CHECK(same(b2_library_version(), expected));
    CHECK(b2_abi_version() == B2_ABI_VERSION);
    group("the library is the header's");
}

static void fields(void)
{
    b2_session *session = NULL, *again = NULL;
    uint64_t hits;

    CHECK(b2_authorize(NULL, NULL, &session) == B2_OK);
    CHECK(same(b2_session_account_id(session), "4aa9865d6f00"));
    CHECK(b2_session_api_url(session) != NULL && strncmp(b2_session_api_url(session), "http", 4) == 0);
    CHECK(b2_session_recommended_part_size(session) == UINT64_C(100000000));
    CHECK(b2_session_seconds_left(session) > 80000 && b2_session_seconds_left(session) <= 86400);
    CHECK(b2_session_expires_at(session) > INT64_C(1700000000));
    group("a session from the environment, and its fields");

    hits = b2_counter("cache_hits");
    CHECK(b2_authorize(key_id, key, &again) == B2_OK);
    CHECK(same(b2_session_authorization_token(session), b2_session_authorization_token(again)));
    CHECK(b2_counter("cache_hits") == hits + 1);
    b2_session_free(session);
    b2_session_free(again);
    group("the second call is answered by the cache");
}

static void refusal(void)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_options *none = b2_options_new();

    CHECK(b2_authorize_with(key_id, "K001wrongwrongwrongwrongwrongwr", none, &session, &error) == B2_BAD_CREDENTIALS);
    CHECK(session == NULL && error != NULL);
    CHECK(b2_error_http_status(error) == 401);
    CHECK(b2_error_message(error) != NULL && strstr(b2_error_message(error), "wrongwrong") == NULL);
    CHECK(b2_error_hint(error) != NULL);
    b2_error_free(error);
    b2_options_free(none);
    group("a wrong key, with a message and a hint");
}

static void json(void)
{
    char *text = NULL, small[8], large[4096];
    size_t length;

    CHECK(b2_authorize_json("{}", &text) == B2_OK);
    CHECK(text != NULL && strncmp(text, "{\"accountId\":\"4aa9865d6f00\",", 28) == 0);
    length = b2_authorize_json_into("{}", small, sizeof small);
    CHECK(text != NULL && length == strlen(text) && strncmp(small, text, 7) == 0 && small[7] == '\0');
    CHECK(b2_authorize_json_into("{}", large, sizeof large) == length && same(large, text));
    b2_string_free(text);
    text = NULL;
    CHECK(b2_authorize_json("{\"nothing\":1}", &text) == B2_INVALID_ARGUMENT);
    CHECK(text != NULL && strstr(text, "\"B2_INVALID_ARGUMENT\"") != NULL);
    b2_string_free(text);
    group("text in, text out");
}

static void batch(void)
{
    const char *ids[3] = { key_id, key_id, key_id }, *keys[3] = { key, "K001otherotherotherotherotherot", key };
    b2_session *sessions[3] = { NULL, NULL, NULL };
    b2_error *errors[3] = { NULL, NULL, NULL };
    b2_options *none = b2_options_new();
    int i;

    CHECK(b2_authorize_many(ids, keys, 3, none, sessions, errors) == B2_BAD_CREDENTIALS);
    CHECK(sessions[0] != NULL && sessions[1] == NULL && sessions[2] != NULL && errors[1] != NULL);
    for (i = 0; i < 3; i++) {
        b2_session_free(sessions[i]);
        b2_error_free(errors[i]);
    }
    b2_options_free(none);
    group("a batch, each place by itself");
}

struct log {
    int lines, released, secrets;
};

static void count_line(void *data, int level, const char *message)
{
    struct log *log = data;

    (void)level;
    log->lines++;
    log->secrets += strstr(message, key) != NULL;
}

static void released(void *data)
{
    ((struct log *)data)->released++;
}

static void logging(void)
{
    struct log log = { 0, 0, 0 };
    b2_options *made = b2_options_new();
    b2_session *session = NULL;

    CHECK(b2_options_set(made, "cache", "refresh", NULL) == B2_OK);
    b2_options_set_log(made, count_line, &log, released);
    CHECK(b2_authorize_with(key_id, key, made, &session, NULL) == B2_OK);
    CHECK(log.lines > 0 && log.secrets == 0 && log.released == 0);
    b2_options_free(made);
    CHECK(log.released == 1);
    b2_session_free(session);
    group("a log, and its release");
}

static void secure(void)
{
    const char *realm = environment("B2_SANDBOX_HTTPS"), *ca = environment("B2_SANDBOX_CA");
    const char *const without[] = { "realm", realm, NULL }, *const with[] = { "realm", realm, "ca_file", ca, NULL };
    b2_session *session = NULL;
    b2_error *error = NULL;

    CHECK(authorize(without, key_id, key, &session, &error) == B2_TLS_ERROR);
    CHECK(session == NULL && b2_error_message(error) != NULL);
    b2_error_free(error);
    error = NULL;
    CHECK(authorize(with, key_id, key, &session, &error) == B2_OK);
    if (error != NULL)
        printf("%s\n", b2_error_message(error));
    b2_session_free(session);
    b2_error_free(error);
    group("https: an unknown CA is refused, and accepted by ca_file");
}

static void database(void)
{
    const char *const pairs[] = { "account_info", environment("B2_TEST_DATABASE"), NULL };
    b2_session *session = NULL;
    b2_error *error = NULL;

    /* Not the environment's pair: a key ID with a blank key takes what the database has for it. */
    CHECK(authorize(pairs, environment("B2_TEST_DATABASE_KEY_ID"), NULL, &session, &error) == B2_OK);
    if (error != NULL)
        printf("%s\n", b2_error_message(error));
    CHECK(same(b2_session_account_id(session), "4aa9865d6f00"));
    b2_session_free(session);
    b2_error_free(error);
    group("a key from the b2 tool's database");
}

static void store(void)
{
    const char *const pairs[] = { "store", environment("B2_TEST_STORE"), "store_required", "1", NULL };
    b2_session *first = NULL, *again = NULL;
    b2_error *error = NULL;
    uint64_t requests = b2_counter("requests"), hits = b2_counter("store_hits"), errors = b2_counter("store_errors");

    b2_cache_clear();
    CHECK(authorize(pairs, key_id, key, &first, &error) == B2_OK);
    if (error != NULL)
        printf("%s\n", b2_error_message(error));
    b2_error_free(error);
    CHECK(b2_counter("requests") == requests + 1 && b2_counter("store_hits") == hits);
    /* As another process would find it. */
    b2_cache_clear();
    CHECK(authorize(pairs, key_id, key, &again, NULL) == B2_OK);
    CHECK(same(b2_session_authorization_token(first), b2_session_authorization_token(again)));
    CHECK(b2_counter("requests") == requests + 1 && b2_counter("store_hits") == hits + 1);
    CHECK(b2_counter("store_errors") == errors);
    b2_session_free(first);
    b2_session_free(again);
    group("a token store in files");
}

PORT_THREAD(trigger_later, cancel)
{
    port_sleep_ms(400);
    b2_cancel_trigger((b2_cancel *)cancel);
    PORT_THREAD_END;
}

/* Ends a call that would take for ever by a deadline of 700 ms, and by a cancel after 400 ms. */
static void stall(const char *realm, const char *what)
{
    const char *const timed[] = { "realm", realm, "total_timeout_ms", "700", NULL };
    const char *const patient[] = { "realm", realm, "connect_timeout_ms", "60000", "attempt_timeout_ms", "60000",
                                    NULL };
    const char *id = environment("B2_TEST_SLOW_KEY_ID");
    b2_session *session = NULL;
    long long start = port_now_ms(), took;
    b2_options *made;
    b2_cancel *cancel;
    port_thread thread;
    b2_status status;
    char name[96];

    status = authorize(timed, id, key, &session, NULL);
    took = port_now_ms() - start;
    if (status != B2_TIMEOUT || took < 690 || took > 700 + LATE_MS)
        printf("status %d after %lld ms\n", (int)status, took);
    CHECK(status == B2_TIMEOUT);
    CHECK(took >= 690 && took <= 700 + LATE_MS);
    (void)snprintf(name, sizeof name, "a deadline, %s", what);
    group(name);

    cancel = b2_cancel_new();
    made = options(patient);
    b2_options_set_cancel(made, cancel);
    thread = port_start(trigger_later, cancel);
    start = port_now_ms();
    status = b2_authorize_with(id, key, made, &session, NULL);
    took = port_now_ms() - start;
    if (status != B2_CANCELLED || took > 400 + LATE_MS)
        printf("status %d after %lld ms\n", (int)status, took);
    CHECK(status == B2_CANCELLED);
    CHECK(took >= 390 && took <= 400 + LATE_MS);
    port_join(thread);
    b2_options_free(made);
    b2_cancel_free(cancel);
    (void)snprintf(name, sizeof name, "a cancel, %s (after %lld ms)", what, took);
    group(name);
}

static void refused(void)
{
    const char *const pairs[] = { "realm", environment("B2_TEST_REFUSED"), "max_attempts", "1", NULL };
    b2_session *session = NULL;
    b2_error *error = NULL;

    CHECK(authorize(pairs, key_id, key, &session, &error) == B2_NETWORK_ERROR);
    CHECK(b2_error_message(error) != NULL && strstr(b2_error_message(error), "refused") != NULL);
    b2_error_free(error);
    group("a port that nobody listens on");
}

#define CROWD 8

PORT_THREAD(one_of_many, status)
{
    b2_session *session = NULL;

    *(b2_status *)status = b2_authorize(key_id, key, &session);
    b2_session_free(session);
    PORT_THREAD_END;
}

static void crowd(void)
{
    port_thread threads[CROWD];
    b2_status statuses[CROWD];
    uint64_t requests;
    int i;

    b2_cache_clear();
    requests = b2_counter("requests");
    for (i = 0; i < CROWD; i++)
        threads[i] = port_start(one_of_many, &statuses[i]);
    for (i = 0; i < CROWD; i++) {
        port_join(threads[i]);
        CHECK(statuses[i] == B2_OK);
    }
    CHECK(b2_counter("requests") == requests + 1);
    group("many threads, one request");
}

int main(void)
{
#ifdef LOADED
    void *library = port_load(environment("B2_LIBRARY"));

    if (library == NULL) {
        printf("not ok %s cannot be loaded\n", environment("B2_LIBRARY"));
        return 1;
    }
#define FIND(name)                                             \
    {                                                          \
        void *symbol = port_symbol(library, #name);            \
        if (symbol == NULL) {                                  \
            printf("not ok the library lacks %s\n", #name);    \
            return 1;                                          \
        }                                                      \
        memcpy(&p_##name, &symbol, sizeof symbol);             \
    }
    FUNCTIONS(FIND)
#endif
    key_id = environment("B2_APPLICATION_KEY_ID");
    key = environment("B2_APPLICATION_KEY");
    versions();
    fields();
    refusal();
    json();
    batch();
    logging();
    secure();
    database();
    store();
    crowd();
    stall(environment("B2_ENVIRONMENT"), "while the server does not answer");
    stall(environment("B2_TEST_DEAF"), "while connecting");
    refused();
#ifdef LOADED
    port_unload(library);
    port_unload(library);
    CHECK(b2_abi_version() == B2_ABI_VERSION);
    group("the library stays when it is unloaded");
#endif
    return report();
}
