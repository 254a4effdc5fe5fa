/*
 * What a cached call costs with a getter and the free, as a ratio to the same
 * work done by hand in C: one mutex, one table look-up, one keyed digest of
 * each string, two coarse clocks, one atomic count. Both are timed in turn, so
 * a machine that is busy with other things is busy with both.
 *
 *   hit KEY_ID KEY     (B2_ENVIRONMENT says where)
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "b2auth.h"

enum { ROUNDS = 31, CALLS = 200000, SLOTS = 1024 };

typedef struct {
  uint64_t id[2], key[2];
  int64_t dead_at;
  atomic_long count;
} entry;

static entry *table[SLOTS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t k0 = 0x0706050403020100u, k1 = 0x0f0e0d0c0b0a0908u;

#define ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND                                              \
  do {                                                     \
    v0 += v1; v1 = ROTATE(v1, 13); v1 ^= v0;               \
    v0 = ROTATE(v0, 32);                                   \
    v2 += v3; v3 = ROTATE(v3, 16); v3 ^= v2;               \
    v0 += v3; v3 = ROTATE(v3, 21); v3 ^= v0;               \
    v2 += v1; v1 = ROTATE(v1, 17); v1 ^= v2;               \
    v2 = ROTATE(v2, 32);                                   \
  } while (0)

/* SipHash-1-3 with 128 bits. */
static void digest(const char *text, size_t length, uint64_t out[2])
{
  uint64_t v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du ^ 0xee;
  uint64_t v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
  uint64_t last = (uint64_t)length << 56, word;
  size_t i, whole = length & ~(size_t)7;
  for (i = 0; i < whole; i += 8) {
    memcpy(&word, text + i, 8);
    v3 ^= word;
    ROUND;
    v0 ^= word;
  }
  for (; i < length; i++)
    last |= (uint64_t)(unsigned char)text[i] << (8 * (i - whole));
  v3 ^= last;
  ROUND;
  v0 ^= last;
  v2 ^= 0xee;
  ROUND; ROUND; ROUND;
  out[0] = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  ROUND; ROUND; ROUND;
  out[1] = v0 ^ v1 ^ v2 ^ v3;
}

__attribute__((noinline)) static entry *by_hand(const char *id, const char *key)
{
  uint64_t a[2], b[2];
  struct timespec wall, awake;
  entry *found;
  digest(id, strlen(id), a);
  digest(key, strlen(key), b);
  clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  clock_gettime(CLOCK_MONOTONIC_COARSE, &awake);
  pthread_mutex_lock(&mutex);
  found = table[(a[0] ^ b[0]) % SLOTS];
  if (found && (((found->id[0] ^ a[0]) | (found->id[1] ^ a[1]) |
                 (found->key[0] ^ b[0]) | (found->key[1] ^ b[1])) != 0 ||
                wall.tv_sec >= found->dead_at || awake.tv_sec >= found->dead_at))
    found = NULL;
  if (found)
    atomic_fetch_add(&found->count, 1);
  pthread_mutex_unlock(&mutex);
  return found;
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
  double library[ROUNDS], hand[ROUNDS], ratio[ROUNDS], from;
  b2_session *session;
  entry *mine = calloc(1, sizeof *mine);
  int round, call;
  if (argc != 3 || !mine || b2_authorize(argv[1], argv[2], &session) != B2_OK)
    return 1;
  b2_session_free(session);
  digest(argv[1], strlen(argv[1]), mine->id);
  digest(argv[2], strlen(argv[2]), mine->key);
  mine->dead_at = INT64_MAX;
  table[(mine->id[0] ^ mine->key[0]) % SLOTS] = mine;
  for (round = 0; round < ROUNDS; round++) {
    from = now();
    for (call = 0; call < CALLS; call++) {
      if (b2_authorize(argv[1], argv[2], &session) != B2_OK || !b2_session_authorization_token(session))
        return 1;
      b2_session_free(session);
    }
    library[round] = (now() - from) / CALLS;
    from = now();
    for (call = 0; call < CALLS; call++) {
      entry *found = by_hand(argv[1], argv[2]);
      if (!found)
        return 1;
      atomic_fetch_sub(&found->count, 1);
    }
    hand[round] = (now() - from) / CALLS;
    ratio[round] = library[round] / hand[round];
  }
  qsort(library, ROUNDS, sizeof *library, by_size);
  qsort(hand, ROUNDS, sizeof *hand, by_size);
  qsort(ratio, ROUNDS, sizeof *ratio, by_size);
  printf("bench hit ns=%.1f hand_ns=%.1f ratio=%.2f rounds=%d\n",
         library[ROUNDS / 2], hand[ROUNDS / 2], ratio[ROUNDS / 2], ROUNDS);
  free(mine);
  return 0;
}
