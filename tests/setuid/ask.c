/*
 * One call, for tests/setuid.sh, which gives this program the rights that its caller lacks:
 *
 *     ask KEY_ID KEY [OPTION=VALUE]...      "-" is NULL; says what came of it
 *     ask                                   says whether the kernel takes it for one with such rights
 */
#define _DEFAULT_SOURCE
#include <b2auth.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static const char *or_null(const char *text)
{
    return strcmp(text, "-") == 0 ? NULL : text;
}

int main(int count, char **arguments)
{
    b2_options *options;
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = B2_OK;

    if (count < 3) {
        printf("%s\n", getauxval(AT_SECURE) != 0 ? "raised" : "plain");
        return 0;
    }
    options = b2_options_new();
    for (int i = 3; i < count && status == B2_OK; i++) {
        char *value = strchr(arguments[i], '=');

        if (value == NULL)
            return 2;
        *value++ = '\0';
        status = b2_options_set(options, arguments[i], value, &error);
    }
    if (status == B2_OK)
        status = b2_authorize_with(or_null(arguments[1]), or_null(arguments[2]), options, &session, &error);
    if (status == B2_OK)
        printf("B2_OK %s as %s\n", b2_session_realm(session), b2_session_key_id(session));
    else
        printf("%s: %s (%s)\n", b2_status_name((int)status), b2_error_message(error),
               b2_error_hint(error) == NULL ? "" : b2_error_hint(error));
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
    return 0;
}
