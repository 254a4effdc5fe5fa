/* What the C tests share: checks that say where they failed, and the sandbox's control endpoint. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed_checks;

#define CHECK(what) check((what) ? 1 : 0, #what, __LINE__)

static inline void check(int good, const char *what, int line)
{
    if (good)
        return;
    failed_checks++;
    printf("line %d: this does not hold: %s\n", line, what);
}

static inline int same(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* Ends a group of checks with the line that the runner counts. */
static inline void group(const char *name)
{
    static int failed_before;

    printf("%s %s\n", failed_checks == failed_before ? "ok" : "not ok", name);
    failed_before = failed_checks;
    (void)fflush(stdout);
}

static inline int report(void)
{
    return failed_checks == 0 ? 0 : 1;
}

static inline const char *environment(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL) {
        printf("not ok %s is not set: run this by tests/c/run.sh\n", name);
        exit(1);
    }
    return value;
}

/* Tells the sandbox something, such as `script '{"keyId":"*","faults":[]}'`. */
static inline void tell_sandbox(const char *what, const char *json)
{
    char command[1024];
    int length = snprintf(command, sizeof command, "curl -fsS -o /dev/null -d '%s' %s/%s", json,
                          environment("B2_SANDBOX"), what);

    if (length < 0 || length >= (int)sizeof command || system(command) != 0) {
        printf("not ok the sandbox did not take %s %s\n", what, json);
        exit(1);
    }
}

/* How many authorize requests the sandbox has seen. */
static inline long requests_seen(void)
{
    char command[512];
    long count = -1;
    FILE *answer;

    (void)snprintf(command, sizeof command, "curl -fsS %s/count | tr -dc 0-9", environment("B2_SANDBOX"));
    answer = popen(command, "r");
    if (answer == NULL || fscanf(answer, "%ld", &count) != 1 || pclose(answer) != 0) {
        printf("not ok the sandbox did not say how many requests it has seen\n");
        exit(1);
    }
    return count;
}

#endif
