#define _GNU_SOURCE
/*
 * A user database, a file system of CA certificates and one of the b2 tool's database that hang: no call outlasts its
 * bounds, no fork waits for them, and a child says what it could not read. This program stands before the system's
 * getpwuid_r and open64, which hang until it lets them go.
 */
#include <b2auth.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* A call may take LIMIT_MS; BUSY_MS is what a busy machine may make of it. What hangs does so for longer. */
enum { LIMIT_MS = 500, BUSY_MS = 8000, CALLERS = 8, PATIENCE_S = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int hanging, inside;

static void hang(void)
{
    (void)pthread_mutex_lock(&lock);
    inside++;
    while (hanging)
        (void)pthread_cond_wait(&changed, &lock);
    inside--;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void begin_to_hang(void)
{
    (void)pthread_mutex_lock(&lock);
    hanging = 1;
    (void)pthread_mutex_unlock(&lock);
}

/* Lets go what hangs; how many threads did. */
static int let_go(void)
{
    int count;

    (void)pthread_mutex_lock(&lock);
    count = inside;
    hanging = 0;
    (void)pthread_cond_broadcast(&changed);
    while (inside > 0)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
    return count;
}

/* What it has is no user's. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t length, struct passwd **found)
{
    (void)uid;
    (void)entry;
    (void)buffer;
    (void)length;
    hang();
    *found = NULL;
    return 0;
}

int open64(const char *path, int flags, ...)
{
    int mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list rest;

        va_start(rest, flags);
        mode = va_arg(rest, int);
        va_end(rest);
    }
    if (strstr(path, "b2auth-hangs") != NULL)
        hang();
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

static long now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const b2_options *options_of_callers;
static long longest_ms;
static int ended_well;

static b2_status call(const b2_options *options, b2_error **error)
{
    b2_session *session = NULL;
    b2_status status = b2_authorize_with(NULL, NULL, options, &session, error);

    b2_session_free(session);
    return status;
}

static void *one_caller(void *unused)
{
    long start = now_ms(), took;
    b2_error *error = NULL;
    b2_status status = call(options_of_callers, &error);

    (void)unused;
    took = now_ms() - start;
    (void)pthread_mutex_lock(&lock);
    if (took > longest_ms)
        longest_ms = took;
    if (status == B2_TIMEOUT)
        ended_well++;
    else
        printf("# %s: %s\n", b2_status_name((int)status), error == NULL ? "no error" : b2_error_message(error));
    (void)pthread_mutex_unlock(&lock);
    b2_error_free(error);
    return NULL;
}

/* The same call in a child, in which nothing hangs. What it cannot read it says, in these words. */
static int child_ends(const b2_options *options, const char *words)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        b2_error *error = NULL;
        b2_status result;

        (void)alarm(BUSY_MS / 1000);
        hanging = 0;
        (void)pthread_mutex_init(&lock, NULL);
        result = call(options, &error);
        printf("# the child: %s: %s\n", b2_status_name((int)result), error == NULL ? "no error" : b2_error_message(error));
        (void)fflush(stdout);
        _exit(words == NULL ? result != B2_OK : error == NULL || strstr(b2_error_message(error), words) == NULL);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Callers with a limit, and a fork meanwhile. `after` is what a call gets once nothing hangs any more. */
static void meet(const char *name, const b2_options *options, b2_status after, const char *words_of_child)
{
    pthread_t callers[CALLERS];
    long start;
    int hung;

    (void)alarm(PATIENCE_S);
    longest_ms = 0;
    ended_well = 0;
    options_of_callers = options;
    begin_to_hang();
    for (int i = 0; i < CALLERS; i++)
        CHECK(pthread_create(&callers[i], NULL, one_caller, NULL) == 0);
    for (int i = 0; i < CALLERS; i++)
        CHECK(pthread_join(callers[i], NULL) == 0);
    CHECK(longest_ms < BUSY_MS);
    CHECK(ended_well == CALLERS);
    start = now_ms();
    (void)fflush(stdout);
    CHECK(child_ends(options, words_of_child));
    CHECK(now_ms() - start < BUSY_MS);
    printf("# the longest call took %ld ms, the fork and its child %ld ms\n", longest_ms, now_ms() - start);
    hung = let_go();
    CHECK(hung > 0 && hung <= 8);
    CHECK(call(options, NULL) == after);
    group(name);
}

int main(void)
{
    b2_options *options;
    char path[64], command[192];

    /* Blank credentials, and nothing but the user database to say where the b2 tool's database is. */
    (void)unsetenv("HOME");
    (void)unsetenv("XDG_CONFIG_HOME");
    (void)unsetenv("B2_ACCOUNT_INFO");
    options = b2_options_new();
    CHECK(b2_options_set(options, "total_timeout_ms", "500", NULL) == B2_OK);
    CHECK(b2_options_set(options, "cache", "bypass", NULL) == B2_OK);
    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    (void)snprintf(path, sizeof path, "/tmp/b2auth-hangs-%ld", (long)getpid());
    (void)snprintf(command, sizeof command, "cp '%s' %s", environment("B2_SANDBOX_CA"), path);
    CHECK(system(command) == 0);

    CHECK(b2_options_set(options, "ca_file", path, NULL) == B2_OK);
    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    meet("hangs: the file system of ca_file", options, B2_OK, NULL);

    CHECK(b2_options_set(options, "ca_file", NULL, NULL) == B2_OK);
    CHECK(b2_options_set(options, "realm", NULL, NULL) == B2_OK);
    (void)unsetenv("B2_APPLICATION_KEY_ID");
    (void)unsetenv("B2_APPLICATION_KEY");
    CHECK(b2_options_set(options, "account_info", path, NULL) == B2_OK);
    /* It is a file of certificates, so there is no key in it. */
    meet("hangs: the file system of the b2 tool's database", options, B2_NO_CREDENTIALS, "is not a database");

    CHECK(b2_options_set(options, "account_info", NULL, NULL) == B2_OK);
    meet("hangs: the user database, and no HOME", options, B2_NO_CREDENTIALS, "was forked while");
    (void)remove(path);
    b2_options_free(options);
    return report();
}
