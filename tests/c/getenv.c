#define _DEFAULT_SOURCE
/*
 * When the library reads the environment: not on a cache hit, and no proxy variable if the option says "none". The reads
 * are counted by a getenv of this program before the system's. A read that does without it ends a child in which the
 * environment lies in a page that may not be read.
 */
#include <b2auth.h>
#include <ctype.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

extern char **environ;

enum { HITS = 1000 };

static long reads, proxy_reads;

static int is_about_a_proxy(const char *name)
{
    size_t length = strlen(name);
    const char *end = length >= 5 ? name + length - 5 : name;

    return length >= 5 && toupper((unsigned char)end[0]) == 'P' && toupper((unsigned char)end[1]) == 'R'
           && toupper((unsigned char)end[2]) == 'O' && toupper((unsigned char)end[3]) == 'X'
           && toupper((unsigned char)end[4]) == 'Y';
}

char *getenv(const char *name)
{
    size_t length = strlen(name);

    (void)__atomic_add_fetch(&reads, 1, __ATOMIC_SEQ_CST);
    if (is_about_a_proxy(name))
        (void)__atomic_add_fetch(&proxy_reads, 1, __ATOMIC_SEQ_CST);
    for (char **each = environ; each != NULL && *each != NULL; each++)
        if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
            return *each + length + 1;
    return NULL;
}

static int granted(const char *id, const char *key, const b2_options *options)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    int good = b2_authorize_with(id, key, options, &session, &error) == B2_OK;

    if (error != NULL)
        printf("# %s\n", b2_error_json(error));
    b2_error_free(error);
    b2_session_free(session);
    return good;
}

/* Cached calls in every form; 1 if each went well. */
static int hits(const char *id, const char *key, const b2_options *options)
{
    int good = 1;

    for (int i = 0; i < HITS; i++)
        good &= granted(NULL, NULL, NULL) && granted(NULL, NULL, options) && granted(id, NULL, NULL)
                && granted(id, key, NULL) && granted(id, key, options);
    return good;
}

/* The same where a look at the environment is the end. */
static int hits_without_environment(const char *id, const char *key, const b2_options *options)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (nothing == MAP_FAILED)
            _exit(2);
        environ = nothing;
        _exit(!hits(id, key, options));
    }
    (void)(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        printf("# the child was ended by signal %d\n", WTERMSIG(status));
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    const char *id = environment("B2_APPLICATION_KEY_ID"), *key = environment("B2_APPLICATION_KEY");
    const char *https = environment("B2_SANDBOX_HTTPS"), *ca_file = environment("B2_SANDBOX_CA");
    b2_options *options = b2_options_new(), *direct = b2_options_copy(options);
    b2_options *elsewhere = b2_options_copy(options);
    long before = reads;

    /* The requests, which do read it: so the count counts. */
    CHECK(granted(NULL, NULL, NULL) && granted(NULL, NULL, options) && granted(id, NULL, NULL));
    CHECK(granted(id, key, NULL) && granted(id, key, options));
    CHECK(reads > before);
    before = reads;
    CHECK(hits(id, key, options));
    CHECK(reads == before);
    CHECK(hits_without_environment(id, key, options));
    group("getenv: a cached call does not read the environment");

    CHECK(b2_options_set(direct, "proxy", "none", NULL) == B2_OK && b2_options_set(direct, "cache", "bypass", NULL) == B2_OK);
    CHECK(b2_options_set(direct, "rate_limit_per_minute", "0", NULL) == B2_OK);
    proxy_reads = 0;
    CHECK(granted(id, key, direct) && granted(NULL, NULL, direct));
    CHECK(b2_options_set(direct, "realm", https, NULL) == B2_OK && b2_options_set(direct, "ca_file", ca_file, NULL) == B2_OK);
    CHECK(granted(id, key, direct) && granted(NULL, NULL, direct));
    CHECK(proxy_reads == 0);
    /* Another proxy than none, where one may be used: so this counts too. Nothing listens there. */
    CHECK(b2_options_set(elsewhere, "realm", "https://192.0.2.1:9", NULL) == B2_OK);
    CHECK(b2_options_set(elsewhere, "connect_timeout_ms", "50", NULL) == B2_OK);
    CHECK(b2_options_set(elsewhere, "max_attempts", "1", NULL) == B2_OK);
    {
        b2_session *session = NULL;

        CHECK(b2_authorize_with(id, key, elsewhere, &session, NULL) != B2_OK);
        CHECK(proxy_reads > 0);
        proxy_reads = 0;
        CHECK(b2_options_set(elsewhere, "proxy", "none", NULL) == B2_OK);
        CHECK(b2_authorize_with(id, key, elsewhere, &session, NULL) != B2_OK);
        CHECK(proxy_reads == 0);
    }
    group("getenv: with proxy=none no proxy variable is read");
    b2_options_free(options);
    b2_options_free(direct);
    b2_options_free(elsewhere);
    return report();
}
