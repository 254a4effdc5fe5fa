/* As many cached calls as the argument says, each with a getter and the free: for counting instructions. */
#include <b2auth.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *id = getenv("B2_APPLICATION_KEY_ID"), *key = getenv("B2_APPLICATION_KEY");
    long calls = argc == 2 ? atol(argv[1]) : 0;
    b2_session *session;

    while (calls-- > 0) {
        if (b2_authorize(id, key, &session) != B2_OK || b2_session_authorization_token(session) == NULL)
            return 1;
        b2_session_free(session);
    }
    return 0;
}
