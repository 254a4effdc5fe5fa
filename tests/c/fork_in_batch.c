/*
 * A log function forks in the middle of a batch, and both processes go on with it: each on connections of its own. Over
 * https a request that went over the other's connection would break the encryption of both, and be repeated.
 */
#include <b2auth.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { KEYS = 3, PATIENCE_S = 30 };

static pid_t child = -1;
static int forked;

/* Forks after the first request, and lets the child go on first. */
static void fork_once(void *data, int level, const char *message)
{
    int *child_status = data;

    (void)level;
    if (forked || strstr(message, "granted") == NULL)
        return;
    forked = 1;
    (void)fflush(stdout);
    child = fork();
    if (child == 0)
        (void)alarm(PATIENCE_S);
    else if (waitpid(child, child_status, 0) != child)
        *child_status = -1;
}

int main(void)
{
    const char *ids[KEYS], *keys[KEYS];
    b2_session *sessions[KEYS];
    b2_error *errors[KEYS];
    b2_options *options = b2_options_new();
    int child_status = -1;
    uint64_t before;

    for (int i = 0; i < KEYS; i++) {
        ids[i] = environment("B2_APPLICATION_KEY_ID");
        keys[i] = environment("B2_APPLICATION_KEY");
    }
    /* Equal places would share one request. */
    ids[1] = "0014aa9865d6f0000000000b1";
    keys[1] = "K001restricted/1+bucket00000000";
    keys[2] = "K001wrong/wrong/wrong/wrong+wro";
    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "concurrency", "1", NULL) == B2_OK);
    CHECK(b2_options_set(options, "cache", "bypass", NULL) == B2_OK);
    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    b2_options_set_log(options, fork_once, &child_status, NULL);
    before = b2_counter("requests");
    CHECK(b2_authorize_many(ids, keys, KEYS, options, sessions, errors) == B2_BAD_CREDENTIALS);
    CHECK(sessions[0] != NULL && sessions[1] != NULL && b2_error_status(errors[2]) == B2_BAD_CREDENTIALS);
    printf("# %s: %llu requests\n", child == 0 ? "the child" : "the parent",
           (unsigned long long)(b2_counter("requests") - before));
    CHECK(b2_counter("requests") - before == KEYS);
    for (int i = 0; i < KEYS; i++) {
        b2_session_free(sessions[i]);
        b2_error_free(errors[i]);
    }
    b2_options_free(options);
    if (child == 0) {
        (void)fflush(stdout);
        _exit(report());
    }
    CHECK(child > 0 && WIFEXITED(child_status) && WEXITSTATUS(child_status) == 0);
    group("fork_in_batch: parent and child go on with connections of their own");
    return report();
}
