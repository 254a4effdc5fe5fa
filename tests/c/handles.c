/*
 * Handles of every type, freed in every order, references to one session among them: whatever is still held stays good,
 * and the log's user data is released exactly once. Also after the cache is cleared, and on threads other than those
 * that made them. That nothing is freed twice, or never, is for the sanitizers, valgrind and handles.h to say.
 */
#include <b2auth.h>
#include <pthread.h>

#include "check.h"

enum { SESSION, AGAIN, THIRD, OPTIONS, COPY, CANCEL, ERROR, STRING, HANDLES, ORDERS = 40320, THREADED = 100 };

typedef struct {
    b2_session *session[THIRD + 1]; /* one of them, and two references more */
    b2_options *options[2];         /* a copy is the second; they share a log and the cancel */
    b2_cancel *cancel;
    b2_error *error; /* that of a call which the cancel ended */
    char *string;
    char token[256];
    int gone[HANDLES];
    int released;
} handles;

static void hear(void *user_data, int level, const char *message)
{
    (void)user_data, (void)level, (void)message;
}

static void release(void *user_data)
{
    (void)__atomic_add_fetch((int *)user_data, 1, __ATOMIC_SEQ_CST);
}

/* One of each; `all` must stay where it is until they are freed. 1 if they came as they should. */
static int make(handles *all)
{
    b2_session *none = NULL;
    int good = 1;

    memset(all, 0, sizeof *all);
    good &= b2_authorize(NULL, NULL, &all->session[SESSION]) == B2_OK;
    all->session[AGAIN] = b2_session_retain(all->session[SESSION]);
    all->session[THIRD] = b2_session_retain(all->session[AGAIN]);
    (void)snprintf(all->token, sizeof all->token, "%s", b2_session_authorization_token(all->session[SESSION]));
    all->cancel = b2_cancel_new();
    b2_cancel_trigger(all->cancel);
    all->options[0] = b2_options_new();
    b2_options_set_log(all->options[0], hear, &all->released, release);
    b2_options_set_cancel(all->options[0], all->cancel);
    all->options[1] = b2_options_copy(all->options[0]);
    good &= b2_authorize_with(NULL, NULL, all->options[0], &none, &all->error) == B2_CANCELLED && none == NULL;
    good &= b2_authorize_json(NULL, &all->string) == B2_OK;
    return good;
}

static void let_go(handles *all, int which)
{
    switch (which) {
    case SESSION:
    case AGAIN:
    case THIRD:
        b2_session_free(all->session[which]);
        break;
    case OPTIONS:
    case COPY:
        b2_options_free(all->options[which - OPTIONS]);
        break;
    case CANCEL:
        b2_cancel_free(all->cancel);
        break;
    case ERROR:
        b2_error_free(all->error);
        break;
    default:
        b2_string_free(all->string);
    }
    all->gone[which] = 1;
}

/* 1 if what is still held is as it was. */
static int rest_is_good(const handles *all)
{
    int good = all->released == (all->gone[OPTIONS] && all->gone[COPY]), i;

    for (i = SESSION; i <= THIRD; i++)
        good &= all->gone[i] || same(b2_session_authorization_token(all->session[i]), all->token);
    for (i = OPTIONS; i <= COPY; i++)
        good &= all->gone[i] || b2_options_set(all->options[i - OPTIONS], "max_attempts", "2", NULL) == B2_OK;
    good &= all->gone[CANCEL] || b2_cancel_is_triggered(all->cancel) == 1;
    good &= all->gone[ERROR] || b2_error_status(all->error) == B2_CANCELLED;
    good &= all->gone[ERROR] || b2_error_message(all->error) != NULL;
    return good && (all->gone[STRING] || strstr(all->string, all->token) != NULL);
}

/* The order of that number among all that there are: each place takes one of those not yet taken. */
static void order_of(int number, int count, int *order)
{
    int i, j;

    for (i = 0; i < count; i++)
        order[i] = i;
    for (i = 0; i < count; i++) {
        int from = i + number % (count - i), taken = order[from];

        number /= count - i;
        for (j = from; j > i; j--)
            order[j] = order[j - 1];
        order[i] = taken;
    }
}

static void every_order(void)
{
    /* Where each step takes long, as under valgrind, every so many of the orders will do. */
    const char *step = getenv("HANDLES_STEP");
    int number, order[HANDLES], i, made = 1, good = 1;

    for (number = 0; number < ORDERS; number += step != NULL ? atoi(step) : 1) {
        handles all;

        made &= make(&all);
        order_of(number, HANDLES, order);
        for (i = 0; i < HANDLES; i++) {
            let_go(&all, order[i]);
            good &= rest_is_good(&all);
        }
    }
    CHECK(made);
    CHECK(good);
    group("handles: freed in every order");
}

/* The session's three references and the cache's own, which goes when it is cleared, in each of the 24 orders. */
static void cleared(void)
{
    enum { CLEAR = THIRD + 1, STEPS };
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    int number, order[STEPS], i, j, good = 1;

    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    for (number = 0; number < 24; number++) {
        b2_session *held[THIRD + 1] = {NULL};
        char token[256];

        good &= b2_authorize_with(NULL, NULL, options, &held[SESSION], NULL) == B2_OK;
        held[AGAIN] = b2_session_retain(held[SESSION]);
        held[THIRD] = b2_session_retain(held[SESSION]);
        (void)snprintf(token, sizeof token, "%s", b2_session_authorization_token(held[SESSION]));
        order_of(number, STEPS, order);
        for (i = 0; i < STEPS; i++) {
            if (order[i] == CLEAR) {
                b2_cache_clear();
            } else {
                b2_session_free(held[order[i]]);
                held[order[i]] = NULL;
            }
            for (j = SESSION; j <= THIRD; j++)
                good &= held[j] == NULL || same(b2_session_authorization_token(held[j]), token);
        }
    }
    CHECK(good);
    CHECK(b2_counter("requests") >= 24);
    /* The calls to come have the usual budget, and should find a session rather than wait for leave to ask. */
    CHECK(b2_authorize_with(NULL, NULL, options, &session, NULL) == B2_OK);
    b2_session_free(session);
    b2_options_free(options);
    group("handles: freed before and after the cache is cleared");
}

/* What one thread does with the handles that two of them free. */
typedef struct {
    handles *all;
    pthread_barrier_t *together;
    int half;
} part;

static void *free_half(void *argument)
{
    const part *mine = argument;
    int which;

    (void)pthread_barrier_wait(mine->together);
    for (which = mine->half; which < HANDLES; which += 2)
        let_go(mine->all, which);
    return NULL;
}

static void *make_on_thread(void *argument)
{
    return make(argument) ? argument : NULL;
}

static void threads(void)
{
    pthread_barrier_t together;
    int round, which, good = 1;

    CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
    for (round = 0; round < THREADED; round++) {
        handles all;
        part parts[2] = {{&all, &together, 0}, {&all, &together, 1}};
        pthread_t thread[2];

        good &= make(&all);
        for (which = 0; which < 2; which++)
            if (pthread_create(&thread[which], NULL, free_half, &parts[which]) != 0)
                exit(2);
        for (which = 0; which < 2; which++)
            good &= pthread_join(thread[which], NULL) == 0;
        good &= all.released == 1;
    }
    CHECK(good);
    (void)pthread_barrier_destroy(&together);
    group("handles: freed by two other threads at once");

    for (round = 0; round < THREADED; round++) {
        handles all;
        pthread_t thread;
        void *made = NULL;

        if (pthread_create(&thread, NULL, make_on_thread, &all) != 0)
            exit(2);
        good &= pthread_join(thread, &made) == 0 && made == &all && rest_is_good(&all);
        for (which = HANDLES; which-- > 0;)
            let_go(&all, which);
        good &= all.released == 1;
    }
    CHECK(good);
    group("handles: outlive the thread that made them");
}

int main(void)
{
    every_order();
    cleared();
    threads();
    return report();
}
