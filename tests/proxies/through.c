/*
 * One call with the options NAME=VALUE... and the key of the environment. Prints what came of it in one line,
 *
 *     STATUS|requests|milliseconds|message|hint
 *
 * and to standard error everything else that the library tells: its log, and the error as JSON.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <b2auth.h>

static void tell(void *user_data, int level, const char *message)
{
    (void)user_data;
    fprintf(stderr, "log %d: %s\n", level, message);
}

static long now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static b2_status set(b2_options *options, char *option, b2_error **error)
{
    char *value = strchr(option, '=');

    if (value == NULL) {
        fprintf(stderr, "through: %s is not NAME=VALUE\n", option);
        return B2_INVALID_ARGUMENT;
    }
    *value++ = '\0';
    return b2_options_set(options, option, value, error);
}

int main(int count, char **arguments)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = B2_OK;
    const char *hint;
    long start = now_ms();

    b2_options_set_log(options, tell, NULL, NULL);
    for (int i = 1; i < count && status == B2_OK; i++)
        status = set(options, arguments[i], &error);
    if (status == B2_OK)
        status = b2_authorize_with(NULL, NULL, options, &session, &error);

    hint = b2_error_hint(error);
    printf("%s|%u|%ld|%s|%s\n", b2_status_name((int)status), (unsigned)b2_error_attempts(error), now_ms() - start,
           error == NULL ? "" : b2_error_message(error), hint == NULL ? "" : hint);
    if (error != NULL)
        fprintf(stderr, "%s\n", b2_error_json(error));
    b2_error_free(error);
    b2_session_free(session);
    b2_options_free(options);
    return 0;
}
