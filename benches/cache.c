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
#include <stdio.h>
#include <unistd.h>

#include "b2auth.h"
#include "measure.h"
#include "by_hand.h"

enum { ROUNDS = 15, CALLS = 100000, MAX_THREADS = 64, BATCH = 4096 };

typedef struct {
  char id[28], key[36];
} pair;

static pair *pairs;
static int count;

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

/* The same by hand. */
static void hit_by_hand(const pair *one)
{
  entry *found = by_hand(one->id, one->key);
  if (!found)
    fail("a key is missing");
  by_hand_free(found);
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
static double round_among(void (*call_for)(const pair *), int among)
{
  static uint64_t state = 88172645463325252u;
  double from = now_ns();
  int call;
  for (call = 0; call < CALLS; call++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    call_for(&pairs[state % (uint64_t)among]);
  }
  return now_ns() - from;
}

/* That, the same for one key, and by hand, in turn. */
static void at_random(int among)
{
  double one[ROUNDS], random[ROUNDS], hand[ROUNDS], ratio[ROUNDS], hand_ratio[ROUNDS];
  int round;
  for (round = 0; round < ROUNDS; round++) {
    one[round] = round_among(hit, 1);
    random[round] = among == 1 ? one[round] : round_among(hit, among);
    hand[round] = round_among(hit_by_hand, among);
    ratio[round] = random[round] / one[round];
    hand_ratio[round] = random[round] / hand[round];
  }
  printf("bench keys keys=%d ns=%.0f one_ns=%.0f ratio=%.2f hand_ns=%.0f hand_ratio=%.2f\n", among,
         median(random, ROUNDS) / CALLS, median(one, ROUNDS) / CALLS, median(ratio, ROUNDS), median(hand, ROUNDS) / CALLS, median(hand_ratio, ROUNDS));
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
  used = cpu_ns();
  from = now_ns();
  atomic_store(&go, 1);
  for (i = 0; i < threads; i++)
    pthread_join(started[i], NULL);
  *cpu_each = (cpu_ns() - used) / ((double)threads * CALLS);
  return (double)threads * CALLS / (now_ns() - from);
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
  printf("bench threads threads=%d million_a_second=%.1f ratio=%.2f cpu_ns=%.0f\n", threads, median(calls, ROUNDS) * 1e3,
         median(ratio, ROUNDS), median(used, ROUNDS));
}

int main(int argc, char **argv)
{
  static const int among[] = {1, 200, 2000, 20000};
  int i, threads, most = argc > 2 ? atoi(argv[2]) : 16;
  double before, full, by_hand_mb, cleared;
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
  if (!by_hand_start((size_t)count))
    fail("no memory");
  for (i = 0; i < count; i++)
    if (!by_hand_add(pairs[i].id, pairs[i].key))
      fail("no memory");
  by_hand_mb = resident() - full;
  for (i = 0; i < (int)(sizeof among / sizeof *among); i++)
    if (among[i] < count)
      at_random(among[i]);
  at_random(count);
  b2_cache_clear();
  cleared = resident() - by_hand_mb;
  printf("bench memory sessions=%d bytes_each=%.0f one_mb=%.1f all_mb=%.1f cleared_mb=%.1f\n", count,
         (full - before) * 1e6 / count, before, full, cleared);
  /* Their stacks would be resident. */
  for (threads = 1; threads <= most; threads *= 2)
    together(threads);
  return 0;
}
