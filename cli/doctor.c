#include "doctor.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

/* How a step's result is shown. */
static const struct {
    const char *result, *shown, *colour;
} results[] = {
    {"ok", "ok", "\033[32m"},
    {"warning", "warning", "\033[33m"},
    {"failed", "FAILED", "\033[31m"},
    {"skipped", "-", "\033[2m"},
};

/* The names of steps that are not those of the report. */
static const struct {
    const char *name, *shown;
} steps[] = {
    {"roots", "CA files"}, {"lookUp", "name look-up"}, {"tls", "TLS"}, {"authorize", "B2"},
};

static void print_name(const char *name)
{
    char shown[16] = "?";

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (json_is(name, steps[i].name)) {
            printf("%-13s", steps[i].shown);
            return;
        }
    if (name != NULL)
        (void)snprintf(shown, sizeof shown, "%.*s", (int)json_size(name) - 2, name + 1);
    printf("%-13s", shown);
}

static void print_step(const char *step, int colour)
{
    const char *result = json_member(step, "result"), *took = json_member(step, "durationMs");
    const char *advice = json_member(step, "advice");
    size_t i = 0;

    while (i + 1 < sizeof results / sizeof *results && !json_is(result, results[i].result))
        i++;
    printf("  %s%-8s%s ", colour ? results[i].colour : "", results[i].shown, colour ? "\033[0m" : "");
    print_name(json_member(step, "name"));
    if (json_is_set(took))
        printf("%6.*s ms  ", (int)json_size(took), took);
    else
        printf("%11s", "");
    json_print(stdout, json_member(step, "summary"));
    putchar('\n');
    if (json_is_set(advice)) {
        printf("%35s-> ", "");
        json_print(stdout, advice);
        putchar('\n');
    }
}

static void print_end(const char *report)
{
    const char *result = json_member(report, "result"), *error = json_member(report, "error");

    if (json_is_set(error)) {
        fputs("\nA call would fail with ", stdout);
        json_print(stdout, json_member(report, "status"));
        fputs(": ", stdout);
        json_print(stdout, json_member(error, "message"));
        putchar('\n');
    } else if (json_is(result, "warning"))
        puts("\nB2 can be reached with this key, and there is something to look at.");
    else
        puts("\nB2 can be reached with this key.");
}

void print_report(const char *report, int colour)
{
    const char *step;

    fputs("b2auth ", stdout);
    json_print(stdout, json_member(report, "version"));
    fputs(", ", stdout);
    json_print(stdout, json_member(report, "startedAt"));
    fputs(":\n\n", stdout);
    for (step = json_first(json_member(report, "steps")); step != NULL; step = json_next(step))
        print_step(step, colour);
    print_end(report);
}
