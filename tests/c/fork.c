/*
 * A child that is forked while other threads of its parent are inside the library can use it: at the very first use,
 * and later, over and over. A child that hangs is ended by its own alarm, so that nothing here waits for ever.
 */
#include <b2auth.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { THREADS = 4, FIRST_USES = 20, CHILDREN = 200, PATIENCE_S = 15 };

static volatile sig_atomic_t over;
static pthread_barrier_t together;

static b2_options *asking_each_time(void)
{
    b2_options *options = b2_options_new();

    if (options == NULL || b2_options_set(options, "cache", "refresh", NULL) != B2_OK
        || b2_options_set(options, "rate_limit_per_minute", "0", NULL) != B2_OK)
        _exit(3);
    return options;
}

/* 0 if the library works here: once through the network, once from the cache. */
static int use(void)
{
    b2_options *options = asking_each_time();
    b2_session *session = NULL;
    b2_error *error = NULL;
    int bad = b2_authorize_with(NULL, NULL, options, &session, &error) != B2_OK;

    if (error != NULL)
        printf("# %s\n", b2_error_json(error));
    b2_error_free(error);
    b2_session_free(session);
    bad |= b2_authorize(NULL, NULL, &session) != B2_OK;
    b2_session_free(session);
    b2_options_free(options);
    (void)fflush(stdout);
    return bad;
}

static void *keep_asking(void *unused)
{
    b2_options *options;

    (void)unused;
    (void)pthread_barrier_wait(&together);
    options = asking_each_time();
    while (!over) {
        b2_session *session = NULL;

        if (b2_authorize_with(NULL, NULL, options, &session, NULL) == B2_OK)
            b2_session_free(session);
    }
    b2_options_free(options);
    return NULL;
}

/* Forks a child that uses the library. 1 if it could. */
static int child_can(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)alarm(PATIENCE_S);
        _exit(use());
    }
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    /* 14 is the alarm: it hung. */
    printf("# a child ended with status %d, signal %d\n", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}

static void start(pthread_t *threads)
{
    over = 0;
    if (pthread_barrier_init(&together, NULL, THREADS + 1) != 0)
        _exit(3);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, keep_asking, NULL) != 0)
            _exit(3);
    (void)pthread_barrier_wait(&together);
}

static void stop(pthread_t *threads)
{
    over = 1;
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&together);
}

/* In a process of its own, so that this is the library's first use in it: forks while the threads begin. */
static int first_use(unsigned delay_us)
{
    int status = 0;
    pid_t fresh = fork();

    if (fresh == 0) {
        pthread_t threads[THREADS];
        struct timespec delay = {0, (long)delay_us * 1000};
        int good;

        (void)alarm(2 * PATIENCE_S);
        start(threads);
        (void)nanosleep(&delay, NULL);
        good = child_can();
        stop(threads);
        _exit(good ? use() : 1);
    }
    return fresh > 0 && waitpid(fresh, &status, 0) == fresh && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    pthread_t threads[THREADS];
    int good = 0;

    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"times\":0,\"delayMs\":3}]}");

    /* The delays walk through the few milliseconds that a first call takes. */
    for (unsigned i = 0; i < FIRST_USES; i++)
        good += first_use(i * 150);
    printf("# first use: %d of %d\n", good, FIRST_USES);
    CHECK(good == FIRST_USES);
    group("fork: at the very first use");

    start(threads);
    good = 0;
    for (int i = 0; i < CHILDREN; i++)
        good += child_can();
    stop(threads);
    printf("# later: %d of %d\n", good, CHILDREN);
    CHECK(good == CHILDREN);
    CHECK(use() == 0);
    group("fork: while others are inside, 200 times over");
    return report();
}
