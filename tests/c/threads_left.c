#define _GNU_SOURCE
/*
 * A call that has returned has left no thread behind, so that the process can do what only one with a single thread may.
 * RUST_MIN_STACK, which would be the size of a Rust program's stacks, has no effect on those threads. The pthread_create of
 * this program makes each thread linger at its end, and sees its stack.
 */
#include <b2auth.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { CALLS = 20, KEYS = 4, LINGER_US = 20000, MIN_STACK = 64 << 20 };

static int started;
static size_t largest_stack;

/* What a thread was to run. */
typedef struct {
    void *(*run)(void *);
    void *data;
} work;

static void *linger(void *data)
{
    work own = *(work *)data;
    void *result;

    free(data);
    result = own.run(own.data);
    (void)usleep(LINGER_US);
    return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
{
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    work *own = malloc(sizeof *own);
    size_t stack = 0;

    if (create == NULL)
        *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    if (own == NULL)
        return ENOMEM;
    own->run = run;
    own->data = data;
    started++;
    if (attributes != NULL && pthread_attr_getstacksize(attributes, &stack) == 0 && stack > largest_stack)
        largest_stack = stack;
    return create(thread, attributes, linger, own);
}

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

/* A name that is looked up without asking anybody else: a host's of this system's own list, but for localhost. */
static int find_name(char name[256])
{
    FILE *hosts = fopen("/etc/hosts", "r");
    char line[1024];
    int found = 0;

    while (hosts != NULL && !found && fgets(line, sizeof line, hosts) != NULL)
        found = line[0] != '#' && strstr(line, "localhost") == NULL && sscanf(line, "%*s %255s", name) == 1;
    if (hosts != NULL)
        (void)fclose(hosts);
    return found;
}

int main(void)
{
    const char *id, *key;
    char name[256], realm[300];
    b2_options *by_file, *by_name;
    int left = 0, refused, has_name = find_name(name);

    if (setenv("RUST_MIN_STACK", "67108864", 1) != 0)
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
    /* Nothing listens there, which does not matter here. */
    (void)snprintf(realm, sizeof realm, "https://%s:9", has_name ? name : "localhost");
    CHECK(b2_options_set(by_name, "realm", realm, NULL) == B2_OK);
    if (!has_name)
        printf("# no name is looked up: there is none in /etc/hosts\n");

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
    {
        const char *ids[KEYS] = {"one", "two", "three", "four"}, *keys[KEYS] = {"1", "2", "3", "4"};
        b2_session *sessions[KEYS];

        CHECK(b2_options_set(by_file, "realm", NULL, NULL) == B2_OK);
        CHECK(b2_authorize_many(ids, keys, KEYS, by_file, sessions, NULL) == B2_BAD_CREDENTIALS);
        left += threads() != 1;
    }
    printf("# %d threads, of which %d were left behind; the largest stack has %zu KiB\n", started, left, largest_stack >> 10);
    CHECK(started > CALLS && left == 0);
    group("threads_left: none after a certificate file was read, a name was looked up, or a batch");

    CHECK(largest_stack > 0 && largest_stack < MIN_STACK);
    group("threads_left: RUST_MIN_STACK does not rule their stacks");

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
