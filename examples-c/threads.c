/*
 * 64 threads ask for the same session at the same moment. One request goes out, and all of them get its answer.
 *
 *     cc threads.c -pthread $(pkg-config --cflags --libs b2auth) -o threads && ./threads
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <b2auth.h>

enum { THREADS = 64 };

/* Held for writing until every thread is there: then all pass it at once. */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

static void *ask(void *place)
{
    b2_session **session = place;

    if (pthread_rwlock_rdlock(&gate) != 0)
        return NULL;
    (void)pthread_rwlock_unlock(&gate);
    /* On failure *session is NULL, which is all that main needs to know here. */
    if (b2_authorize(NULL, NULL, session) != B2_OK)
        return NULL;
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    b2_session *sessions[THREADS] = {NULL};
    int started = 0;
    int same = 0;

    if (pthread_rwlock_wrlock(&gate) != 0)
        return 1;
    while (started < THREADS && pthread_create(&threads[started], NULL, ask, &sessions[started]) == 0)
        started++;
    (void)pthread_rwlock_unlock(&gate);

    for (int i = 0; i < started; i++)
        if (pthread_join(threads[i], NULL) != 0)
            return 1;
    for (int i = 0; i < started; i++) {
        const char *token = b2_session_authorization_token(sessions[i]);
        const char *first = b2_session_authorization_token(sessions[0]);

        if (token != NULL && first != NULL && strcmp(token, first) == 0)
            same++;
    }
    printf("%d threads, %d of them with the same token\n", started, same);
    printf("requests   %" PRIu64 "\n", b2_counter("requests"));
    printf("coalesced  %" PRIu64 "  (waited for that request)\n", b2_counter("coalesced"));
    printf("cache_hits %" PRIu64 "  (came after it)\n", b2_counter("cache_hits"));

    for (int i = 0; i < started; i++)
        b2_session_free(sessions[i]);
    return same == THREADS ? 0 : 1;
}
