/*
 * The library's story, told and checked: `make demo` runs it against the sandbox, whose log has the requests counted, or
 * against B2 if B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY are set. What only the sandbox can do is then left out.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <b2auth.h>
#include <curl/curl.h>

enum { THREADS = 64, HITS = 100000 };

static const char *sandbox; /* its control endpoint, or NULL: this is B2 */
static const char *key_id, *key;

/* ---- telling and checking ---- */

static void tell(const char *title, const char *format, ...)
{
    va_list more;

    va_start(more, format);
    printf("%-22s", title);
    vprintf(format, more);
    printf("\n");
    va_end(more);
    (void)fflush(stdout);
}

/* A longer text, over as many lines as it needs. */
static void tell_text(const char *title, const char *text)
{
    enum { WIDTH = 76 };

    while (strlen(text) > WIDTH) {
        int end = WIDTH;

        while (end > 0 && text[end] != ' ')
            end--;
        if (end == 0)
            end = WIDTH;
        tell(title, "%.*s", end, text);
        title = "";
        text += end;
        text += strspn(text, " ");
    }
    tell(title, "%s", text);
}

static void must(int good, const char *what)
{
    if (good)
        return;
    printf("THIS IS NOT SO: %s\n", what);
    exit(1);
}

static b2_session *must_authorize(b2_status status, b2_session *session, b2_error *error)
{
    if (status == B2_OK)
        return session;
    printf("%s: %s\n", b2_status_name((int)status), b2_error_message(error));
    if (b2_error_hint(error) != NULL)
        printf("%s\n", b2_error_hint(error));
    exit(1);
}

static double now(void)
{
    struct timespec time;

    must(clock_gettime(CLOCK_MONOTONIC, &time) == 0, "there is a clock");
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- HTTP, for the call to B2 and for what the sandbox is told ---- */

struct answer {
    long status;
    size_t length;
    char body[64 * 1024];
};

static size_t keep(char *data, size_t one, size_t count, void *user_data)
{
    struct answer *answer = user_data;
    size_t size = one * count;

    if (size >= sizeof answer->body - answer->length)
        return 0;
    memcpy(answer->body + answer->length, data, size);
    answer->length += size;
    answer->body[answer->length] = '\0';
    return size;
}

/* GET, or POST where there is a body. A token may be NULL. */
static const struct answer *http(const char *base, const char *path, const char *token, const char *body)
{
    static struct answer answer;
    char url[512], header[1024];
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();

    must(curl != NULL, "libcurl has memory");
    must(snprintf(url, sizeof url, "%s/%s", base, path) < (int)sizeof url, "the URL fits");
    if (token != NULL) {
        must(snprintf(header, sizeof header, "Authorization: %s", token) < (int)sizeof header, "the token fits");
        headers = curl_slist_append(NULL, header);
        must(headers != NULL, "libcurl has memory");
    }
    answer.length = 0;
    answer.body[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    must(curl_easy_perform(curl) == CURLE_OK, "the server answers");
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return &answer;
}

static void tell_sandbox(const char *what, const char *json)
{
    must(http(sandbox, what, NULL, json)->status == 200, "the sandbox does what it is told");
}

static const struct answer *list_buckets(const b2_session *session)
{
    char body[128];

    must(snprintf(body, sizeof body, "{\"accountId\":\"%s\"}", b2_session_account_id(session)) < (int)sizeof body,
         "the account id fits");
    return http(b2_session_api_url(session), "b2api/v4/b2_list_buckets", b2_session_authorization_token(session), body);
}

/* How many authorize requests went out since this was asked last: by the sandbox's log, or by our own count. */
static unsigned long requests(void)
{
    static unsigned long before;
    unsigned long all = (unsigned long)b2_counter("requests");
    unsigned long since;

    if (sandbox != NULL)
        must(sscanf(http(sandbox, "count", NULL, NULL)->body, "%*[^0-9]%lu", &all) == 1, "the sandbox counts");
    since = all - before;
    before = all;
    return since;
}

/* ---- the story ---- */

static b2_session *first_call(void)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    double start = now();
    b2_status status = b2_authorize_with(key_id, key, NULL, &session, &error);
    double took = now() - start;

    session = must_authorize(status, session, error);
    must(requests() == 1, "the first call makes one request");
    tell("The first call", "1 request, %.1f ms", took * 1e3);
    tell("  accountId", "%s", b2_session_account_id(session));
    tell("  apiUrl", "%s", b2_session_api_url(session));
    tell("  downloadUrl", "%s", b2_session_download_url(session));
    tell("  authorizationToken", "%.8s... good for %" PRId64 " h", b2_session_authorization_token(session),
         (b2_session_seconds_left(session) + 1800) / 3600);
    return session;
}

static void second_call(void)
{
    double start = now();
    double took;

    for (int i = 0; i < HITS; i++) {
        b2_session *session = NULL;

        must(b2_authorize(key_id, key, &session) == B2_OK, "the cache has a session");
        b2_session_free(session);
    }
    took = now() - start;
    must(requests() == 0, "a cached session needs no request");
    tell("The second call", "no request, %.0f ns (the mean of the next %d)", took * 1e9 / HITS, HITS);
}

static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

static void *ask(void *place)
{
    b2_session **session = place;

    must(pthread_rwlock_rdlock(&gate) == 0 && pthread_rwlock_unlock(&gate) == 0, "the gate opens");
    must(b2_authorize(key_id, key, session) == B2_OK, "each thread gets a session");
    return NULL;
}

static void many_threads(void)
{
    pthread_t threads[THREADS];
    b2_session *sessions[THREADS];
    uint64_t waited = b2_counter("coalesced");

    b2_cache_clear();
    must(pthread_rwlock_wrlock(&gate) == 0, "the gate closes");
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, ask, &sessions[i]) == 0, "there are threads");
    must(pthread_rwlock_unlock(&gate) == 0, "the gate opens");
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0, "each thread ends");
    for (int i = 0; i < THREADS; i++)
        must(strcmp(b2_session_authorization_token(sessions[i]), b2_session_authorization_token(sessions[0])) == 0,
             "all threads have one token");
    must(requests() == 1, "64 threads make one request");
    waited = b2_counter("coalesced") - waited;
    tell("64 threads at once", "1 request for all, %" PRIu64 " waited for it, %" PRIu64 " came later", waited,
         THREADS - 1 - waited);
    for (int i = 0; i < THREADS; i++)
        b2_session_free(sessions[i]);
}

static b2_session *reauthorize(void)
{
    b2_session *session = NULL, *fresh = NULL;
    b2_error *error = NULL;
    const struct answer *answer;
    b2_status status;

    must(b2_authorize(key_id, key, &session) == B2_OK, "the cache has a session");
    answer = list_buckets(session);
    if (sandbox == NULL) {
        tell("B2 is asked", "b2_list_buckets answers %ld", answer->status);
        return session;
    }
    must(answer->status == 200, "a good token is accepted");
    tell_sandbox("expire", "{\"keyId\":\"*\"}");
    answer = list_buckets(session);
    must(answer->status == 401 && strstr(answer->body, "\"expired_auth_token\"") != NULL, "the token has expired");
    must(b2_should_reauthorize_body((int)answer->status, answer->body, answer->length) == 1, "a new token is the cure");
    tell("The token expires", "b2_list_buckets answers %ld expired_auth_token", answer->status);

    status = b2_reauthorize(key_id, key, session, NULL, &fresh, &error);
    fresh = must_authorize(status, fresh, error);
    must(requests() == 1, "a new token costs one request");
    answer = list_buckets(fresh);
    must(answer->status == 200, "the new token is accepted");
    tell("b2_reauthorize", "1 request, and b2_list_buckets answers %ld", answer->status);
    b2_session_free(fresh);

    status = b2_reauthorize(key_id, key, session, NULL, &fresh, &error);
    b2_session_free(must_authorize(status, fresh, error));
    must(requests() == 0, "who comes second with the same rejected token gets the new one");
    tell("  and once more", "no request: whoever was refused with the old token gets the new one");
    return session;
}

static void wrong_key(void)
{
    static const char wrong[] = "K001ThisIsNotTheKeyOfThatKeyId0";
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = b2_authorize_with(key_id, wrong, NULL, &session, &error);

    must(status == B2_BAD_CREDENTIALS && session == NULL, "a wrong key is refused");
    must(requests() == 1, "a wrong key is tried once");
    tell("A wrong key", "1 request, no retry: %s", b2_status_name((int)status));
    tell_text("  message", b2_error_message(error));
    if (b2_error_hint(error) != NULL)
        tell_text("  hint", b2_error_hint(error));
    b2_error_free(error);
    must(b2_authorize(key_id, wrong, &session) == B2_BAD_CREDENTIALS, "the refusal is remembered");
    must(requests() == 0, "a refusal that is remembered needs no request");
    tell("  and once more", "no request: a refusal is remembered for 10 s");
}

static void too_many_requests(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status;
    double start;

    must(b2_options_set(options, "cache", "refresh", NULL) == B2_OK, "an option is set");
    must(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK, "an option is set");
    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"status\":429,\"retryAfter\":1}]}");
    start = now();
    status = b2_authorize_with(key_id, key, options, &session, &error);
    b2_session_free(must_authorize(status, session, error));
    must(now() - start >= 1.0, "as long is waited as the server asked");
    must(requests() == 2, "after the wait one more request is made");
    tell("429, Retry-After: 1", "waited it out: 2 requests, %.1f s, %s", now() - start, b2_status_name((int)status));
    b2_options_free(options);
}

int main(void)
{
    b2_session *session;

    sandbox = getenv("B2_SANDBOX");
    key_id = getenv("B2_APPLICATION_KEY_ID");
    key = getenv("B2_APPLICATION_KEY");
    must(key_id != NULL && key != NULL, "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY are set");
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl is ready");

    printf("b2auth %s against %s\n\n", b2_library_version(), sandbox != NULL ? "the sandbox" : "Backblaze B2");
    (void)requests();
    b2_session_free(first_call());
    second_call();
    many_threads();
    session = reauthorize();
    wrong_key();
    if (sandbox != NULL)
        too_many_requests();
    printf("\nThe requests were counted %s.\n", sandbox != NULL ? "in the sandbox's log" : "by the library");

    /* A snapshot: it can be read whatever has happened since. */
    must(b2_session_account_id(session) != NULL, "an old session can be read");
    b2_session_free(session);
    curl_global_cleanup();
    return 0;
}
