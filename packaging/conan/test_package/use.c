/* Prints the version, and what a call with a key but no key ID says: it needs no network. */
#include <stdio.h>

#include <b2auth.h>

int main(void)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = b2_authorize_with(NULL, "no-key", NULL, &session, &error);

    printf("b2auth %s: %s\n", b2_library_version(), b2_error_message(error));
    b2_session_free(session);
    b2_error_free(error);
    return status == B2_INVALID_ARGUMENT ? 0 : 1;
}
