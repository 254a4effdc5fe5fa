/*
 * dlopen, call, dlclose, and only then the end of a thread that has used the library: 100 times. No crash, and nothing
 * is left behind by each round.
 */
#include <b2auth.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"

enum { ROUNDS = 100, WARM_UP = 20, MOST_PAGES = 256 };

static struct {
    b2_status (*authorize_with)(const char *, const char *, const b2_options *, b2_session **, b2_error **);
    b2_options *(*options_new)(void);
    b2_status (*options_set)(b2_options *, const char *, const char *, b2_error **);
    void (*options_free)(b2_options *);
    void (*session_free)(b2_session *);
} b2;

static pthread_barrier_t used, closed;

/* C has no cast from what dlsym returns to a function; POSIX has this one. */
static void find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);

    if (address == NULL) {
        printf("not ok %s is not there\n", name);
        exit(1);
    }
    memcpy(function, &address, sizeof address);
}

static int authorize(void)
{
    b2_options *options = b2.options_new();
    b2_session *session = NULL;
    int good = b2.options_set(options, "cache", "bypass", NULL) == B2_OK
               && b2.options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK
               && b2.authorize_with(NULL, NULL, options, &session, NULL) == B2_OK;

    b2.session_free(session);
    b2.options_free(options);
    return good;
}

static void *use_it(void *good)
{
    *(int *)good = authorize();
    (void)pthread_barrier_wait(&used);
    (void)pthread_barrier_wait(&closed);
    return NULL; /* Thread-local destructors run now, after dlclose. */
}

static int round_trip(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    pthread_t thread;
    int good = 0;

    if (library == NULL) {
        printf("not ok %s\n", dlerror());
        exit(1);
    }
    find(library, "b2_authorize_with", &b2.authorize_with);
    find(library, "b2_options_new", &b2.options_new);
    find(library, "b2_options_set", &b2.options_set);
    find(library, "b2_options_free", &b2.options_free);
    find(library, "b2_session_free", &b2.session_free);
    if (pthread_create(&thread, NULL, use_it, &good) != 0)
        return 0;
    (void)pthread_barrier_wait(&used);
    good &= authorize();
    good &= dlclose(library) == 0;
    (void)pthread_barrier_wait(&closed);
    return pthread_join(thread, NULL) == 0 && good;
}

static long entries(const char *folder)
{
    DIR *open = opendir(folder);
    long count = 0;

    while (open != NULL && readdir(open) != NULL)
        count++;
    if (open != NULL)
        (void)closedir(open);
    return count;
}

static long resident_pages(void)
{
    long pages = -1;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (statm == NULL || fscanf(statm, "%*d %ld", &pages) != 1 || fclose(statm) != 0)
        return -1;
    return pages;
}

int main(void)
{
    const char *path = environment("B2_LIBRARY");
    long pages = 0, descriptors = 0, threads = 0;
    int good = 0;

    CHECK(pthread_barrier_init(&used, NULL, 2) == 0 && pthread_barrier_init(&closed, NULL, 2) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM_UP) {
            pages = resident_pages();
            descriptors = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
        }
        good += round_trip(path);
    }
    CHECK(good == ROUNDS);
    group("dlclose: 100 rounds, threads ending after it");

    printf("# grew by %ld pages in %d rounds\n", resident_pages() - pages, ROUNDS - WARM_UP);
    CHECK(pages > 0 && resident_pages() - pages <= MOST_PAGES);
    CHECK(entries("/proc/self/fd") == descriptors);
    CHECK(entries("/proc/self/task") == threads);
    group("dlclose: no memory, descriptor or thread is left by a round");
    return report();
}
