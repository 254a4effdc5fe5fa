#define _GNU_SOURCE
/*
 * Where the system has no randomness to give (a filter of system calls, and no /dev/urandom), a call over http works, and
 * one over https says what is missing. Neither is a bug of the library, nor says so.
 */
#include <b2auth.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { PATIENCE_S = 30 };

static int hidden;

static int open_any(const char *path, int flags, int mode)
{
    if (hidden && (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0)) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN(name, more)                                    \
    int name(const char *path, int flags, ...)              \
    {                                                       \
        int mode = 0;                                       \
                                                            \
        if ((flags & O_CREAT) != 0) {                       \
            va_list rest;                                   \
                                                            \
            va_start(rest, flags);                          \
            mode = va_arg(rest, int);                       \
            va_end(rest);                                   \
        }                                                   \
        return open_any(path, flags | (more), mode);        \
    }

OPEN(open, 0)
OPEN(open64, O_LARGEFILE)

/* getrandom fails from now on, as in a kernel that does not have it. */
static int hide_randomness(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    char byte;

    hidden = 1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 && syscall(SYS_getrandom, &byte, 1, 0) == -1;
}

/* What a call gets in a process without randomness: its status, or -1. */
static int status_without(const b2_options *options)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        b2_session *session = NULL;
        b2_error *error = NULL;
        b2_status result;

        (void)alarm(PATIENCE_S);
        if (!hide_randomness())
            _exit(100);
        result = b2_authorize_with(NULL, NULL, options, &session, &error);
        if (error != NULL)
            printf("# %s\n", b2_error_json(error));
        (void)fflush(stdout);
        _exit((int)result);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
    b2_options *options = b2_options_new();
    int status;

    CHECK(b2_options_set(options, "max_attempts", "1", NULL) == B2_OK);
    status = status_without(options);
    if (status == 100) {
        printf("SKIP no_randomness: system calls cannot be filtered here\n");
        return 0;
    }
    CHECK(status == B2_OK);
    group("no_randomness: a call over http works");
    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    status = status_without(options);
    CHECK(status == B2_TLS_ERROR);
    group("no_randomness: a call over https says what is missing");
    b2_options_free(options);
    return report();
}
