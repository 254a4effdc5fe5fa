/*
 * A first call in a fresh process: prints the length of the token, what the call added to the resident memory, and how much that is now, in KB.
 * The environment has realm, certificate and key, as tests/with-sandbox.sh sets them.
 */
#define _POSIX_C_SOURCE 200809L
#include <b2auth.h>
#include <string.h>

#include "resident.h"

int main(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    struct resident before, after;

    if (b2_options_set(options, "realm", getenv("B2_SANDBOX_HTTPS"), NULL) != B2_OK
        || b2_options_set(options, "ca_file", getenv("B2_SANDBOX_CA"), NULL) != B2_OK)
        return 1;
    before = resident();
    if (b2_authorize_with(getenv("B2_APPLICATION_KEY_ID"), getenv("B2_APPLICATION_KEY"), options, &session, &error) != B2_OK) {
        fprintf(stderr, "b2auth: %s\n", b2_error_message(error));
        return 1;
    }
    after = resident();
    printf("%lu %ld %ld %ld\n", (unsigned long)strlen(b2_session_authorization_token(session)), after.all - before.all,
           after.own - before.own, after.all);
    b2_session_free(session);
    b2_options_free(options);
    return 0;
}
