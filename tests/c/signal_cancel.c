/* A call that waits on a silent server ends soon after a signal handler triggers its cancel. */
#include <b2auth.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

static b2_cancel *cancel;
static struct timespec triggered_at;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    (void)clock_gettime(CLOCK_MONOTONIC, &triggered_at);
    b2_cancel_trigger(cancel);
}

static long ms_since(const struct timespec *then)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)(now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

int main(void)
{
    b2_session *session = NULL;
    b2_options *options = b2_options_new();
    b2_error *error = NULL;
    struct sigaction action = {0};
    struct itimerval soon = {{0, 0}, {0, 200000}};

    cancel = b2_cancel_new();
    CHECK(options != NULL && cancel != NULL);
    b2_options_set_cancel(options, cancel);
    action.sa_handler = on_alarm;
    CHECK(sigemptyset(&action.sa_mask) == 0 && sigaction(SIGALRM, &action, NULL) == 0);

    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"times\":0,\"cut\":{\"how\":\"silence\"}}]}");
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(b2_authorize_with(NULL, NULL, options, &session, &error) == B2_CANCELLED);
    /* 250 ms are promised; the rest is for a machine that is busy with something else. */
    CHECK(ms_since(&triggered_at) < 250 + 500);
    CHECK(session == NULL && b2_error_status(error) == B2_CANCELLED);
    b2_error_free(error);
    group("signal_cancel: a waiting call ends");

    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[]}");
    CHECK(b2_authorize(NULL, NULL, &session) == B2_OK);
    b2_session_free(session);
    CHECK(b2_cancel_is_triggered(cancel) == 1);
    CHECK(b2_authorize_with(NULL, NULL, options, &session, NULL) == B2_CANCELLED && session == NULL);
    group("signal_cancel: a triggered cancel wins over a cached token");

    b2_options_set_cancel(options, NULL);
    CHECK(b2_authorize_with(NULL, NULL, options, &session, NULL) == B2_OK);
    b2_session_free(session);
    group("signal_cancel: without it the options work again");

    b2_options_free(options);
    b2_cancel_free(cancel);
    return report();
}
