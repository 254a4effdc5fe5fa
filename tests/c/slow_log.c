/*
 * A log function that is slower than the calls of other threads: no call delivers their messages for longer than its own
 * bounds allow, and what was not delivered is counted.
 */
#include <b2auth.h>
#include <pthread.h>
#include <time.h>

#include "check.h"

/* A call may take TOTAL_MS. That it took twice that on a busy machine is no fault; all of BUSY_MS would be. */
enum { THREADS = 6, TOTAL_MS = 1000, BUSY_MS = 4 * TOTAL_MS, LOG_US = 200 };

static const char *id, *key;
static long delivered, inside;
static volatile int over;

static void slow(void *data, int level, const char *message)
{
    struct timespec pause = {0, LOG_US * 1000};

    (void)data;
    (void)level;
    if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) != 1) {
        printf("not ok slow_log: two messages at once\n");
        exit(1);
    }
    if (strstr(message, "log messages were dropped") == NULL)
        delivered++;
    (void)nanosleep(&pause, NULL);
    (void)__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}

static long now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

typedef struct {
    b2_options *options;
    long calls;
    long failures;
    long longest_ms;
} worker;

static void *keep_calling(void *data)
{
    worker *own = data;

    while (!over) {
        b2_session *session = NULL;
        long start = now_ms(), took;

        own->failures += b2_authorize_with(id, key, own->options, &session, NULL) != B2_OK;
        took = now_ms() - start;
        b2_session_free(session);
        own->calls++;
        if (took > own->longest_ms)
            own->longest_ms = took;
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    worker workers[THREADS] = {{NULL, 0, 0, 0}};
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    long calls = 0, longest = 0;
    uint64_t before = b2_counter("log_dropped"), dropped;

    id = environment("B2_APPLICATION_KEY_ID");
    key = environment("B2_APPLICATION_KEY");
    CHECK(b2_authorize(id, key, &session) == B2_OK);
    b2_session_free(session);
    CHECK(b2_options_set(options, "total_timeout_ms", "1000", NULL) == B2_OK);
    b2_options_set_log(options, slow, NULL, NULL);
    for (int i = 0; i < THREADS; i++) {
        workers[i].options = options;
        CHECK(pthread_create(&threads[i], NULL, keep_calling, &workers[i]) == 0);
    }
    /* The thread that delivers for all is kept for as long as the others call. */
    for (long start = now_ms(); now_ms() - start < BUSY_MS;) {
        struct timespec pause = {0, 10000000};

        (void)nanosleep(&pause, NULL);
    }
    over = 1;
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(workers[i].failures == 0);
        calls += workers[i].calls;
        if (workers[i].longest_ms > longest)
            longest = workers[i].longest_ms;
    }
    printf("# %ld calls, the longest took %ld ms\n", calls, longest);
    CHECK(longest < 2 * TOTAL_MS);
    group("slow_log: no call outlasts its bounds for the messages of others");

    /* What is still queued is dropped with the last options. */
    b2_options_free(options);
    dropped = b2_counter("log_dropped") - before;
    printf("# %ld delivered, %llu dropped\n", delivered, (unsigned long long)dropped);
    CHECK(delivered > 0 && delivered + (long)dropped == calls);
    group("slow_log: every message was delivered or is counted as dropped");
    return report();
}
