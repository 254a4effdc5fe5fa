#define _DEFAULT_SOURCE
/*
 * What a cached call does not do: allocate, and call the kernel. The first is counted, by a malloc of this program's own
 * before the system's. The second would end the process: a child forbids itself every call but write and exit.
 */
#include <b2auth.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { CALLS = 1000000 };

static volatile long allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    allocations++;
    return __libc_realloc(block, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    allocations++;
    *block = __libc_memalign(alignment, size);
    return *block == NULL;
}

/* A log function that wants warnings only. */
static void on_warning(void *data, int level, const char *message)
{
    (void)data;
    if (level > B2_LOG_WARN)
        printf("# %s\n", message);
    CHECK(level <= B2_LOG_WARN);
}

/* That many cached calls; 1 if each went well. */
static int cached(const char *id, const char *key, const b2_options *options, int calls)
{
    int good = 1;

    while (calls-- > 0) {
        b2_session *session = NULL;

        good &= b2_authorize_with(id, key, options, &session, NULL) == B2_OK;
        b2_session_free(session);
    }
    return good;
}

/* The same where any other call to the kernel is the end. */
static int without_the_kernel(const char *id, const char *key, const b2_options *options)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
            _exit(2);
        /* Not _exit, which ends all threads by a call that is forbidden too. */
        (void)syscall(SYS_exit, !cached(id, key, options, CALLS));
    }
    (void)(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        printf("# the child was ended by signal %d\n", WTERMSIG(status));
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    const char *id = environment("B2_APPLICATION_KEY_ID"), *key = environment("B2_APPLICATION_KEY");
    b2_options *options = b2_options_new(), *logging = b2_options_copy(options);
    char store[64], command[80];
    long before = allocations;

    /* The request allocates, so the count counts; and a hit that copies the session to where this thread finds it. */
    CHECK(cached(id, key, NULL, 3) && cached(id, key, options, 3));
    CHECK(allocations > before);
    before = allocations;
    CHECK(cached(id, key, NULL, CALLS) && cached(id, key, options, CALLS));
    CHECK(allocations == before);
    group("hit: no allocation in two million calls");

    CHECK(without_the_kernel(id, key, NULL));
    CHECK(without_the_kernel(id, key, options));
    group("hit: no call to the kernel in two million calls");

    /* A message that nobody wants is not made. */
    b2_options_set_log(logging, on_warning, NULL, NULL);
    CHECK(b2_options_set(logging, "log_level", "warn", NULL) == B2_OK);
    CHECK(cached(id, key, logging, 1));
    before = allocations;
    CHECK(cached(id, key, logging, CALLS));
    CHECK(allocations == before);
    CHECK(without_the_kernel(id, key, logging));
    group("hit: the same with a log function that wants warnings only");
    /* With a store the session is in the process's own cache all the same, and the store is not touched. */
    (void)snprintf(store, sizeof store, "file:/tmp/b2auth-hit-%ld", (long)getpid());
    CHECK(b2_options_set(options, "store", store, NULL) == B2_OK);
    b2_cache_clear();
    CHECK(cached(id, key, options, 3));
    before = allocations;
    CHECK(cached(id, key, options, CALLS) && allocations == before);
    CHECK(without_the_kernel(id, key, options));
    group("hit: neither with a token store");
    (void)snprintf(command, sizeof command, "rm -r %s", store + strlen("file:"));
    CHECK(system(command) == 0);
    b2_options_free(options);
    b2_options_free(logging);
    return report();
}
