#define _DEFAULT_SOURCE
/*
 * 100,000 distinct keys: the cache keeps 65,536, among them those that are used again, its memory stays bounded, and
 * clearing it frees what it held.
 */
#include <b2auth.h>
#include <malloc.h>
#include <unistd.h>

#include "check.h"

/* KEPT is what the library says that it keeps. A sanitizer would measure itself, so this runs without. */
enum { KEYS = 100000, KEPT = 65536, BATCH = 5000, LENGTH = 32, MEGABYTE = 1 << 20 };
/* A session with its token and its JSON is some 1.2 kB. What stays once all is cleared is the budget of each key id. */
enum { MOST_MEGABYTES = 192, MOST_AFTER_CLEAR = 24 };

static char ids[KEYS][LENGTH], keys[KEYS][LENGTH];

static long resident(void)
{
    long pages = -1;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1 || fclose(file) != 0) {
        printf("not ok many_keys: /proc/self/statm can't be read\n");
        exit(1);
    }
    return pages * sysconf(_SC_PAGESIZE) / MEGABYTE;
}

/* What is allocated and not freed. The system may not get all the rest back: a page goes only when it is empty. */
static long allocated(void)
{
    return (long)(mallinfo2().uordblks / MEGABYTE);
}

/* Has the sandbox know them all. */
static void add_keys(void)
{
    char command[256];
    FILE *request;
    int i;

    (void)snprintf(command, sizeof command, "curl -fsS -o /dev/null --data-binary @- %s/keys",
                   environment("B2_SANDBOX"));
    request = popen(command, "w");
    for (i = 0; request != NULL && i < KEYS; i++) {
        (void)snprintf(ids[i], LENGTH, "%025d", i);
        (void)snprintf(keys[i], LENGTH, "K001%027d", i);
        (void)fprintf(request, "%c{\"keyId\":\"%s\",\"key\":\"%s\",\"capabilities\":[\"readFiles\"]}", i == 0 ? '[' : ',',
                      ids[i], keys[i]);
    }
    if (request == NULL || fputc(']', request) == EOF || pclose(request) != 0) {
        printf("not ok many_keys: the sandbox did not take the keys\n");
        exit(1);
    }
}

/* Authorizes those from one place to another; 1 if each got a session. */
static int authorize(int from, int to, const b2_options *options)
{
    static const char *some_ids[BATCH], *some_keys[BATCH];
    static b2_session *sessions[BATCH];
    int good = 1, count, i;

    for (; from < to; from += count) {
        count = to - from < BATCH ? to - from : BATCH;
        for (i = 0; i < count; i++) {
            some_ids[i] = ids[from + i];
            some_keys[i] = keys[from + i];
        }
        good &= b2_authorize_many(some_ids, some_keys, (size_t)count, options, sessions, NULL) == B2_OK;
        for (i = 0; i < count; i++)
            b2_session_free(sessions[i]);
    }
    return good;
}

int main(void)
{
    b2_options *options = b2_options_new();
    uint64_t before;
    long base, full, over, held, left;

    CHECK(b2_options_set(options, "concurrency", "8", NULL) == B2_OK);
    add_keys();
    base = resident();
    CHECK(authorize(0, KEPT, options));
    full = resident();
    CHECK(b2_counter("requests") == KEPT);
    /* Used again: the others make room for what follows. */
    CHECK(authorize(KEYS - KEPT, KEPT, options));
    CHECK(b2_counter("requests") == KEPT);
    CHECK(authorize(KEPT, KEYS, options));
    over = resident();
    CHECK(b2_counter("requests") == KEYS);
    group("many_keys: 100,000 distinct keys are authorized");

    before = b2_counter("requests");
    CHECK(authorize(KEYS - KEPT, KEPT, options));
    CHECK(b2_counter("requests") == before);
    group("many_keys: those that were used again are all in the cache");

    printf("# resident: %ld MB at first, %ld with %d keys, %ld with %d\n", base, full, KEPT, over, KEYS);
    CHECK(full - base < MOST_MEGABYTES && over - base < MOST_MEGABYTES);
    /* Half as many keys again cost at most a tenth more. */
    CHECK(over - base < (full - base) * 11 / 10 + 1);
    group("many_keys: memory is bounded");

    held = allocated();
    b2_cache_clear();
    left = allocated();
    printf("# allocated: %ld MB, once cleared %ld\n", held, left);
    CHECK(left < MOST_AFTER_CLEAR && left < held / 2);
    before = b2_counter("requests");
    CHECK(authorize(KEYS - 10, KEYS, options));
    CHECK(b2_counter("requests") == before + 10);
    b2_options_free(options);
    group("many_keys: clearing frees what it held");
    return report();
}
