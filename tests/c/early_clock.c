#define _GNU_SOURCE
/*
 * A wall clock before 1970, as on a board without a battery. Over http all is well; over https the error names the clock,
 * and it is nobody's but that call's. This program stands before the system's clock_gettime.
 */
#include <b2auth.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static long long years_back_s;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long failed = syscall(SYS_clock_gettime, clock, now);

    if (failed == 0 && clock == CLOCK_REALTIME)
        now->tv_sec -= (time_t)years_back_s;
    return (int)failed;
}

static b2_options *options_for(const char *realm, const char *ca_file)
{
    b2_options *options = b2_options_new();

    CHECK(b2_options_set(options, "realm", realm, NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", ca_file, NULL) == B2_OK);
    CHECK(b2_options_set(options, "cache", "refresh", NULL) == B2_OK);
    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    return options;
}

int main(void)
{
    b2_options *http = options_for(environment("B2_ENVIRONMENT"), NULL);
    b2_options *https = options_for(environment("B2_SANDBOX_HTTPS"), environment("B2_SANDBOX_CA"));
    b2_session *session = NULL;
    b2_error *error = NULL;

    years_back_s = 70LL * 366 * 24 * 60 * 60;
    CHECK(b2_authorize_with(NULL, NULL, http, &session, &error) == B2_OK);
    CHECK(b2_session_seconds_left(session) > 0);
    b2_session_free(session);
    b2_error_free(error);
    group("early_clock: a call over http works");

    CHECK(b2_authorize_with(NULL, NULL, https, &session, &error) == B2_TLS_ERROR);
    if (error != NULL)
        printf("# %s\n", b2_error_json(error));
    CHECK(error != NULL && strstr(b2_error_message(error), "before 1970") != NULL);
    CHECK(error != NULL && strstr(b2_error_hint(error), "clock") != NULL);
    b2_error_free(error);
    years_back_s = 0;
    CHECK(b2_authorize_with(NULL, NULL, https, &session, &error) == B2_OK);
    b2_session_free(session);
    b2_error_free(error);
    group("early_clock: a call over https names the clock, and the next one works");
    b2_options_free(http);
    b2_options_free(https);
    return report();
}
