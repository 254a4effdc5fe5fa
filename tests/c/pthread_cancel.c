#define _DEFAULT_SOURCE
/*
 * pthread_cancel of a thread inside a call ends neither the process nor the call: it takes effect at the thread's next
 * cancellation point after the call. The cancellation state of the caller is as before.
 */
#include <b2auth.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"

static const char *id, *key, *ca_file, *https;

/* One thread, what it calls, and how far it came. */
typedef struct {
    b2_status (*call)(void);
    int cancelled_in_log;
    int disabled_before;
    int started;
    int returned;
    int state_kept;
    b2_status status;
} victim;

static victim *current;

static int is_set(const int *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void set(int *flag)
{
    __atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
}

static void log_from_call(void *data, int level, const char *message)
{
    (void)data;
    (void)level;
    if (current->cancelled_in_log)
        (void)pthread_cancel(pthread_self());
    /* A cancellation point. */
    if (strstr(message, "asking") != NULL)
        set(&current->started);
    (void)usleep(1);
}

static b2_options *options_with_log(void)
{
    b2_options *options = b2_options_new();

    if (b2_options_set(options, "cache", "bypass", NULL) != B2_OK
        || b2_options_set(options, "rate_limit_per_minute", "0", NULL) != B2_OK)
        exit(3);
    b2_options_set_log(options, log_from_call, NULL, NULL);
    return options;
}

static b2_status one(b2_options *options)
{
    b2_session *session = NULL;
    b2_status status = b2_authorize_with(id, key, options, &session, NULL);

    b2_session_free(session);
    b2_options_free(options);
    return status;
}

static b2_status over_http(void)
{
    return one(options_with_log());
}

static b2_status over_https(void)
{
    b2_options *options = options_with_log();

    if (b2_options_set(options, "realm", https, NULL) != B2_OK || b2_options_set(options, "ca_file", ca_file, NULL) != B2_OK)
        exit(3);
    return one(options);
}

static b2_status in_a_batch(void)
{
    const char *ids[2], *keys[2];
    b2_session *sessions[2] = {NULL, NULL};
    b2_options *options = options_with_log();
    b2_status status;

    ids[0] = ids[1] = id;
    keys[0] = key;
    keys[1] = "K001wrong/wrong/wrong/wrong+wro";
    status = b2_authorize_many(ids, keys, 2, options, sessions, NULL);
    b2_session_free(sessions[0]);
    b2_session_free(sessions[1]);
    b2_options_free(options);
    /* The second key is wrong. */
    return status == B2_BAD_CREDENTIALS ? B2_OK : status;
}

static void *call(void *data)
{
    victim *own = data;
    int state = -1;

    if (own->disabled_before)
        (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    own->status = own->call();
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    own->state_kept = state == (own->disabled_before ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE);
    set(&own->returned);
    (void)pthread_setcancelstate(state, NULL);
    pthread_testcancel();
    return data;
}

/* Cancels a thread in its call; 1 if the call ended well and the thread was cancelled after it, if it may be. */
static int survives(victim own)
{
    pthread_t thread;
    void *result = NULL;

    current = &own;
    if (pthread_create(&thread, NULL, call, &own) != 0)
        return 0;
    while (!is_set(&own.started) && !is_set(&own.returned))
        (void)usleep(1000);
    /* The response takes another 200 ms. */
    (void)pthread_cancel(thread);
    if (pthread_join(thread, &result) != 0)
        return 0;
    if (!own.returned || own.status != B2_OK || !own.state_kept)
        printf("# returned %d, status %d, state kept %d\n", own.returned, (int)own.status, own.state_kept);
    return own.returned && own.status == B2_OK && own.state_kept
           && result == (own.disabled_before ? &own : PTHREAD_CANCELED);
}

int main(void)
{
    static b2_status (*const calls[])(void) = {over_http, over_https, in_a_batch};

    id = environment("B2_APPLICATION_KEY_ID");
    key = environment("B2_APPLICATION_KEY");
    https = environment("B2_SANDBOX_HTTPS");
    ca_file = environment("B2_SANDBOX_CA");
    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"times\":0,\"delayMs\":200}]}");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        victim plain = {calls[i], 0, 0, 0, 0, 0, B2_OK}, in_log = plain, disabled = plain;

        in_log.cancelled_in_log = 1;
        disabled.disabled_before = 1;
        CHECK(survives(plain));
        CHECK(survives(in_log));
        CHECK(survives(disabled));
    }
    group("pthread_cancel: a thread inside a call ends after it, and the process goes on");
    return report();
}
