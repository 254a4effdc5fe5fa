/* What Swift cannot say: threads that may fail to start, memory that is wiped, functions that depend on the header. */
#ifndef B2AUTH_SWIFT_BRIDGE_H
#define B2AUTH_SWIFT_BRIDGE_H

#include <b2auth.h>
#include <stdlib.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__linux__)
#include <sys/prctl.h>
#endif

/* Foundation's Thread does not report that a thread could not be made. Returns 0 for success. */
#if defined(_WIN32)
static inline int bridge_start_thread(void *(*body)(void *), void *argument)
{
    /* x64 and arm64 have one calling convention, and the exit code is not looked at. */
    HANDLE thread = CreateThread(NULL, 1 << 20, (LPTHREAD_START_ROUTINE)(void *)body, argument, 0, NULL);

    if (!thread)
        return -1;
    CloseHandle(thread);
    return 0;
}
#else
static inline int bridge_start_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    int status = pthread_attr_init(&attributes);

    if (status)
        return status;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 1 << 20);
    /* Signals are the program's own: the new thread inherits a mask that keeps them out. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&thread, &attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}
#endif

/* What debuggers and profilers show the calling thread as. */
static inline void bridge_name_thread(void)
{
#if defined(__linux__)
    prctl(PR_SET_NAME, "b2auth", 0, 0, 0);
#elif defined(__APPLE__)
    pthread_setname_np("b2auth");
#endif
}

/* Through volatile, so that the compiler does not leave it out. */
static inline void bridge_wipe(void *memory, size_t length)
{
    volatile char *byte = (volatile char *)memory;

    while (length-- > 0)
        *byte++ = 0;
}

/* -1: this library has no such function yet. */
static inline int bridge_should_reauthorize_body(int http_status, const char *body, size_t length)
{
#if B2_ABI_VERSION >= 2
    return b2_should_reauthorize_body(http_status, body, length);
#else
    (void)http_status, (void)body, (void)length;
    return -1;
#endif
}

/* No report: there was no memory for it, or this library has no such function yet. */
static inline b2_status bridge_diagnose_json(const char *key_id, const char *key, const b2_options *options, char **out_report)
{
#if B2_ABI_VERSION >= 2
    return b2_diagnose_json(key_id, key, options, out_report);
#else
    (void)key_id, (void)key, (void)options;
    *out_report = NULL;
    return B2_INTERNAL_ERROR;
#endif
}

#endif
