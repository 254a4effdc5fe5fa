/*
 * The cache that a program in C might have of its own: one mutex, one table
 * look-up, one keyed digest of each string, two coarse clocks, one atomic
 * count. What the benches hold cached calls against.
 */
#ifndef BY_HAND_H
#define BY_HAND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  uint64_t id[2], key[2];
  int64_t dead_at;
  atomic_long count;
  char token[96], api_url[64], download_url[64], account_id[32];
} entry;

static entry **table;
static size_t slots;
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

static size_t slot(const uint64_t id[2], const uint64_t key[2])
{
  return (id[0] ^ key[0]) & (slots - 1);
}

/* Makes a table for `count` entries, with at least as many places again. */
static int by_hand_start(size_t count)
{
  for (slots = 1024; slots < 2 * count; slots *= 2)
    ;
  table = calloc(slots, sizeof *table);
  return table != NULL;
}

static int by_hand_add(const char *id, const char *key)
{
  entry *made = calloc(1, sizeof *made);
  size_t at;
  if (!made)
    return 0;
  digest(id, strlen(id), made->id);
  digest(key, strlen(key), made->key);
  made->dead_at = INT64_MAX;
  for (at = slot(made->id, made->key); table[at]; at = (at + 1) & (slots - 1))
    ;
  table[at] = made;
  return 1;
}

__attribute__((noinline)) static entry *by_hand(const char *id, const char *key)
{
  uint64_t a[2], b[2];
  struct timespec wall, awake;
  entry *found;
  size_t at;
  digest(id, strlen(id), a);
  digest(key, strlen(key), b);
  clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  clock_gettime(CLOCK_MONOTONIC_COARSE, &awake);
  pthread_mutex_lock(&mutex);
  for (at = slot(a, b); (found = table[at]) != NULL; at = (at + 1) & (slots - 1))
    if (((found->id[0] ^ a[0]) | (found->id[1] ^ a[1]) | (found->key[0] ^ b[0]) | (found->key[1] ^ b[1])) == 0)
      break;
  if (found && (wall.tv_sec >= found->dead_at || awake.tv_sec >= found->dead_at))
    found = NULL;
  if (found)
    atomic_fetch_add(&found->count, 1);
  pthread_mutex_unlock(&mutex);
  return found;
}

static void by_hand_free(entry *found)
{
  atomic_fetch_sub(&found->count, 1);
}

#endif
