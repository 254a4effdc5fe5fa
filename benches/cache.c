/*
 * How the cache carries many keys and many threads. Every figure is a ratio of
 * two things measured in turn in this run, so a machine that is busy with other
 * things is busy with both.
 *
 *   cache KEYS [THREADS]     the first KEYS key IDs that the sandbox accepts
 *
 * Key IDs and keys are k%07d and secret-of-key-%016d: benches/cache.sh starts a
 * sandbox that accepts them.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "b2auth.h"

enum { ROUNDS = 15, CALLS = 100000, MAX_THREADS = 64, BATCH = 4096 };

typedef struct {
  char id[28], key[36];
} pair;

static pair *pairs;
static int count;

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The CPU of all threads, in ns. */
static double cpu(void)
{
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values)
{
  qsort(values, ROUNDS, sizeof *values, by_size);
  return values[ROUNDS / 2];
}

static void fail(const char *what)
{
  fprintf(stderr, "cache: %s\n", what);
  exit(1);
}

/* A cached call, a getter and the free. */
static void hit(const pair *one)
{
  b2_session *session;
  if (b2_authorize(one->id, one->key, &session) != B2_OK || !b2_session_authorization_token(session))
    fail("a call failed");
  b2_session_free(session);
}

/* In MB. */
static double resident(void)
{
  long pages = 0, rest;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &rest, &pages) != 2)
    fail("no /proc/self/statm");
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void authorize_all(void)
{
  static const char *ids[BATCH], *keys[BATCH];
  static b2_session *sessions[BATCH];
  int from, i;
  for (from = 0; from < count; from += BATCH) {
    int size = count - from < BATCH ? count - from : BATCH;
    for (i = 0; i < size; i++) {
      ids[i] = pairs[from + i].id;
      keys[i] = pairs[from + i].key;
    }
    if (b2_authorize_many(ids, keys, (size_t)size, NULL, sessions, NULL) != B2_OK)
      fail("a batch failed");
    for (i = 0; i < size; i++)
      b2_session_free(sessions[i]);
  }
}

/* The time of calls for one of the first `among` keys each, at random. */
static double round_among(int among)
{
  static uint64_t state = 88172645463325252u;
  double from = now();
  int call;
  for (call = 0; call < CALLS; call++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    hit(&pairs[state % (uint64_t)among]);
  }
  return now() - from;
}

/* That, and the same for one key, in turn. */
static void at_random(int among)
{
  double one[ROUNDS], random[ROUNDS], ratio[ROUNDS];
  int round;
  for (round = 0; round < ROUNDS; round++) {
    one[round] = round_among(1);
    random[round] = among == 1 ? one[round] : round_among(among);
    ratio[round] = random[round] / one[round];
  }
  printf("bench keys keys=%d ns=%.0f one_ns=%.0f ratio=%.2f\n", among, median(random) / CALLS, median(one) / CALLS,
         median(ratio));
}

static atomic_int go;

static void *caller(void *unused)
{
  int call;
  while (!atomic_load(&go))
    ;
  for (call = 0; call < CALLS; call++)
    hit(&pairs[0]);
  return unused;
}

/* How many calls a nanosecond so many threads do together, and the CPU that each call takes. */
static double rate(int threads, double *cpu_each)
{
  pthread_t started[MAX_THREADS];
  double from, used;
  int i;
  atomic_store(&go, 0);
  for (i = 0; i < threads; i++)
    if (pthread_create(&started[i], NULL, caller, NULL))
      fail("no thread");
  used = cpu();
  from = now();
  atomic_store(&go, 1);
  for (i = 0; i < threads; i++)
    pthread_join(started[i], NULL);
  *cpu_each = (cpu() - used) / ((double)threads * CALLS);
  return (double)threads * CALLS / (now() - from);
}

static void together(int threads)
{
  double ratio[ROUNDS], calls[ROUNDS], used[ROUNDS];
  int round;
  for (round = 0; round < ROUNDS; round++) {
    double alone = rate(1, &used[round]);
    calls[round] = threads == 1 ? alone : rate(threads, &used[round]);
    ratio[round] = calls[round] / alone;
  }
  printf("bench threads threads=%d million_a_second=%.1f ratio=%.2f cpu_ns=%.0f\n", threads, median(calls) * 1e3,
         median(ratio), median(used));
}

int main(int argc, char **argv)
{
  static const int among[] = {1, 200, 2000, 20000};
  int i, threads, most = argc > 2 ? atoi(argv[2]) : 16;
  double before, full, cleared;
  count = argc > 1 ? atoi(argv[1]) : 0;
  if (count < 1 || most > MAX_THREADS || !(pairs = calloc((size_t)count, sizeof *pairs)))
    fail("usage: cache KEYS [THREADS]");
  for (i = 0; i < count; i++) {
    snprintf(pairs[i].id, sizeof pairs[i].id, "k%07d", i);
    snprintf(pairs[i].key, sizeof pairs[i].key, "secret-of-key-%016d", i);
  }
  hit(&pairs[0]);
  before = resident();
  authorize_all();
  full = resident();
  for (i = 0; i < (int)(sizeof among / sizeof *among); i++)
    if (among[i] < count)
      at_random(among[i]);
  at_random(count);
  b2_cache_clear();
  cleared = resident();
  printf("bench memory sessions=%d bytes_each=%.0f one_mb=%.1f all_mb=%.1f cleared_mb=%.1f\n", count,
         (full - before) * 1e6 / count, before, full, cleared);
  /* Their stacks would be resident. */
  for (threads = 1; threads <= most; threads *= 2)
    together(threads);
  return 0;
}
