/*
 * The library is a guest in its host's process: whether its calls end well or badly, it prints nothing, and leaves signal
 * handlers, signal mask, environment, threads and descriptors as they were.
 */
#include <b2auth.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

enum { SIGNALS = 65, LONGEST = 64 * 1024 };

extern char **environ;

struct house {
    struct sigaction actions[SIGNALS];
    sigset_t mask;
    char **variables_at;
    char variables[LONGEST];
    long threads, descriptors;
};

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

static void look_around(struct house *house)
{
    size_t length = 0;

    memset(house, 0, sizeof *house);
    for (int number = 1; number < SIGNALS; number++)
        (void)sigaction(number, NULL, &house->actions[number]);
    (void)sigprocmask(SIG_BLOCK, NULL, &house->mask);
    house->variables_at = environ;
    for (char **variable = environ; *variable != NULL; variable++) {
        size_t size = strlen(*variable) + 1;

        if (length + size < sizeof house->variables)
            memcpy(house->variables + length, *variable, size);
        length += size;
    }
    house->threads = entries("/proc/self/task");
    house->descriptors = entries("/proc/self/fd");
}

static b2_status call_with(const char *key, const char *option, const char *value)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = b2_options_set(options, option, value, &error);

    if (status == B2_OK && b2_options_set(options, "max_attempts", "1", NULL) == B2_OK)
        status = b2_authorize_with(environment("B2_APPLICATION_KEY_ID"), key, options, &session, &error);
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
    return status;
}

static void visit(void)
{
    const char *key = environment("B2_APPLICATION_KEY");

    CHECK(call_with(key, "cache", "use") == B2_OK);
    CHECK(call_with(key, "cache", "bypass") == B2_OK);
    CHECK(call_with("K001wrong", "cache", "use") == B2_BAD_CREDENTIALS);
    CHECK(call_with("a key", "cache", "use") == B2_INVALID_ARGUMENT);
    CHECK(call_with(key, "cahce", "use") == B2_INVALID_ARGUMENT);
    CHECK(call_with(key, "realm", environment("B2_SANDBOX_HTTPS")) == B2_TLS_ERROR);
    CHECK(call_with(key, "realm", "http://127.0.0.1:1") == B2_NETWORK_ERROR);
}

int main(void)
{
    static struct house before, after;
    char path[] = "/tmp/b2auth-guest-XXXXXX";
    int file = mkstemp(path);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    off_t printed;

    CHECK(file >= 0 && unlink(path) == 0 && out >= 0 && err >= 0);
    (void)fflush(stdout);
    CHECK(dup2(file, STDOUT_FILENO) >= 0 && dup2(file, STDERR_FILENO) >= 0);
    look_around(&before);
    visit();
    look_around(&after);
    printed = lseek(file, 0, SEEK_END);
    CHECK(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);

    CHECK(printed == 0);
    group("guest: prints nothing");
    for (int number = 1; number < SIGNALS; number++) {
        CHECK(before.actions[number].sa_handler == after.actions[number].sa_handler);
        CHECK(before.actions[number].sa_flags == after.actions[number].sa_flags);
        CHECK(sigismember(&before.mask, number) == sigismember(&after.mask, number));
    }
    group("guest: leaves signals alone");
    CHECK(before.variables_at == after.variables_at);
    CHECK(memcmp(before.variables, after.variables, sizeof before.variables) == 0);
    group("guest: leaves the environment alone");
    CHECK(before.threads == after.threads && before.descriptors == after.descriptors);
    group("guest: leaves no thread and no descriptor");
    return report();
}
