/*
 * What a first call costs in a fresh process, by each of several programs in turn, as ratios of one run.
 *
 *   start run ROUNDS NAME=COMMAND…    a command may have one argument; a name with a plus sign in front is run in every fourth round only
 *   start dlopen ROUNDS LIBRARY…      the time of dlopen, each in a process of its own
 *
 * A program prints four numbers: the length of its token, what its call added to what is resident, in KB, in all and of memory
 * with no file behind it, and all that is resident then; 0 for what it can't tell. The first program of all is what the others are compared with.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { MOST = 8, MOST_ROUNDS = 1000 };

struct program {
    const char *name, *command, *argument;
    int every, rounds;
    double wall[MOST_ROUNDS], cpu[MOST_ROUNDS], all[MOST_ROUNDS], own[MOST_ROUNDS], process[MOST_ROUNDS];
    double wall_ratio[MOST_ROUNDS], cpu_ratio[MOST_ROUNDS];
};

static struct program programs[MOST];

static void fail(const char *what, const char *of)
{
    fprintf(stderr, "start: %s: %s\n", of, what);
    exit(1);
}

static double ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* Runs it, and keeps the numbers of this round. */
static void run(struct program *program)
{
    int channel[2], status = 0, round = program->rounds;
    long length = 0, all = 0, own = 0, process = 0;
    double from = now_ns();
    struct rusage used;
    pid_t child;
    FILE *said;

    if (pipe(channel) != 0 || (child = fork()) < 0)
        fail("no process", program->name);
    if (child == 0) {
        (void)dup2(channel[1], STDOUT_FILENO);
        (void)close(channel[0]);
        (void)close(channel[1]);
        /* Without a shell in between, which would take as long as the call. */
        (void)execl(program->command, program->command, program->argument, (char *)NULL);
        _exit(127);
    }
    (void)close(channel[1]);
    said = fdopen(channel[0], "r");
    if (said == NULL || fscanf(said, "%ld %ld %ld %ld", &length, &all, &own, &process) != 4 || length < 20)
        fail("got no token", program->name);
    if (wait4(child, &status, 0, &used) != child || status != 0)
        fail("failed", program->name);
    program->wall[round] = (now_ns() - from) / 1e6;
    (void)fclose(said);
    program->cpu[round] = ms(used.ru_utime) + ms(used.ru_stime);
    program->all[round] = (double)all / 1024;
    program->own[round] = (double)own / 1024;
    program->process[round] = (double)process / 1024;
    program->rounds++;
}

static int compare(int rounds, int count, char **given)
{
    int round, i;

    if (count < 1 || count > MOST)
        fail("programs", "1 to 8");
    for (i = 0; i < count; i++) {
        char *equals = strchr(given[i], '=');

        if (equals == NULL)
            fail("NAME=COMMAND is expected", given[i]);
        *equals = '\0';
        programs[i].every = given[i][0] == '+' ? 4 : 1;
        programs[i].name = given[i] + (given[i][0] == '+');
        programs[i].command = equals + 1;
        if ((programs[i].argument = strchr(equals + 1, ' ')) != NULL) {
            equals = strchr(equals + 1, ' ');
            *equals = '\0';
            programs[i].argument = equals + 1;
        }
        /* Once for the page cache. */
        run(&programs[i]);
        programs[i].rounds = 0;
    }
    for (round = 0; round < rounds; round++)
        for (i = 0; i < count; i++) {
            struct program *one = &programs[i];

            if (round % one->every != 0)
                continue;
            run(one);
            one->wall_ratio[one->rounds - 1] = programs[0].wall[round] / one->wall[one->rounds - 1];
            one->cpu_ratio[one->rounds - 1] = programs[0].cpu[round] / one->cpu[one->rounds - 1];
        }
    for (i = 0; i < count; i++) {
        struct program *one = &programs[i];
        int n = one->rounds;

        printf("bench start way=%s wall_ms=%.2f cpu_ms=%.2f wall_ratio=%.3f cpu_ratio=%.3f rounds=%d\n", one->name,
               median(one->wall, n), median(one->cpu, n), median(one->wall_ratio, n), median(one->cpu_ratio, n), n);
        if (one->process[0] <= 0)
            continue;
        printf("bench resident way=%s", one->name);
        if (one->all[0] > 0)
            printf(" all_mb=%.2f own_mb=%.2f", median(one->all, n), median(one->own, n));
        printf(" process_mb=%.1f\n", median(one->process, n));
    }
    return 0;
}

/* Its time, and its CPU, which other programs on the machine do not lengthen. */
static void one_dlopen(const char *library, double *wall, double *cpu)
{
    double took[2] = {-1, -1};
    int channel[2], status = 0;
    pid_t child;

    if (pipe(channel) != 0 || (child = fork()) < 0)
        fail("no process", library);
    if (child == 0) {
        struct timespec before, after;
        double from = now_ns();

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        if (dlopen(library, RTLD_NOW) == NULL)
            _exit(1);
        took[0] = (now_ns() - from) / 1e6;
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        took[1] = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
        _exit(write(channel[1], took, sizeof took) != (ssize_t)sizeof took);
    }
    (void)close(channel[1]);
    if (read(channel[0], took, sizeof took) != (ssize_t)sizeof took)
        fail("can't be loaded", library);
    (void)close(channel[0]);
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("failed", library);
    *wall = took[0];
    *cpu = took[1];
}

static int load(int rounds, int count, char **libraries)
{
    static double wall[MOST][MOST_ROUNDS], cpu[MOST][MOST_ROUNDS], ratio[MOST][MOST_ROUNDS];
    int round, i;

    if (count < 1 || count > MOST)
        fail("libraries", "1 to 8");
    for (round = 0; round < rounds; round++)
        for (i = 0; i < count; i++) {
            one_dlopen(libraries[i], &wall[i][round], &cpu[i][round]);
            ratio[i][round] = cpu[0][round] / cpu[i][round];
        }
    for (i = 0; i < count; i++) {
        const char *name = strrchr(libraries[i], '/');

        printf("bench dlopen library=%s ms=%.3f cpu_ms=%.3f ratio=%.3f rounds=%d\n", name != NULL ? name + 1 : libraries[i],
               median(wall[i], rounds), median(cpu[i], rounds), median(ratio[i], rounds), rounds);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 0;

    if (argc < 4 || rounds < 1 || rounds > MOST_ROUNDS)
        fail("run ROUNDS NAME=COMMAND... or dlopen ROUNDS LIBRARY...", "usage");
    return strcmp(argv[1], "run") == 0 ? compare(rounds, argc - 3, argv + 3) : load(rounds, argc - 3, argv + 3);
}
