#define _GNU_SOURCE
/*
 * A call that has returned has left no thread behind, so that the process can do what only one with a single thread may.
 * RUST_MIN_STACK, which would be the size of a Rust program's stacks, has no effect on those threads.
 */
#include <b2auth.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { CALLS = 200 };

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    if (tasks == NULL)
        return -1;
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    (void)closedir(tasks);
    return count;
}

/* What unshare does in a process of its own: 0, or the errno. */
static int unshare_after_a_call(const b2_options *options)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        b2_session *session = NULL;

        if (b2_authorize_with("id", "key", options, &session, NULL) != B2_NETWORK_ERROR)
            _exit(EPROTO);
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
    const char *id, *key;
    b2_options *by_file, *by_name;
    int left = 0, refused;

    if (setenv("RUST_MIN_STACK", "1152921504606846976", 1) != 0)
        return 3;
    id = environment("B2_APPLICATION_KEY_ID");
    key = environment("B2_APPLICATION_KEY");
    by_file = b2_options_new();
    CHECK(b2_options_set(by_file, "cache", "bypass", NULL) == B2_OK);
    CHECK(b2_options_set(by_file, "rate_limit_per_minute", "0", NULL) == B2_OK);
    CHECK(b2_options_set(by_file, "max_attempts", "1", NULL) == B2_OK);
    by_name = b2_options_copy(by_file);
    CHECK(b2_options_set(by_file, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(by_file, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    /* A name that systems have in their list of hosts. Nothing listens there, which does not matter here. */
    CHECK(b2_options_set(by_name, "realm", "https://ip6-localhost:9", NULL) == B2_OK);

    for (int i = 0; i < CALLS; i++) {
        b2_session *session = NULL;
        b2_error *error = NULL;

        CHECK(b2_authorize_with(id, key, by_file, &session, &error) == B2_OK);
        if (error != NULL)
            printf("# %s\n", b2_error_json(error));
        b2_session_free(session);
        b2_error_free(error);
        left += threads() != 1;
        CHECK(b2_authorize_with(id, key, by_name, &session, NULL) == B2_NETWORK_ERROR);
        left += threads() != 1;
    }
    printf("# %d of %d calls left a thread behind\n", left, 2 * CALLS);
    CHECK(left == 0);
    group("threads_left: none after a certificate file was read or a name was looked up");

    /* EINVAL would say that there is another thread. */
    refused = unshare_after_a_call(by_name);
    if (refused == EPERM)
        printf("# user namespaces are not permitted here\n");
    else
        CHECK(refused == 0);
    group("threads_left: a process may enter a user namespace after a call");
    b2_options_free(by_file);
    b2_options_free(by_name);
    return report();
}
