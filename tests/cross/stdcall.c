/* Calls the library as VB6 does: by the convention where the called function takes its arguments off the stack. */
#include "../c/check.h"

#include <stdint.h>
#include <windows.h>

typedef size_t(__stdcall *into_function)(const char *, char *, size_t);
typedef const char *(__stdcall *version_function)(void);
typedef void(__stdcall *clear_function)(void);

static void find(HMODULE library, const char *name, void *function)
{
    FARPROC found = GetProcAddress(library, name);

    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

int main(void)
{
    HMODULE library = LoadLibraryA(environment("B2_LIBRARY"));
    into_function into;
    version_function version;
    clear_function clear;
    char answer[4096], short_answer[8];
    uintptr_t before, after;
    size_t length;
    int i;

    CHECK(library != NULL);
    find(library, "b2_authorize_json_into_stdcall", &into);
    find(library, "b2_library_version_stdcall", &version);
    find(library, "b2_cache_clear_stdcall", &clear);
    if (failed_checks != 0)
        return report();
    CHECK(strlen(version()) >= 5);
    group("the version");

    length = into("{}", answer, sizeof answer);
    CHECK(length == strlen(answer) && strncmp(answer, "{\"accountId\":\"4aa9865d6f00\",", 28) == 0);
    CHECK(into("{}", short_answer, sizeof short_answer) == length && strlen(short_answer) == 7);
    clear();
    CHECK(into("{}", answer, sizeof answer) == length);
    group("text in, text out, and the cache cleared");

    /* A function of another convention would leave its arguments on the stack, or take some that are not its own. */
    __asm__ volatile("mov %%esp, %0" : "=r"(before));
    for (i = 0; i < 1000; i++) {
        (void)into("{}", answer, sizeof answer);
        (void)version();
    }
    __asm__ volatile("mov %%esp, %0" : "=r"(after));
    CHECK(before == after);
    group("the stack is as it was after a thousand calls");
    return report();
}
