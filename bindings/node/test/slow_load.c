/* Preloaded into Node: a worker that loads koffi says so in a file and then takes its time, so that a test can end the
   process in the middle. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *dlopen(const char *file, int flags) {
    void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    void *library = real(file, flags);
    const char *marker = getenv("B2AUTH_TEST_LOADING");
    if (marker && file && strstr(file, "koffi.node") && gettid() != getpid()) {
        struct timespec enough = {0, 500 * 1000 * 1000};
        int fd = open(marker, O_WRONLY | O_CREAT, 0600);
        if (fd >= 0) close(fd);
        nanosleep(&enough, NULL);
    }
    return library;
}
