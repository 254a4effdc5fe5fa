/*
 * Many machines with one token store: each is a process of its own, made by fork from one that holds no session, so that
 * nothing is shared but the store.
 *
 *   machines WHAT COUNT SPREAD_MS ROUNDS [NAME=VALUE…]     key and realm from the environment
 *
 *   authorize    each asks for a session
 *   rejected     all were given one session, whose token B2 refuses now: each asks for another
 *   invalidated  one of them invalidates it and ends; the others have no session
 *   refresh      each asks six times for a token that is newer than its request
 *
 * All begin within SPREAD_MS. It prints a line for each round: how many got a session, how many different tokens, how many the
 * old one, the sums of their counters, and each status that a call ended with.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <b2auth.h>

enum { MOST = 2000, REFRESHES = 6, STATUSES = 16 };

struct result {
    uint64_t token; /* its digest; 0: none */
    uint32_t requests, hits, errors, took_ms;
    uint32_t statuses[STATUSES];
};

static void die(const char *what)
{
    fprintf(stderr, "machines: %s\n", what);
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t digest(const char *text)
{
    uint64_t hash = 14695981039346656037u;

    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static void one_call(const char *what, const b2_options *options, const b2_session *old, struct result *result)
{
    b2_session *session = NULL;
    b2_status status;

    if (strcmp(what, "rejected") == 0)
        status = b2_reauthorize(NULL, NULL, old, options, &session, NULL);
    else if (strcmp(what, "refresh") == 0)
        status = b2_reauthorize(NULL, NULL, NULL, options, &session, NULL);
    else
        status = b2_authorize_with(NULL, NULL, options, &session, NULL);
    result->statuses[(unsigned)status < STATUSES ? (unsigned)status : STATUSES - 1]++;
    if (status == B2_OK)
        result->token = digest(b2_session_authorization_token(session));
    b2_session_free(session);
}

/* A machine: begins when the parent closes the pipe `start`, and writes what came of it to `results`. */
static void machine(const char *what, const b2_options *options, const b2_session *old, int start, int results,
                    unsigned delay_us)
{
    static const char *const names[] = {"requests", "store_hits", "store_errors"};
    struct result result;
    uint64_t before[3], begun;
    char byte;
    int i, calls = strcmp(what, "refresh") == 0 ? REFRESHES : 1;

    memset(&result, 0, sizeof result);
    for (i = 0; i < 3; i++)
        before[i] = b2_counter(names[i]);
    while (read(start, &byte, 1) > 0)
        ;
    (void)usleep(delay_us);
    begun = now_ms();
    for (i = 0; i < calls; i++)
        one_call(what, options, old, &result);
    result.took_ms = (uint32_t)(now_ms() - begun);
    result.requests = (uint32_t)(b2_counter(names[0]) - before[0]);
    result.hits = (uint32_t)(b2_counter(names[1]) - before[1]);
    result.errors = (uint32_t)(b2_counter(names[2]) - before[2]);
    _exit(write(results, &result, sizeof result) != (ssize_t)sizeof result);
}

static int by_value(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

static void print(const struct result *results, int count, uint64_t old)
{
    static uint64_t tokens[MOST];
    struct result sum;
    int i, status, got = 0, different = 0, with_old = 0;
    uint32_t slowest = 0;

    memset(&sum, 0, sizeof sum);
    for (i = 0; i < count; i++) {
        if (results[i].token != 0)
            tokens[got++] = results[i].token;
        with_old += results[i].token != 0 && results[i].token == old;
        sum.requests += results[i].requests;
        sum.hits += results[i].hits;
        sum.errors += results[i].errors;
        slowest = results[i].took_ms > slowest ? results[i].took_ms : slowest;
        for (status = 0; status < STATUSES; status++)
            sum.statuses[status] += results[i].statuses[status];
    }
    qsort(tokens, (size_t)got, sizeof *tokens, by_value);
    for (i = 0; i < got; i++)
        different += i == 0 || tokens[i] != tokens[i - 1];
    printf("machines=%d sessions=%d tokens=%d old=%d requests=%u hits=%u errors=%u slowest_ms=%u", count, got, different,
           with_old, sum.requests, sum.hits, sum.errors, slowest);
    for (status = 0; status < STATUSES; status++)
        if (sum.statuses[status] > 0)
            printf(" %s=%u", b2_status_name(status), sum.statuses[status]);
    putchar('\n');
    fflush(stdout);
}

static void run(const char *what, int count, unsigned spread_ms, const b2_options *options, const b2_session *old)
{
    static struct result results[MOST];
    int start[2], channel[2], i, got, status;

    if (pipe(start) != 0 || pipe(channel) != 0)
        die("no pipe");
    for (i = 0; i < count; i++) {
        unsigned delay_us = (unsigned)((uint64_t)spread_ms * 1000 * (uint64_t)i / (uint64_t)count);
        pid_t child = fork();

        if (child < 0)
            die("no process");
        if (child == 0) {
            (void)close(start[1]);
            machine(what, options, old, start[0], channel[1], delay_us);
        }
    }
    (void)close(start[0]);
    (void)close(channel[1]);
    (void)close(start[1]);
    for (got = 0; got < count && read(channel[0], &results[got], sizeof *results) == (ssize_t)sizeof *results; got++)
        ;
    (void)close(channel[0]);
    while (wait(&status) > 0)
        ;
    if (got < count)
        die("a machine ended without a result");
    print(results, count, digest(old != NULL ? b2_session_authorization_token(old) : NULL));
}

/* What each machine has anyway, and would have to do on the same two cores: the trusted certificates are read. */
static void warm_up(b2_options *options)
{
    char *report = NULL;
    b2_options *look = b2_options_copy(options);

    if (b2_options_set(look, "diagnose", "store", NULL) == B2_OK)
        (void)b2_diagnose_json(NULL, NULL, look, &report);
    b2_string_free(report);
    b2_options_free(look);
}

static b2_session *old_session(const char *what, const b2_options *options)
{
    b2_session *old = NULL;
    int status = 0;

    if (strcmp(what, "rejected") != 0 && strcmp(what, "invalidated") != 0)
        return NULL;
    if (b2_authorize_with(NULL, NULL, options, &old, NULL) != B2_OK)
        die("no session to begin with");
    if (strcmp(what, "invalidated") == 0) {
        pid_t child = fork();

        if (child == 0) {
            b2_session_invalidate(old);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            die("it cannot be invalidated");
        b2_cache_clear();
    }
    return old;
}

int main(int argc, char **argv)
{
    b2_options *options = b2_options_new();
    b2_session *old;
    int i, count, rounds;

    if (argc < 5)
        die("usage: machines WHAT COUNT SPREAD_MS ROUNDS [NAME=VALUE...]");
    count = atoi(argv[2]);
    rounds = atoi(argv[4]);
    if (count < 1 || count > MOST)
        die("1 to 2000 machines");
    for (i = 5; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value == NULL)
            die("NAME=VALUE");
        *value = '\0';
        if (b2_options_set(options, argv[i], value + 1, NULL) != B2_OK)
            die("an option is refused");
    }
    warm_up(options);
    old = old_session(argv[1], options);
    for (i = 0; i < rounds; i++)
        run(argv[1], count, (unsigned)atoi(argv[3]), options, old);
    b2_session_free(old);
    b2_options_free(options);
    return 0;
}
