/*
 * What a cached call costs with a getter and the free, as a ratio to the same
 * work done by hand (by_hand.h). Both are timed in turn, so a machine that is
 * busy with other things is busy with both.
 *
 *   hit KEY_ID KEY     (B2_ENVIRONMENT says where)
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "b2auth.h"
#include "measure.h"
#include "by_hand.h"

enum { ROUNDS = 31, CALLS = 200000 };

int main(int argc, char **argv)
{
  double library[ROUNDS], hand[ROUNDS], ratio[ROUNDS], from;
  b2_session *session;
  int round, call;
  if (argc != 3 || !by_hand_start(1) || !by_hand_add(argv[1], argv[2]) ||
      b2_authorize(argv[1], argv[2], &session) != B2_OK)
    return 1;
  b2_session_free(session);
  for (round = 0; round < ROUNDS; round++) {
    from = now_ns();
    for (call = 0; call < CALLS; call++) {
      if (b2_authorize(argv[1], argv[2], &session) != B2_OK || !b2_session_authorization_token(session))
        return 1;
      b2_session_free(session);
    }
    library[round] = (now_ns() - from) / CALLS;
    from = now_ns();
    for (call = 0; call < CALLS; call++) {
      entry *found = by_hand(argv[1], argv[2]);
      if (!found)
        return 1;
      by_hand_free(found);
    }
    hand[round] = (now_ns() - from) / CALLS;
    ratio[round] = library[round] / hand[round];
  }
  printf("bench hit ns=%.1f hand_ns=%.1f ratio=%.2f rounds=%d\n",
         median(library, ROUNDS), median(hand, ROUNDS), median(ratio, ROUNDS), ROUNDS);
  return 0;
}
