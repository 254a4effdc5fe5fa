/* A batch of a count that no array can have is refused at once. A call that goes on for ever is ended by the alarm. */
#include <b2auth.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"

int main(void)
{
    static const size_t counts[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / sizeof(void *), UINT32_MAX, (size_t)UINT32_MAX + 1};
    const char *one[1] = {NULL};
    b2_session *session = NULL;
    b2_error *error = NULL;

    (void)alarm(60);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        CHECK(b2_authorize_many(NULL, NULL, counts[i], NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
        CHECK(b2_authorize_many(one, one, counts[i], NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
        CHECK(b2_authorize_many(one, NULL, counts[i], NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
        CHECK(b2_authorize_many(NULL, one, counts[i], NULL, NULL, NULL) == B2_INVALID_ARGUMENT);
    }
    group("huge_batch: a count that no array can have is refused");
    /* The library is as it was. */
    CHECK(b2_authorize_many(one, one, 1, NULL, &session, &error) == B2_OK && session != NULL && error == NULL);
    b2_session_free(session);
    group("huge_batch: the next batch is granted");
    return report();
}
