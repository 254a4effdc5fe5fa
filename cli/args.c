#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <b2auth.h>

#include "options.h"

static const char help[] =
    "Usage: b2auth [OPTION]...\n"
    "       b2auth doctor [--json] [--set NAME=VALUE]... [--verbose]\n"
    "       b2auth store list|purge [--json] [--set NAME=VALUE]... [--verbose]\n"
    "\n"
    "Turns a Backblaze B2 application key into a session, and prints its accountId,\n"
    "apiUrl, authorizationToken and downloadUrl as JSON. The key is taken from\n"
    "B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY, else from where the b2 tool keeps\n"
    "it. It is never an argument: other users can see those.\n"
    "\n"
    "Each run sends a request, which B2 bills and limits to some 20 a minute, unless\n"
    "a token store is set that runs share: --set store=..., or B2_TOKEN_STORE.\n"
    "\n"
    "Output, one of:\n"
    "  --all             everything there is to know, as JSON\n"
    "  --field NAME      one value, bare: apiUrl, s3Region, expiresAt, ...\n"
    "                    (a wrong NAME gets you the list)\n"
    "  --export          lines for a shell: export B2_API_URL='...', and so on\n"
    "  --check           nothing, and one line on standard error if it fails\n"
    "  -                 the response to a JSON request, or to an array of them, on\n"
    "                    standard input; the request brings its own options\n"
    "  doctor            the way to B2 step by step: what works, what does not, and\n"
    "                    what to do about it; with --json for programs\n"
    "  store list        what is in the token store: how old and how large; names are\n"
    "                    hashes, and no key is needed. store purge removes dead ones\n"
    "\n"
    "Other options:\n"
    "  --refresh         get a new token, even if a store has a good one\n"
    "  --set NAME=VALUE  set an option of the library; --options lists them\n"
    "  --verbose         say on standard error what is done, when and why\n"
    "  --options, --help, --version\n"
    "\n"
    "The token is a secret, good for up to 24 hours. It is in the four fields, --all,\n"
    "--export, --field authorizationToken and responses, and nowhere else.\n"
    "\n"
    "Exit status: 0 success; 1 wrong value, 2 no key found, 3 key refused, 4 key not\n"
    "supported, 5 cap exceeded, 6 access denied, 7 rate limited, 8 B2 unavailable,\n"
    "9 network, 10 TLS, 11 timeout, 12 cancelled, 13 odd response, 14 token store,\n"
    "15 a bug of the library; 64 wrong usage, 74 standard input or output failed.\n"
    "See b2auth(1).\n";

static const struct {
    const char *name;
    enum flag flag;
    const char *takes; /* what comes after it, or NULL */
} flags[] = {
    {"--all", ALL, NULL},         {"--field", FIELD, "NAME"},   {"--export", EXPORT, NULL},
    {"--check", CHECK, NULL},     {"-", REQUEST, NULL},         {"doctor", DOCTOR, NULL},
    {"--json", JSON, NULL},       {"--refresh", REFRESH, NULL}, {"--verbose", VERBOSE, NULL},
    {"--set", SET, "NAME=VALUE"}, {"--options", OPTIONS, NULL}, {"--help", HELP, NULL},
    {"-h", HELP, NULL},           {"--version", VERSION, NULL}, {"store", STORE, "list or purge"},
};
enum { FLAGS = sizeof flags / sizeof *flags };

static const char *const fields[] = {
    "accountId", "keyId", "realm", "authorizationToken", "apiUrl", "downloadUrl", "s3ApiUrl", "s3Region",
    "recommendedPartSize", "absoluteMinimumPartSize", "allowed", "applicationKeyExpirationTimestamp", "expiresAt",
};
enum { FIELDS = sizeof fields / sizeof *fields };

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

int printed(int status)
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

static void print_options(void)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        printf("%s%s=%s\n    Default: %s. %s.\n", i == 0 ? "" : "\n", options[i].name, options[i].values,
               options[i].standard, options[i].meaning);
}

/* Notes what one flag says; `value` is what came after it, if it takes something. */
static void obey(int i, char *value, struct args *args)
{
    switch (flags[i].flag) {
    case HELP:
        fputs(help, stdout);
        exit(printed(0));
    case VERSION:
        printf("b2auth %s\n", b2_library_version());
        exit(printed(0));
    case OPTIONS:
        print_options();
        exit(printed(0));
    case REFRESH:
        args->refresh = 1;
        return;
    case VERBOSE:
        args->verbose = 1;
        return;
    case JSON:
        args->json = 1;
        return;
    case SET:
        if (strchr(value, '=') == NULL)
            wrong_usage("--set takes NAME=VALUE");
        args->settings[args->setting_count++] = value;
        return;
    default:
        if (args->form_name != NULL)
            wrong_usage("%s and %s can't be had at once", args->form_name, flags[i].name);
        args->form = flags[i].flag;
        args->form_name = flags[i].name;
        args->field = args->form == FIELD ? known_field(value) : NULL;
        if (args->form == STORE && strcmp(value, "list") != 0 && strcmp(value, "purge") != 0)
            wrong_usage("store takes list or purge");
        args->purge = args->form == STORE && strcmp(value, "purge") == 0;
    }
}

static void check_combination(const struct args *args)
{
    if (args->form == REQUEST && (args->refresh || args->verbose || args->json || args->setting_count > 0))
        wrong_usage("- goes with no other option: a request brings its own");
    if (args->json && args->form != DOCTOR && args->form != STORE)
        wrong_usage("--json goes with doctor and store; everything else is JSON already");
    if (args->refresh && args->form == DOCTOR)
        wrong_usage("doctor always asks B2, and takes no --refresh");
    if (args->refresh && args->form == STORE)
        wrong_usage("store asks nobody for a token, and takes no --refresh");
}

/* No message repeats a stray argument, or what follows a '=': it may be a key, given with the best of intentions. */
void read_arguments(int count, char **arguments, struct args *args)
{
    args->settings = arguments; /* over those that have been read, which are always more */
    for (int at = 1; at < count; at++) {
        char *argument = arguments[at];
        size_t length = strcspn(argument, "=");
        char *value = argument[length] == '=' ? argument + length + 1 : NULL;
        int i = 0;

        while (i < FLAGS && (strlen(flags[i].name) != length || memcmp(argument, flags[i].name, length) != 0))
            i++;
        if (i == FLAGS && argument[0] != '-')
            wrong_usage("there is an argument that is neither an option nor doctor or store; keys come from the environment");
        if (i == FLAGS)
            wrong_usage("unknown option %.*s", (int)length, argument);
        if (value != NULL && flags[i].takes == NULL)
            wrong_usage("%s takes no value", flags[i].name);
        if (value == NULL && flags[i].takes != NULL) {
            if (++at == count)
                wrong_usage("%s needs %s after it", flags[i].name, flags[i].takes);
            value = arguments[at];
        }
        obey(i, value, args);
    }
    check_combination(args);
}
