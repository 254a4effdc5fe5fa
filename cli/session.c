#include "session.h"

#include <stdio.h>

#include "json.h"

static void print_four_fields(const b2_session *session)
{
    static const char *const four[] = {"accountId", "apiUrl", "authorizationToken", "downloadUrl"};

    for (int i = 0; i < 4; i++) {
        const char *value = json_member(b2_session_json(session), four[i]);

        printf("%c\"%s\":", i == 0 ? '{' : ',', four[i]);
        fwrite(value, 1, json_size(value), stdout);
    }
    puts("}");
}

static void print_field(const b2_session *session, const char *name)
{
    json_print(stdout, json_member(b2_session_json(session), name));
    putchar('\n');
}

/* Between single quotes a shell takes everything as it is but the quote itself, which becomes '\''. */
static void print_export(const char *name, const char *value)
{
    if (value == NULL) { /* nor is one left there from another account */
        printf("unset %s\n", name);
        return;
    }
    printf("export %s='", name);
    for (; *value != '\0'; value++)
        if (*value == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*value);
    puts("'");
}

void print_session(const b2_session *session, const struct args *args)
{
    switch (args->form) {
    case CHECK:
        break;
    case ALL:
        puts(b2_session_json(session));
        break;
    case FIELD:
        print_field(session, args->field);
        break;
    case EXPORT:
        print_export("B2_ACCOUNT_ID", b2_session_account_id(session));
        print_export("B2_API_URL", b2_session_api_url(session));
        print_export("B2_DOWNLOAD_URL", b2_session_download_url(session));
        print_export("B2_S3_API_URL", b2_session_s3_api_url(session));
        print_export("B2_AUTHORIZATION_TOKEN", b2_session_authorization_token(session));
        break;
    default:
        print_four_fields(session);
    }
}
