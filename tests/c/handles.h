/*
 * Included on the compiler's command line, it counts the handles that a program is given and frees, and ends a program
 * that has kept some with status 66. A leak checker can't see it: the cache and dead stack frames still point there.
 */
#ifndef HANDLES_H
#define HANDLES_H

#include <b2auth.h>
#include <stdio.h>
#include <unistd.h>

static long handles_alive;

__attribute__((destructor)) static void count_handles(void)
{
    if (handles_alive == 0)
        return;
    fprintf(stderr, "%ld handles were not freed\n", handles_alive);
    _exit(66);
}

static inline void came(const void *handle)
{
    (void)__atomic_add_fetch(&handles_alive, handle != NULL, __ATOMIC_SEQ_CST);
}

static inline void goes(const void *handle)
{
    (void)__atomic_sub_fetch(&handles_alive, handle != NULL, __ATOMIC_SEQ_CST);
}

static inline b2_status gave(b2_status status, b2_session **out_session, b2_error **out_error)
{
    came(out_session != NULL ? *out_session : NULL);
    came(out_error != NULL ? *out_error : NULL);
    return status;
}

static inline b2_status counted_authorize(const char *id, const char *key, b2_session **session)
{
    return gave(b2_authorize(id, key, session), session, NULL);
}

static inline b2_status counted_authorize_with(const char *id, const char *key, const b2_options *options,
                                               b2_session **session, b2_error **error)
{
    return gave(b2_authorize_with(id, key, options, session, error), session, error);
}

static inline b2_status counted_reauthorize(const char *id, const char *key, const b2_session *rejected,
                                            const b2_options *options, b2_session **session, b2_error **error)
{
    return gave(b2_reauthorize(id, key, rejected, options, session, error), session, error);
}

static inline b2_status counted_authorize_many(const char *const *ids, const char *const *keys, size_t count,
                                               const b2_options *options, b2_session **sessions, b2_error **errors)
{
    b2_status status = b2_authorize_many(ids, keys, count, options, sessions, errors);
    size_t i;

    for (i = 0; i < count; i++) {
        came(sessions != NULL ? sessions[i] : NULL);
        came(errors != NULL ? errors[i] : NULL);
    }
    return status;
}

static inline b2_status counted_json(const char *request, char **response)
{
    b2_status status = b2_authorize_json(request, response);

    came(response != NULL ? *response : NULL);
    return status;
}

static inline b2_status counted_diagnose(const char *id, const char *key, const b2_options *options, char **report)
{
    b2_status status = b2_diagnose_json(id, key, options, report);

    came(report != NULL ? *report : NULL);
    return status;
}

static inline void counted_string_free(char *string)
{
    goes(string);
    b2_string_free(string);
}

static inline b2_status counted_options_set(b2_options *options, const char *name, const char *value, b2_error **error)
{
    return gave(b2_options_set(options, name, value, error), NULL, error);
}

#define MAKES(type, made, parameters, call)         \
    static inline type *counted_##made parameters   \
    {                                               \
        type *handle = call;                        \
                                                    \
        came(handle);                               \
        return handle;                              \
    }
MAKES(b2_session, session_retain, (b2_session * session), b2_session_retain(session))
MAKES(b2_error, error_retain, (b2_error * error), b2_error_retain(error))
MAKES(b2_options, options_new, (void), b2_options_new())
MAKES(b2_options, options_copy, (const b2_options *options), b2_options_copy(options))
MAKES(b2_cancel, cancel_new, (void), b2_cancel_new())

#define FREES(type)                                             \
    static inline void counted_##type##_free(b2_##type *handle) \
    {                                                           \
        goes(handle);                                           \
        b2_##type##_free(handle);                               \
    }
FREES(session)
FREES(error)
FREES(options)
FREES(cancel)

#define b2_authorize counted_authorize
#define b2_authorize_with counted_authorize_with
#define b2_reauthorize counted_reauthorize
#define b2_authorize_many counted_authorize_many
#define b2_authorize_json counted_json
#define b2_diagnose_json counted_diagnose
#define b2_string_free counted_string_free
#define b2_options_set counted_options_set
#define b2_session_retain counted_session_retain
#define b2_error_retain counted_error_retain
#define b2_options_new counted_options_new
#define b2_options_copy counted_options_copy
#define b2_cancel_new counted_cancel_new
#define b2_session_free counted_session_free
#define b2_error_free counted_error_free
#define b2_options_free counted_options_free
#define b2_cancel_free counted_cancel_free

#endif
