/*
 * A log function may call the library, for whatever key, and may end the process. None of that waits for a request that
 * waits for the log function. Each scenario runs in a child with an alarm, and without any time limit of the library's.
 */
#include <b2auth.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { PATIENCE_S = 30, TWO = 2 };

static const char *ids[TWO], *keys[TWO];
static pthread_barrier_t both_lead;
static int crossed;

/* One call's log: what it calls for when a request is about to be sent, and how that went. */
typedef struct {
    b2_options *options;
    int wanted;
    int depth;
    int calls;
    int failures;
} reentry;

static b2_options *options_without_limits(void)
{
    b2_options *options = b2_options_new();

    if (options == NULL || b2_options_set(options, "total_timeout_ms", "0", NULL) != B2_OK
        || b2_options_set(options, "rate_limit_per_minute", "0", NULL) != B2_OK
        || b2_options_set(options, "initial_backoff_ms", "1", NULL) != B2_OK)
        _exit(3);
    return options;
}

static int authorize(int which, const b2_options *options)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = b2_authorize_with(ids[which], keys[which], options, &session, &error);

    if (error != NULL)
        printf("# %s\n", b2_error_json(error));
    b2_error_free(error);
    b2_session_free(session);
    return status == B2_OK;
}

/* Calls the library for every message about a request, but not about those of its own calls. */
static void call_again(void *data, int level, const char *message)
{
    reentry *log = data;

    if (log->depth > 0 || (strstr(message, "asking") == NULL && level > B2_LOG_WARN))
        return;
    if (crossed && log->calls == 0)
        (void)pthread_barrier_wait(&both_lead);
    log->depth++;
    log->calls++;
    log->failures += !authorize(log->wanted, log->options);
    log->depth--;
}

static int run_with_log(int which, int wanted)
{
    reentry log = {NULL, 0, 0, 0, 0};
    b2_options *options = options_without_limits();
    int good;

    log.options = options_without_limits();
    log.wanted = wanted;
    b2_options_set_log(options, call_again, &log, NULL);
    good = authorize(which, options);
    b2_options_free(options);
    b2_options_free(log.options);
    if (log.calls == 0 || log.failures > 0)
        printf("# %d calls of the log function, %d failed\n", log.calls, log.failures);
    return good && log.calls > 0 && log.failures == 0;
}

static int same_key(void)
{
    return run_with_log(0, 0) ? 0 : 1;
}

static void *lead(void *which)
{
    int own = *(int *)which;

    return run_with_log(own, 1 - own) ? which : NULL;
}

/* Each thread leads a request for its key, and its log function calls for the other's. */
static int crossed_keys(void)
{
    pthread_t threads[TWO];
    int numbers[TWO] = {0, 1}, good = 1;

    crossed = 1;
    if (pthread_barrier_init(&both_lead, NULL, TWO) != 0)
        return 3;
    for (int i = 0; i < TWO; i++)
        if (pthread_create(&threads[i], NULL, lead, &numbers[i]) != 0)
            return 3;
    for (int i = 0; i < TWO; i++) {
        void *result;

        good &= pthread_join(threads[i], &result) == 0 && result != NULL;
    }
    return !good;
}

static void last_call(void)
{
    b2_options *options = options_without_limits();
    int good = authorize(0, options);

    (void)fflush(stdout);
    _exit(good ? 0 : 1);
}

static void leave(void *data, int level, const char *message)
{
    (void)data;
    (void)level;
    if (strstr(message, "asking") != NULL)
        exit(4);
}

/* The log function ends the process, and a handler for that calls the library for the same key. */
static int exit_from_log(void)
{
    b2_options *options = options_without_limits();

    if (atexit(last_call) != 0)
        return 3;
    b2_options_set_log(options, leave, NULL, NULL);
    (void)authorize(0, options);
    return 5;
}

static int ends_well(int (*scenario)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int result;

        (void)alarm(PATIENCE_S);
        result = scenario();
        (void)fflush(stdout);
        _exit(result);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    /* 14 is the alarm: it hung. */
    printf("# it ended with status %d, signal %d\n", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}

int main(void)
{
    static const char *second_id = "0014aa9865d6f0000000000b1", *second_key = "K001restricted/1+bucket00000000";

    ids[0] = environment("B2_APPLICATION_KEY_ID");
    keys[0] = environment("B2_APPLICATION_KEY");
    ids[1] = second_id;
    keys[1] = second_key;
    /* A retry in each call, so that there is more to say. */
    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"status\":503}]}");
    CHECK(ends_well(same_key));
    group("log_reentry: a log function calls for the key that its message is about");
    CHECK(ends_well(crossed_keys));
    group("log_reentry: two log functions call for each other's key");
    CHECK(ends_well(exit_from_log));
    group("log_reentry: a log function ends the process, and an exit handler calls the library");
    return report();
}
