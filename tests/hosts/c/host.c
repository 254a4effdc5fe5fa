/* b2auth from C, by pkg-config. Shows what is no secret. */
#include <b2auth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(b2_error *error) {
    const char *hint = b2_error_hint(error);
    fprintf(stderr, "%s%s%s\n", b2_error_message(error), hint ? ": " : "", hint ? hint : "");
    b2_error_free(error);
    return 1;
}

int main(void) {
    b2_session *session;
    b2_error *error;
    char *json;

    printf("version %s\n", b2_library_version());

    /* The key comes from the environment. */
    if (b2_authorize_with(NULL, NULL, NULL, &session, &error) != B2_OK)
        return fail(error);
    printf("account %s\n", b2_session_account_id(session));
    printf("api %s\n", b2_session_api_url(session));
    printf("download %s\n", b2_session_download_url(session));
    printf("token %s\n", strlen(b2_session_authorization_token(session)) > 20 ? "yes" : "no");
    printf("part %llu\n", (unsigned long long)b2_session_recommended_part_size(session));
    b2_session_free(session);

    b2_status status = b2_authorize_with(getenv("B2_APPLICATION_KEY_ID"), "K001wrong", NULL, &session, &error);
    printf("wrong key %d %s\n", (int)status, b2_status_name((int)status));
    printf("message %s\n", b2_error_message(error));
    printf("hint %s\n", b2_error_hint(error));
    b2_error_free(error);

    /* Text in, text out. */
    status = b2_authorize_json("{\"fields\": \"action\"}", &json);
    printf("json %d %s\n", (int)status, strstr(json, "\"accountId\":\"4aa9865d6f00\"") ? "yes" : "no");
    b2_string_free(json);
    return 0;
}
