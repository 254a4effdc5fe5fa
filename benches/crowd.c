/*
 * What 10,000 waiters cost while one request is in flight, with a cancel of their own each and without: CPU seconds of the
 * process, which is forked for each run.
 *
 *   crowd WAITERS     beside a sandbox that delays every response: benches/crowd.sh
 */
#define _GNU_SOURCE
#include <b2auth.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

struct result {
    double all, waiting, wall;
};

static atomic_int returned, failed;
static int has_cancel;

static void fail(const char *what)
{
    fprintf(stderr, "crowd: %s\n", what);
    exit(1);
}

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

static void *waiter(void *unused)
{
    b2_options *options = b2_options_new();
    b2_cancel *cancel = has_cancel ? b2_cancel_new() : NULL;
    b2_session *session = NULL;

    b2_options_set_cancel(options, cancel);
    if (b2_authorize_with(getenv("B2_APPLICATION_KEY_ID"), getenv("B2_APPLICATION_KEY"), options, &session, NULL) != B2_OK)
        atomic_store(&failed, 1);
    atomic_fetch_add(&returned, 1);
    b2_session_free(session);
    b2_cancel_free(cancel);
    b2_options_free(options);
    return unused;
}

static struct result crowd(int waiters)
{
    struct result result = {0, 0, 0};
    double from = now_ns(), before = cpu_ns(), all_wait;
    pthread_t *threads = calloc((size_t)waiters, sizeof *threads);
    pthread_attr_t attributes;
    int i;

    if (threads == NULL || pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, 128 * 1024) != 0)
        fail("no memory");
    for (i = 0; i < waiters; i++)
        if (pthread_create(&threads[i], &attributes, waiter, NULL) != 0)
            fail("no thread; is there a limit on processes?");
    while (b2_counter("coalesced") + 1 < (uint64_t)waiters && atomic_load(&returned) == 0)
        pause_ms(10);
    if (atomic_load(&returned) != 0)
        fail("the response came before all of them waited");
    all_wait = cpu_ns();
    while (atomic_load(&returned) == 0) {
        result.waiting = (cpu_ns() - all_wait) / 1e9;
        pause_ms(20);
    }
    for (i = 0; i < waiters; i++)
        (void)pthread_join(threads[i], NULL);
    result.all = (cpu_ns() - before) / 1e9;
    result.wall = (now_ns() - from) / 1e9;
    if (atomic_load(&failed) || b2_counter("requests") != 1)
        fail("a call failed, or there was more than one request");
    return result;
}

static struct result measured(int waiters, int with_cancel)
{
    struct result result = {0, 0, 0};
    int channel[2], status = 0;
    pid_t child;

    if (pipe(channel) != 0 || (child = fork()) < 0)
        fail("no process");
    if (child == 0) {
        has_cancel = with_cancel;
        result = crowd(waiters);
        _exit(write(channel[1], &result, sizeof result) != (ssize_t)sizeof result);
    }
    (void)close(channel[1]);
    if (read(channel[0], &result, sizeof result) != (ssize_t)sizeof result || waitpid(child, &status, 0) != child || status != 0)
        fail("a run failed");
    (void)close(channel[0]);
    return result;
}

int main(int argc, char **argv)
{
    int waiters = argc == 2 ? atoi(argv[1]) : 0, with_cancel;

    if (waiters < 2)
        fail("usage: crowd WAITERS");
    for (with_cancel = 0; with_cancel < 2; with_cancel++) {
        struct result one = measured(waiters, with_cancel);

        printf("bench crowd waiters=%d cancel=%s cpu_s=%.2f waiting_s=%.2f wall_s=%.1f\n", waiters,
               with_cancel ? "yes" : "no", one.all, one.waiting, one.wall);
        (void)fflush(stdout);
    }
    return 0;
}
