/*
 * A program whose malloc is jemalloc's, linked into it, forks: before the library was ever called, and while threads are
 * inside both. A process that hangs is ended by its own alarm.
 *
 *   forks before COUNT     that many processes, each of which forks before it does anything else
 *   forks among COUNT      that many forks of one process among busy threads
 */
#include <b2auth.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
extern int mallctl(const char *name, void *old, size_t *old_length, void *new, size_t new_length);

enum { THREADS = 8, BLOCKS = 64, PATIENCE_S = 60 };

static int over;

/* 1 if malloc and the library work here. */
static int works(void)
{
    b2_session *session = NULL;
    void *block = malloc(100);
    int good = block != NULL && b2_authorize(NULL, NULL, &session) == B2_OK;

    free(block);
    b2_session_free(session);
    return good;
}

static void *keep_busy(void *data)
{
    void *blocks[BLOCKS] = {NULL};

    for (unsigned i = 0; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
        free(blocks[i % BLOCKS]);
        blocks[i % BLOCKS] = malloc(16u << i % 11);
        if (i % 16 == 0 && !works())
            return data;
        /* So that the forking thread has its turn too. */
        if (i % 256 == 0)
            (void)usleep(100);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return NULL;
}

static int ended_well(pid_t child)
{
    int status = 0;

    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 1;
    /* 14 is the alarm: it hung. */
    printf("# a child ended with status %d, signal %d\n", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}

/* Forks once; 1 if the child can use malloc, and the library if it is asked to. */
static int child_works(int uses_library)
{
    pid_t child = fork();

    if (child == 0) {
        (void)alarm(PATIENCE_S);
        free(malloc(1000));
        _exit(!uses_library || works() ? 0 : 1);
    }
    return ended_well(child);
}

static int before(char *program, int count)
{
    static char once[] = "once", number[] = "1";
    int good = 0;

    for (int i = 0; i < count; i++) {
        char *arguments[] = {program, once, number, NULL};
        pid_t fresh;

        /* Not by a fork, which is what this is about. */
        good += posix_spawn(&fresh, program, NULL, NULL, arguments, environ) == 0 && ended_well(fresh);
    }
    return good;
}

static int among(int count)
{
    pthread_t threads[THREADS];
    int good = 0;

    if (!works())
        return -1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, keep_busy, &over) != 0)
            return -1;
    for (int i = 0; i < count; i++) {
        (void)alarm(PATIENCE_S);
        good += child_works(i % 8 == 0);
    }
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;

        (void)pthread_join(threads[i], &failed);
        good -= failed != NULL;
    }
    return good;
}

int main(int argc, char **argv)
{
    int count = argc == 3 ? atoi(argv[2]) : 0, good;

    if (count < 1)
        return 2;
    if (strcmp(argv[1], "once") == 0) {
        (void)alarm(PATIENCE_S);
        return child_works(1) ? 0 : 1;
    }
    {
        /* Only jemalloc has this. */
        const char *version = NULL;
        size_t length = sizeof version;

        if (mallctl("version", &version, &length, NULL, 0) != 0)
            return 3;
    }
    good = strcmp(argv[1], "before") == 0 ? before(argv[0], count) : among(count);
    printf("# %s: %d of %d\n", argv[1], good, count);
    return good == count ? 0 : 1;
}
