/*
 * The library as a command: to see whether a key works, to bring a session into a shell, to watch what a call does.
 *
 *     cc b2auth.c $(pkg-config --cflags --libs b2auth) -o b2auth && ./b2auth --help
 *
 * The token goes to standard output where it is asked for: in the four fields, --all, --export, --field
 * authorizationToken, the answer to a request. It never goes to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <b2auth.h>

static const char help[] =
    "Usage: b2auth [OPTION]...\n"
    "\n"
    "Turns a Backblaze B2 application key into a session, and prints its accountId,\n"
    "apiUrl, authorizationToken and downloadUrl as JSON. The key is looked for in\n"
    "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY first; it is never an argument,\n"
    "since others can see those.\n"
    "\n"
    "To print something else, one of:\n"
    "  --all             everything there is to know, as JSON\n"
    "  --field NAME      one value, bare: apiUrl, s3Region, expiresAt, ...\n"
    "                    (a wrong NAME gets you the list)\n"
    "  --export          lines for a shell: export B2_API_URL='...', and so on\n"
    "  --check           nothing: the exit status tells if the key works\n"
    "  -                 the answer to a JSON request, or to an array of them, on\n"
    "                    standard input; the request brings its own options\n"
    "\n"
    "How to ask:\n"
    "  --refresh         get a new token, even where there is a good one\n"
    "  --set NAME=VALUE  set any option of the library; give as many as you like\n"
    "  --verbose         tell on standard error what is done and why\n"
    "  --help, --version\n"
    "\n"
    "The token is a secret, good for up to 24 hours. It is printed where you ask for\n"
    "it: in the four fields, --all, --export, --field authorizationToken, and the\n"
    "answer to a request. Messages, --verbose and --check never show it.\n"
    "\n"
    "Examples:\n"
    "  b2auth --check && echo 'the key works'\n"
    "  b2auth --check --verbose --set max_attempts=1     # why does it not?\n"
    "  lines=$(b2auth --export) && eval \"$lines\"\n"
    "  b2auth --field s3ApiUrl --set realm=staging\n"
    "  echo '{\"fields\": \"all\"}' | b2auth -\n"
    "\n"
    "Exit status: 0 is well; others are the library's, where 1 is a wrong value,\n"
    "2 no key found, 3 key refused, 4 key not supported, 5 cap exceeded, 6 access\n"
    "denied, 7 rate limited, 8 B2 unavailable, 9 network, 10 TLS, 11 timeout,\n"
    "12 cancelled, 13 odd answer, 14 token store, 15 a bug of the library. Besides,\n"
    "64 is wrong usage, 74 a failure of standard input or output.\n";

/* Exit statuses of our own, numbered as in sysexits.h. */
enum { WRONG_USAGE = 64, IO_FAILED = 74 };
enum { LONGEST_REQUEST = 16 * 1024 * 1024 };

/* ---- what is wished for ---- */

/* What a flag stands for. The first are the forms of output, of which a call has one. */
enum flag { FOUR_FIELDS, ALL, FIELD, EXPORT, CHECK, REQUEST, REFRESH, SET, VERBOSE, HELP, VERSION };

static const struct {
    const char *name;
    enum flag flag;
    const char *takes; /* what comes after it, or NULL */
} flags[] = {
    {"--all", ALL, NULL},         {"--field", FIELD, "NAME"},     {"--export", EXPORT, NULL},
    {"--check", CHECK, NULL},     {"-", REQUEST, NULL},           {"--refresh", REFRESH, NULL},
    {"--verbose", VERBOSE, NULL}, {"--set", SET, "NAME=VALUE"},   {"--help", HELP, NULL},
    {"-h", HELP, NULL},           {"--version", VERSION, NULL},
};
enum { FLAGS = sizeof flags / sizeof *flags };

static const char *const fields[] = {
    "accountId", "keyId", "realm", "authorizationToken", "apiUrl", "downloadUrl", "s3ApiUrl", "s3Region",
    "recommendedPartSize", "absoluteMinimumPartSize", "allowed", "applicationKeyExpirationTimestamp", "expiresAt",
};
enum { FIELDS = sizeof fields / sizeof *fields };

struct wish {
    enum flag form;
    const char *form_name; /* as it was given, or NULL */
    const char *field;
    int refresh, verbose;
    char **settings; /* NAME=VALUE each */
    int setting_count;
};

static void wrong_usage(const char *format, ...)
{
    va_list rest;

    fputs("b2auth: ", stderr);
    va_start(rest, format);
    vfprintf(stderr, format, rest);
    va_end(rest);
    fputs("; see b2auth --help\n", stderr);
    exit(WRONG_USAGE);
}

/* The status to exit with. What was printed must have arrived: a full disk is no success. */
static int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "b2auth: can't write to standard output: %s\n", strerror(errno));
    return IO_FAILED;
}

static const char *known_field(const char *name)
{
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(name, fields[i]) == 0)
            return fields[i];
    fprintf(stderr, "b2auth: there is no field '%s'; there are", name);
    for (int i = 0; i < FIELDS; i++)
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", fields[i]);
    fputc('\n', stderr);
    exit(WRONG_USAGE);
}

/* Notes what one flag says; `value` is what came after it, if it takes something. */
static void obey(int i, char *value, struct wish *wish)
{
    switch (flags[i].flag) {
    case HELP:
        fputs(help, stdout);
        exit(printed(0));
    case VERSION:
        printf("b2auth %s\n", b2_library_version());
        exit(printed(0));
    case REFRESH:
        wish->refresh = 1;
        return;
    case VERBOSE:
        wish->verbose = 1;
        return;
    case SET:
        if (strchr(value, '=') == NULL)
            wrong_usage("--set takes NAME=VALUE");
        wish->settings[wish->setting_count++] = value;
        return;
    default:
        if (wish->form_name != NULL)
            wrong_usage("%s and %s can't be had at once", wish->form_name, flags[i].name);
        wish->form = flags[i].flag;
        wish->form_name = flags[i].name;
        wish->field = wish->form == FIELD ? known_field(value) : NULL;
    }
}

/* No message repeats a stray argument, or what follows a '=': it may be a key, given with the best of intentions. */
static void read_arguments(int count, char **arguments, struct wish *wish)
{
    wish->settings = arguments; /* over those that have been read, which are always more */
    for (int at = 1; at < count; at++) {
        char *argument = arguments[at];
        size_t length = strcspn(argument, "=");
        char *value = argument[length] == '=' ? argument + length + 1 : NULL;
        int i = 0;

        if (argument[0] != '-')
            wrong_usage("there is an argument that is no option; keys come from the environment");
        while (i < FLAGS && (strlen(flags[i].name) != length || memcmp(argument, flags[i].name, length) != 0))
            i++;
        if (i == FLAGS)
            wrong_usage("unknown option %.*s", (int)length, argument);
        if (value != NULL && flags[i].takes == NULL)
            wrong_usage("%s takes no value", flags[i].name);
        if (value == NULL && flags[i].takes != NULL) {
            if (++at == count)
                wrong_usage("%s needs %s after it", flags[i].name, flags[i].takes);
            value = arguments[at];
        }
        obey(i, value, wish);
    }
    if (wish->form == REQUEST && (wish->refresh || wish->verbose || wish->setting_count > 0))
        wrong_usage("- goes with no other option: a request brings its own");
}

/* ---- what is printed ---- */

/*
 * Where a value of the session's JSON begins, and its size. The JSON is the library's own, without blanks, and no name
 * stands in it twice; in a string a quote is escaped, so "name": can't be found there.
 */
static const char *value_of(const b2_session *session, const char *name, size_t *size)
{
    const char *at = b2_session_json(session), *end;
    size_t length = strlen(name);
    int depth = 0, quoted = 0;

    while ((at = strstr(at, name)) != NULL && (at[-1] != '"' || strncmp(at + length, "\":", 2) != 0))
        at += length;
    *size = 0;
    if (at == NULL)
        return "";
    at += length + 2;
    for (end = at; *end != '\0' && (quoted || depth > 0 || strchr(",}", *end) == NULL); end++) {
        if (*end == '"')
            quoted = !quoted;
        else if (quoted && *end == '\\' && end[1] != '\0')
            end++;
        else if (!quoted)
            depth += (strchr("{[", *end) != NULL) - (strchr("}]", *end) != NULL);
    }
    *size = (size_t)(end - at);
    return at;
}

static void print_four_fields(const b2_session *session)
{
    static const char *const four[] = {"accountId", "apiUrl", "authorizationToken", "downloadUrl"};
    size_t size;

    for (int i = 0; i < 4; i++) {
        const char *value = value_of(session, four[i], &size);

        printf("%c\"%s\":%.*s", i == 0 ? '{' : ',', four[i], (int)size, value);
    }
    puts("}");
}

/* A string without its quotes and backslashes (all are visible ASCII); other things as JSON, null as nothing. */
static void print_field(const b2_session *session, const char *name)
{
    size_t size;
    const char *value = value_of(session, name, &size);

    if (*value == '"') {
        for (size_t i = 1; i + 1 < size; i++)
            putchar(value[value[i] == '\\' ? ++i : i]);
    } else if (size != 4 || memcmp(value, "null", 4) != 0) {
        fwrite(value, 1, size, stdout);
    }
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

static int print_session(const b2_session *session, const struct wish *wish)
{
    if (wish->form == CHECK)
        return B2_OK;
    if (wish->form == ALL)
        puts(b2_session_json(session));
    else if (wish->form == FIELD)
        print_field(session, wish->field);
    else if (wish->form == FOUR_FIELDS)
        print_four_fields(session);
    else {
        print_export("B2_ACCOUNT_ID", b2_session_account_id(session));
        print_export("B2_API_URL", b2_session_api_url(session));
        print_export("B2_DOWNLOAD_URL", b2_session_download_url(session));
        print_export("B2_S3_API_URL", b2_session_s3_api_url(session));
        print_export("B2_AUTHORIZATION_TOKEN", b2_session_authorization_token(session));
    }
    return printed(B2_OK);
}

static int print_error(b2_status status, const b2_error *error, const struct wish *wish)
{
    if (wish->form == CHECK && !wish->verbose)
        return (int)status;
    fprintf(stderr, "b2auth: %s\n", error != NULL ? b2_error_message(error) : b2_status_message((int)status));
    if (b2_error_hint(error) != NULL)
        fprintf(stderr, "hint: %s\n", b2_error_hint(error));
    if (wish->verbose && error != NULL)
        fprintf(stderr, "%s\n", b2_error_json(error));
    return (int)status;
}

/* ---- asking ---- */

static void tell(void *user_data, int level, const char *message)
{
    static const char *const words[] = {"?", "error", "warn", "info", "debug"};

    (void)user_data;
    fprintf(stderr, "%-5s %s\n", words[level >= B2_LOG_ERROR && level <= B2_LOG_DEBUG ? level : 0], message);
}

static int ask(const struct wish *wish)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status = B2_OK;
    int result;

    if (wish->verbose)
        b2_options_set_log(options, tell, NULL, NULL);
    for (int i = 0; i < wish->setting_count && status == B2_OK; i++) {
        char *value = strchr(wish->settings[i], '=');

        *value++ = '\0';
        status = b2_options_set(options, wish->settings[i], value, &error);
    }
    if (status == B2_OK && wish->refresh)
        status = b2_reauthorize(NULL, NULL, NULL, options, &session, &error);
    else if (status == B2_OK)
        status = b2_authorize_with(NULL, NULL, options, &session, &error);
    result = status == B2_OK ? print_session(session, wish) : print_error(status, error, wish);
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
    return result;
}

/* A request is read whole; it may hold a key, so there is one copy of it. */
static int answer_request(void)
{
    char *request = malloc(LONGEST_REQUEST + 1), *response = NULL;
    size_t size = request != NULL ? fread(request, 1, LONGEST_REQUEST + 1, stdin) : 0;
    int status = IO_FAILED;

    if (request == NULL || ferror(stdin))
        fprintf(stderr, "b2auth: can't read standard input: %s\n", strerror(errno));
    else if (size > LONGEST_REQUEST || memchr(request, '\0', size) != NULL)
        fprintf(stderr, "b2auth: the request is longer than 16 MiB, or has a NUL in it\n");
    else {
        request[size] = '\0';
        status = (int)b2_authorize_json(request, &response);
        if (response != NULL)
            puts(response);
        status = printed(status);
    }
    b2_string_free(response);
    free(request);
    return status;
}

int main(int count, char **arguments)
{
    struct wish wish = {FOUR_FIELDS, NULL, NULL, 0, 0, NULL, 0};

    /* Where one of the three is closed, the next socket to be opened would have its number, and get what is printed.
     * So /dev/null takes its place, opened so that what is done to it fails. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return IO_FAILED;
    read_arguments(count, arguments, &wish);
    return wish.form == REQUEST ? answer_request() : ask(&wish);
}
