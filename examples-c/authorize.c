/*
 * The shortest whole program: from an application key to a session.
 *
 *     export B2_APPLICATION_KEY_ID=… B2_APPLICATION_KEY=…
 *     cc authorize.c $(pkg-config --cflags --libs b2auth) -o authorize && ./authorize
 */
#include <stdio.h>

#include <b2auth.h>

int main(void)
{
    b2_session *session = NULL;
    b2_error *error = NULL;

    /* No key is given here, so it is taken from the environment. No options: the defaults. */
    if (b2_authorize_with(NULL, NULL, NULL, &session, &error) != B2_OK) {
        fprintf(stderr, "error: %s\n", b2_error_message(error));
        if (b2_error_hint(error) != NULL)
            fprintf(stderr, "hint: %s\n", b2_error_hint(error));
        b2_error_free(error);
        return 1;
    }

    /* The strings belong to the session. The token is a secret: show no more than its start. */
    printf("accountId           %s\n", b2_session_account_id(session));
    printf("apiUrl              %s\n", b2_session_api_url(session));
    printf("downloadUrl         %s\n", b2_session_download_url(session));
    printf("authorizationToken  %.8s...\n", b2_session_authorization_token(session));
    b2_session_free(session);
    return 0;
}
