/* The measure of all others: the same calls from C. See run.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <b2auth.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(void)
{
    const char *id = getenv("B2_APPLICATION_KEY_ID"), *key = getenv("B2_APPLICATION_KEY");
    b2_session *session = NULL;
    char what[16];
    unsigned long count;

    if (b2_authorize(id, key, &session) != B2_OK)
        return 1;
    while (scanf("%15s %lu", what, &count) == 2) {
        double begin = now();
        if (strcmp(what, "call") == 0) {
            for (unsigned long i = 0; i < count; i++) {
                b2_session *other = NULL;
                if (b2_authorize(id, key, &other) != B2_OK)
                    return 1;
                b2_session_free(other);
            }
        } else {
            for (unsigned long i = 0; i < count; i++)
                if (b2_session_api_url(session)[0] != 'h')
                    return 1;
        }
        printf("%.1f\n", (now() - begin) / (double)count);
        fflush(stdout);
    }
    b2_session_free(session);
    return 0;
}
