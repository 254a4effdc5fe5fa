/*
 * The library as a command: to see whether a key works, to bring a session into a shell, to watch what a call does.
 *
 * The token goes to standard output where it is asked for: in the four fields, --all, --export, --field
 * authorizationToken, the response to a request. It never goes to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <b2auth.h>

#include "args.h"
#include "doctor.h"
#include "session.h"
#include "store.h"

enum { LONGEST_REQUEST = 16 * 1024 * 1024 };

/* ---- --verbose ---- */

/* What the log function knows. */
struct listener {
    struct timespec start;
    char *last_warning; /* the reason why the last attempt failed, or NULL */
};

static void tell(void *user_data, int level, const char *message)
{
    static const char *const words[] = {"?", "error", "warn", "info", "debug"};
    struct listener *listener = user_data;
    struct timespec now;
    double seconds;

    if (level <= B2_LOG_ERROR)
        return; /* that the call fails is said at its end */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    seconds = (double)(now.tv_sec - listener->start.tv_sec) + (double)(now.tv_nsec - listener->start.tv_nsec) / 1e9;
    fprintf(stderr, "%8.3f %-5s %s\n", seconds, words[level <= B2_LOG_DEBUG ? level : 0], message);
    if (level == B2_LOG_WARN) {
        free(listener->last_warning);
        listener->last_warning = malloc(strlen(message) + 1);
        if (listener->last_warning != NULL)
            memcpy(listener->last_warning, message, strlen(message) + 1);
    }
}

/* ---- failing ---- */

/* 1 if `text` contains the first `length` bytes of `part`. */
static int is_said(const char *text, const char *part, size_t length)
{
    for (; *text != '\0'; text++)
        if (strncmp(text, part, length) == 0)
            return 1;
    return 0;
}

static int print_error(b2_status status, const b2_error *error, const struct args *args, const char *last_warning)
{
    const char *message = error != NULL ? b2_error_message(error) : b2_status_message((int)status);
    const char *hint = b2_error_hint(error);

    if (args->form == CHECK && !args->verbose) {
        fprintf(stderr, "b2auth: %s%s%s%s\n", message, hint != NULL ? " (" : "", hint != NULL ? hint : "",
                hint != NULL ? ")" : "");
        return (int)status;
    }
    /* What failed was logged already if the attempt's warning says it; what the message adds follows a semicolon. */
    if (last_warning != NULL && is_said(last_warning, message, strcspn(message, ";")))
        fprintf(stderr, "b2auth: it failed with %s%s\n", b2_status_name((int)status), message + strcspn(message, ";"));
    else
        fprintf(stderr, "b2auth: %s\n", message);
    if (hint != NULL)
        fprintf(stderr, "hint: %s\n", hint);
    return (int)status;
}

/* ---- asking ---- */

static b2_status apply_settings(const struct args *args, b2_options *options, b2_error **out_error)
{
    b2_status status = B2_OK;

    for (int i = 0; i < args->setting_count && status == B2_OK; i++) {
        char *value = strchr(args->settings[i], '=');

        *value++ = '\0';
        status = b2_options_set(options, args->settings[i], value, out_error);
    }
    return status;
}

static int authorize(const struct args *args, const b2_options *options, const struct listener *listener)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status;
    int result;

    if (args->refresh)
        status = b2_reauthorize(NULL, NULL, NULL, options, &session, &error);
    else
        status = b2_authorize_with(NULL, NULL, options, &session, &error);
    if (status == B2_OK) {
        print_session(session, args);
        result = args->form == CHECK ? 0 : printed(0);
    } else
        result = print_error(status, error, args, listener->last_warning);
    b2_session_free(session);
    b2_error_free(error);
    return result;
}

static int is_colour_wanted(void)
{
    const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0
           && (refused == NULL || refused[0] == '\0');
}

static int doctor(const struct args *args, const b2_options *options)
{
    char *report = NULL;
    b2_status status = b2_diagnose_json(NULL, NULL, options, &report);

    if (report != NULL && args->json)
        puts(report);
    else if (report != NULL)
        print_report(report, is_colour_wanted());
    b2_string_free(report);
    return printed((int)status);
}

static int store(const struct args *args, b2_options *options)
{
    char *report = NULL;
    b2_status status = b2_options_set(options, "diagnose", args->purge ? "purge" : "store", NULL);

    if (status == B2_OK)
        status = b2_diagnose_json(NULL, NULL, options, &report);
    if (report != NULL && args->json)
        puts(report);
    else if (report != NULL)
        print_store(report);
    b2_string_free(report);
    return printed((int)status);
}

static int ask(const struct args *args)
{
    b2_options *options = b2_options_new();
    struct listener listener = {{0, 0}, NULL};
    b2_error *error = NULL;
    b2_status status = apply_settings(args, options, &error);
    int result;

    (void)clock_gettime(CLOCK_MONOTONIC, &listener.start);
    if (args->verbose)
        b2_options_set_log(options, tell, &listener, NULL);
    if (status != B2_OK)
        result = print_error(status, error, args, NULL);
    else if (args->form == DOCTOR)
        result = doctor(args, options);
    else if (args->form == STORE)
        result = store(args, options);
    else
        result = authorize(args, options, &listener);
    b2_error_free(error);
    b2_options_free(options);
    free(listener.last_warning);
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
    struct args args = {FOUR_FIELDS, NULL, NULL, 0, 0, 0, 0, NULL, 0};

    /* Where one of the three is closed, the next socket to be opened would have its number, and get what is printed.
     * So /dev/null takes its place, opened so that what is done to it fails. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return IO_FAILED;
    read_arguments(count, arguments, &args);
    return args.form == REQUEST ? answer_request() : ask(&args);
}
