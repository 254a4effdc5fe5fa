#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#include "json.h"

static unsigned long long number(const char *value)
{
    return json_is_set(value) ? strtoull(value, NULL, 10) : 0;
}

static int is_true(const char *value)
{
    return value != NULL && *value == 't';
}

/* A duration in the one unit that suits it. */
static void print_span(const char *value)
{
    static const struct {
        unsigned long long ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    unsigned long long ms = number(value);
    size_t i = 0;
    char shown[32] = "-";

    while (i < 3 && ms < 2 * units[i].ms)
        i++;
    if (json_is_set(value))
        (void)snprintf(shown, sizeof shown, "%llu %s", ms / units[i].ms, units[i].unit);
    printf("%9s", shown);
}

static void print_entry(const char *entry)
{
    const char *name = json_member(entry, "name");

    json_print(stdout, name);
    for (size_t size = json_size(name); size < 64; size++)
        putchar(' ');
    fputs("  ", stdout);
    printf("%8llu", number(json_member(entry, "bytes")));
    print_span(json_member(entry, "ageMs"));
    print_span(json_member(entry, "endsInMs"));
    if (is_true(json_member(entry, "removed")))
        fputs("  removed", stdout);
    else if (is_true(json_member(entry, "dead")))
        fputs("  dead", stdout);
    putchar('\n');
}

static const char *plural(unsigned long long count)
{
    return count == 1 ? "" : "s";
}

static void print_kind(const char *entries, const char *kind)
{
    for (const char *entry = json_first(entries); entry != NULL; entry = json_next(entry))
        if (json_is(json_member(entry, "kind"), kind))
            print_entry(entry);
}

static void print_contents(const char *details)
{
    const char *entries = json_member(details, "entries");
    unsigned long long records = number(json_member(details, "records")), dead = number(json_member(details, "dead"));
    unsigned long long removed = number(json_member(details, "removed"));

    json_print(stdout, json_member(details, "place"));
    printf(": %llu record%s, %llu byte%s", records, plural(records), number(json_member(details, "bytes")),
           plural(number(json_member(details, "bytes"))));
    printf("; %llu dead, %llu removed\n", dead, removed);
    if (json_first(entries) != NULL)
        printf("\n%-64s  %8s%9s%9s\n", "name", "bytes", "age", "ends in");
    print_kind(entries, "record");
    print_kind(entries, "lease");
    print_kind(entries, "temporary");
    if (!is_true(json_member(details, "whole")))
        puts("\nThere is more in it than is shown.");
    if (dead > removed && removed == 0)
        puts("\nb2auth store purge removes what is dead.");
}

void print_store(const char *report)
{
    const char *error = json_member(report, "error");

    if (json_is_set(error)) {
        fputs("b2auth: ", stderr);
        json_print(stderr, json_member(error, "message"));
        fputc('\n', stderr);
        if (json_is_set(json_member(error, "hint"))) {
            fputs("hint: ", stderr);
            json_print(stderr, json_member(error, "hint"));
            fputc('\n', stderr);
        }
        return;
    }
    print_contents(json_member(json_first(json_member(report, "steps")), "details"));
}
