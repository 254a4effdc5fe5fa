/* A call that is given no key, with the profile in $PROFILE if there is one. */
#include <b2auth.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status;

    if (b2_options_set(options, "profile", getenv("PROFILE"), &error) != B2_OK)
        return 2;
    status = b2_authorize_with(NULL, NULL, options, &session, &error);
    if (status == B2_OK)
        printf("%s at %s\n", b2_session_key_id(session), b2_session_realm(session));
    else
        printf("%s\n", b2_error_message(error));
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
    return status == B2_OK ? 0 : 1;
}
