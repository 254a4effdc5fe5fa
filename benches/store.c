/*
 * What the first call of a process costs with a token store that has the session, beside a whole authorize.
 *
 *   store PROCESSES KEY_ID KEY STORE…     (B2_ENVIRONMENT says where)
 *
 * Each line is of that many processes of one call each; none has a session of its own. They are forked, so that loading
 * the program is not in it, but what the first call of a process has to set up is.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "b2auth.h"
#include "measure.h"

enum { MAX_PROCESSES = 10000 };

static int processes;

/* The time that one call takes in a process of its own; negative if it failed, or did not come from where it should. */
static double one_process(const char *id, const char *key, const b2_options *options, int is_hit)
{
    double took = -1;
    int channel[2], status = 0;
    pid_t child;

    if (pipe(channel) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        b2_session *session = NULL;
        uint64_t hits = b2_counter("store_hits");
        double start = now_ns();
        int is_ok = b2_authorize_with(id, key, options, &session, NULL) == B2_OK;

        took = (now_ns() - start) / 1e3;
        if (!is_ok || (is_hit && b2_counter("store_hits") != hits + 1))
            took = -1;
        _exit(write(channel[1], &took, sizeof took) != (ssize_t)sizeof took);
    }
    (void)close(channel[1]);
    if (read(channel[0], &took, sizeof took) != (ssize_t)sizeof took)
        took = -1;
    (void)close(channel[0]);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? took : -1;
}

static void print(const char *what, double *took)
{
    double middle = median(took, processes);

    (void)printf("bench store what=");
    for (; *what != '\0'; what++)
        (void)putchar(*what == ' ' ? '~' : *what);
    (void)printf(" best=%.0f median=%.0f most=%.0f\n", took[0], middle, took[processes * 95 / 100]);
}

static int measure(const char *what, const char *id, const char *key, const b2_options *options, int is_hit)
{
    static double took[MAX_PROCESSES];
    int i;

    for (i = 0; i < processes; i++) {
        took[i] = one_process(id, key, options, is_hit);
        if (took[i] < 0) {
            fprintf(stderr, "store: %s: a call failed\n", what);
            return 1;
        }
    }
    print(what, took);
    return 0;
}

/* The same in one process, which forgets its session before each call: without what the first call of all has to set up. */
static int measure_again(const char *what, const char *id, const char *key, const b2_options *options)
{
    static double took[MAX_PROCESSES];
    int i;

    for (i = 0; i < processes; i++) {
        b2_session *session = NULL;
        double start;

        b2_cache_clear();
        start = now_ns();
        if (b2_authorize_with(id, key, options, &session, NULL) != B2_OK)
            return 1;
        took[i] = (now_ns() - start) / 1e3;
        b2_session_free(session);
    }
    print(what, took);
    b2_cache_clear();
    return 0;
}

static b2_options *with(const char *store)
{
    b2_options *options = b2_options_new();

    if (b2_options_set(options, "store", store, NULL) != B2_OK ||
        b2_options_set(options, "rate_limit_per_minute", "0", NULL) != B2_OK ||
        b2_options_set(options, "cache", "use", NULL) != B2_OK) {
        fprintf(stderr, "store: %.12s… is refused\n", store);
        exit(1);
    }
    return options;
}

int main(int argc, char **argv)
{
    int failed = 0, i;
    b2_options *options;

    processes = argc > 3 ? atoi(argv[1]) : 0;
    if (processes < 1 || processes > MAX_PROCESSES) {
        fprintf(stderr, "usage: store PROCESSES KEY_ID KEY STORE...\n");
        return 2;
    }
    options = with("none");
    failed |= measure("no store: a whole authorize, http on loopback", argv[2], argv[3], options, 0);
    if (getenv("B2_SANDBOX_HTTPS") != NULL && getenv("B2_SANDBOX_CA") != NULL &&
        b2_options_set(options, "realm", getenv("B2_SANDBOX_HTTPS"), NULL) == B2_OK &&
        b2_options_set(options, "ca_file", getenv("B2_SANDBOX_CA"), NULL) == B2_OK)
        failed |= measure("no store: a whole authorize, https on loopback", argv[2], argv[3], options, 0);
    b2_options_free(options);
    for (i = 4; i < argc; i++) {
        char name[64];
        int length = (int)strcspn(argv[i], ":");

        options = with(argv[i]);
        /* The first asks, and writes. */
        failed |= one_process(argv[2], argv[3], options, 0) < 0;
        (void)snprintf(name, sizeof name, "%.*s: the store has it", length, argv[i]);
        failed |= measure(name, argv[2], argv[3], options, 1);
        (void)snprintf(name, sizeof name, "%.*s: the same, but not the first call", length, argv[i]);
        failed |= measure_again(name, argv[2], argv[3], options);
        b2_options_free(options);
    }
    return failed;
}
