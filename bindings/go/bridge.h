/* What cgo cannot say: functions of C that call exported Go functions, and memory that is wiped. */
#ifndef B2AUTH_GO_BRIDGE_H
#define B2AUTH_GO_BRIDGE_H

#include <b2auth.h>
#include <stdint.h>
#include <stdlib.h>

extern void b2auth_go_log(uintptr_t log, int level, char *message);
extern void b2auth_go_release(uintptr_t log);

static inline void bridge_log(void *log, int level, const char *message)
{
    b2auth_go_log((uintptr_t)log, level, (char *)message);
}

static inline void bridge_release(void *log)
{
    b2auth_go_release((uintptr_t)log);
}

/* log is a cgo.Handle: a number, which no Go code has to pass off as a pointer. */
static inline void bridge_set_log(b2_options *options, uintptr_t log)
{
    b2_options_set_log(options, bridge_log, (void *)log, bridge_release);
}

/* Through volatile, so that the compiler does not leave it out. */
static inline void bridge_wipe_free(char *text, size_t length)
{
    volatile char *byte = text;

    while (length-- > 0)
        *byte++ = 0;
    free(text);
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
