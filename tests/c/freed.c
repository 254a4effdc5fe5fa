#define _GNU_SOURCE
/*
 * No block of memory that is freed during a call holds the key, its Basic header or the token. The free of this program
 * looks into each before the system's takes it back. What is looked for is kept masked.
 */
#include <b2auth.h>
#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"

enum { MASK = 0x5a, LONGEST = 64, SECRETS = 3 };

/* A part of each that is in nothing else: of the header what does not depend on the key ID. */
static unsigned char masked[SECRETS][LONGEST];
static size_t lengths[SECRETS];
static const char *const names[SECRETS] = {"the key", "the Basic header", "the token"};
static volatile int armed;
static volatile long blocks, found[SECRETS];

extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);

static void keep(int which, const char *text, size_t length)
{
    lengths[which] = length < LONGEST ? length : LONGEST;
    for (size_t i = 0; i < lengths[which]; i++)
        masked[which][i] = (unsigned char)text[i] ^ MASK;
}

static void look_into(const unsigned char *block, size_t size)
{
    blocks++;
    for (int which = 0; which < SECRETS; which++) {
        size_t length = lengths[which];

        for (size_t at = 0; length > 0 && at + length <= size; at++) {
            size_t i = 0;

            while (i < length && block[at + i] == (masked[which][i] ^ MASK))
                i++;
            if (i == length)
                found[which]++;
        }
    }
}

void free(void *block)
{
    if (armed && block != NULL)
        look_into(block, malloc_usable_size(block));
    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    void *moved;
    size_t before;

    if (!armed || block == NULL)
        return __libc_realloc(block, size);
    /* Always moved, so that what is left behind is seen. */
    before = malloc_usable_size(block);
    moved = __libc_malloc(size);
    if (moved != NULL) {
        memcpy(moved, block, before < size ? before : size);
        free(block);
    }
    return moved;
}

static const char *id, *key, *database;

static void call(const char *how, const char *own_id, const char *own_key, const b2_options *options, b2_status expected)
{
    b2_session *session = NULL;
    b2_error *error = NULL;
    char name[96];
    long before = blocks;
    b2_status status;

    armed = 1;
    status = b2_authorize_with(own_id, own_key, options, &session, &error);
    b2_session_free(session);
    b2_error_free(error);
    b2_cache_clear();
    armed = 0;
    CHECK(status == expected);
    CHECK(blocks > before);
    for (int which = 0; which < SECRETS; which++) {
        if (found[which] > 0)
            printf("# %s is in %ld freed blocks\n", names[which], found[which]);
        CHECK(found[which] == 0);
        found[which] = 0;
    }
    (void)snprintf(name, sizeof name, "freed: no secret in a freed block, %s", how);
    group(name);
}

/* The base64 of what follows a key ID of 25 characters and a colon, from a whole group on. */
static void keep_header(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[LONGEST];
    size_t before = strlen(id) + 1, skip = (3 - before % 3) % 3, length = 0;

    for (size_t at = skip; at + 3 <= strlen(key) && length + 4 <= sizeof text; at += 3) {
        uint32_t bits = (uint32_t)(unsigned char)key[at] << 16 | (uint32_t)(unsigned char)key[at + 1] << 8
                        | (unsigned char)key[at + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            text[length++] = digits[bits >> shift & 63];
    }
    keep(1, text, length);
    memset(text, 0, sizeof text);
}

int main(void)
{
    static const char token[] = "4_marked_token_of_a_test_0123456789abcdef";
    b2_options *options = b2_options_new(), *https;
    char path[64], command[512];

    id = environment("B2_APPLICATION_KEY_ID");
    key = environment("B2_APPLICATION_KEY");
    keep(0, key + 4, strlen(key) - 4);
    keep_header();
    keep(2, token, sizeof token - 1);

    /* The search finds what is there. */
    {
        /* Not called by its name, for which a compiler leaves out what is written to the block before. */
        void (*volatile release)(void *) = free;
        char *block = malloc(200);

        memset(block, 'x', 200);
        memcpy(block + 50, key, strlen(key));
        memcpy(block + 100, token, sizeof token - 1);
        armed = 1;
        release(block);
        armed = 0;
        CHECK(found[0] == 1 && found[1] == 0 && found[2] == 1);
        found[0] = found[2] = 0;
    }

    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    CHECK(b2_options_set(options, "max_attempts", "1", NULL) == B2_OK);
    https = b2_options_copy(options);
    CHECK(b2_options_set(https, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(https, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"times\":0,\"patch\":[{\"set\":{\"path\":\"/authorizationToken\","
                           "\"to\":\"4_marked_token_of_a_test_0123456789abcdef\"}}]}]}");
    call("http", id, key, options, B2_OK);
    call("https", id, key, https, B2_OK);
    call("the environment", NULL, NULL, https, B2_OK);

    (void)snprintf(path, sizeof path, "/tmp/b2auth-freed-%ld", (long)getpid());
    database = path;
    (void)snprintf(command, sizeof command,
                   "python3 -c 'import os, sqlite3, sys; e = os.environ; db = sqlite3.connect(sys.argv[1]); "
                   "db.execute(\"CREATE TABLE account (account_id TEXT, application_key TEXT, realm TEXT,"
                   " account_id_or_app_key_id TEXT)\"); db.execute(\"INSERT INTO account VALUES (?, ?, ?, ?)\","
                   " (\"none\", e[\"B2_APPLICATION_KEY\"], \"production\", e[\"B2_APPLICATION_KEY_ID\"])); db.commit()' %s",
                   database);
    CHECK(system(command) == 0);
    CHECK(b2_options_set(https, "account_info", database, NULL) == B2_OK);
    {
        /* The variables go before the database. */
        char *own_id = strdup(id), *own_key = strdup(key);

        (void)unsetenv("B2_APPLICATION_KEY_ID");
        (void)unsetenv("B2_APPLICATION_KEY");
        call("a database", NULL, NULL, https, B2_OK);
        tell_sandbox("script", "{\"keyId\":\"*\",\"faults\":[{\"status\":401,\"code\":\"unauthorized\"}]}");
        call("a refusal", own_id, own_key, https, B2_BAD_CREDENTIALS);
        free(own_id);
        free(own_key);
    }
    (void)remove(database);
    b2_options_free(options);
    b2_options_free(https);
    return report();
}
