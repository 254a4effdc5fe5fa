/*
 * After a call the application key is nowhere in the process's writable memory; after free and clear the token is
 * nowhere either. What is searched for is kept masked, or the search would find itself. The stack is left out: there the
 * compiler spills what it likes.
 */
#include <b2auth.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"

enum { MASK = 0x5a, LONGEST = 256 };

typedef struct {
    const char *name;
    unsigned char masked[LONGEST];
    size_t length;
} secret;

/* "0014aa9865d6f0000000000b1" is no secret; its key "K001restricted/1+bucket00000000" is, so it stands here masked. */
static const char key_id[] = "0014aa9865d6f0000000000b1";
static const unsigned char masked_key[] = {
    0x11, 0x6a, 0x6a, 0x6b, 0x28, 0x3f, 0x29, 0x2e, 0x28, 0x33, 0x39, 0x2e, 0x3f, 0x3e, 0x75, 0x6b,
    0x71, 0x38, 0x2f, 0x39, 0x31, 0x3f, 0x2e, 0x6a, 0x6a, 0x6a, 0x6a, 0x6a, 0x6a, 0x6a, 0x6a,
};

static void keep(secret *one, const char *name, const char *text, size_t length)
{
    size_t i;

    one->name = name;
    one->length = length < LONGEST ? length : LONGEST;
    for (i = 0; i < one->length; i++)
        one->masked[i] = (unsigned char)text[i] ^ MASK;
}

static void wipe(char *text, size_t length)
{
    volatile char *each = text;

    while (length-- > 0)
        *each++ = 0;
}

/* The Basic header's base64, masked as it is made. */
static void keep_header(secret *one, const char *key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t before = strlen(key_id) + 1, length = before + strlen(key), i;
    uint32_t bits = 0;
    unsigned held = 0;

    one->name = "the Basic header";
    one->length = 0;
    for (i = 0; i < length; i++) {
        char byte = i + 1 < before ? key_id[i] : i + 1 == before ? ':' : key[i - before];

        bits = bits << 8 | (unsigned char)byte;
        for (held += 8; held >= 6; held -= 6)
            one->masked[one->length++] = (unsigned char)digits[bits >> (held - 6) & 63] ^ MASK;
    }
}

static int found_in(const volatile unsigned char *from, const volatile unsigned char *to, const secret *wanted)
{
    const volatile unsigned char *at;
    size_t i;

    for (at = from; at + wanted->length <= to; at++) {
        for (i = 0; i < wanted->length && at[i] == (wanted->masked[i] ^ MASK); i++)
            continue;
        if (i == wanted->length)
            return 1;
    }
    return 0;
}

static int in_memory(const secret *wanted)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;

    if (maps == NULL)
        return -1;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[5];

        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || strncmp(rights, "rw", 2) != 0)
            continue;
        if (strstr(line, "[stack]") != NULL)
            continue;
        if (found_in((const volatile unsigned char *)from, (const volatile unsigned char *)to, wanted)) {
            printf("%s is in %s", wanted->name, line);
            found = 1;
        }
    }
    (void)fclose(maps);
    return found;
}

/* Writes a database as the b2 tool does. Another program unmasks the key, so it has not been in this one. */
static int write_database(const char *path)
{
    static const char program[] =
        "import sqlite3, sys; path, key_id, masked = sys.argv[1:]; "
        "key = bytes(byte ^ 0x5a for byte in bytes.fromhex(masked)).decode(); db = sqlite3.connect(path); "
        "db.execute(\"CREATE TABLE account (account_id TEXT, application_key TEXT, realm TEXT,"
        " account_id_or_app_key_id TEXT)\"); "
        "db.execute(\"INSERT INTO account VALUES (?, ?, ?, ?)\", (\"none\", key, \"production\", key_id)); db.commit()";
    char command[1024], masked[2 * sizeof masked_key + 1];
    size_t i;

    for (i = 0; i < sizeof masked_key; i++)
        (void)snprintf(masked + 2 * i, 3, "%02x", masked_key[i]);
    (void)snprintf(command, sizeof command, "python3 -c '%s' %s %s %s", program, path, key_id, masked);
    return system(command);
}

/* Authorizes with the masked key, or blank, and keeps the session's token masked. */
static b2_session *authorize(const b2_options *options, int blank, secret *token)
{
    char key[sizeof masked_key + 1] = {0};
    b2_session *session = NULL;
    size_t i;

    for (i = 0; i < sizeof masked_key && !blank; i++)
        key[i] = (char)(masked_key[i] ^ MASK);
    CHECK(b2_authorize_with(blank ? NULL : key_id, key, options, &session, NULL) == B2_OK);
    wipe(key, sizeof key);
    if (session != NULL) {
        const char *text = b2_session_authorization_token(session);

        /* Its end: the beginning is the key id, which everybody may know. */
        keep(token, "the token", text + strlen(text) - 28, 28);
    }
    return session;
}

static void life(const char *how, int blank, b2_options *options)
{
    char key[sizeof masked_key + 1] = {0}, name[64];
    secret key_itself, header, token = {"the token", {0}, 0};
    b2_session *session;
    size_t i;

    for (i = 0; i < sizeof masked_key; i++)
        key[i] = (char)(masked_key[i] ^ MASK);
    keep(&key_itself, "the key", key, strlen(key));
    keep_header(&header, key);
    wipe(key, sizeof key);

    session = authorize(options, blank, &token);
    CHECK(token.length > 0 && in_memory(&token) == 1);
    CHECK(in_memory(&key_itself) == 0);
    CHECK(in_memory(&header) == 0);
    (void)snprintf(name, sizeof name, "wiped: no key while a session is cached, %s", how);
    group(name);

    CHECK(b2_session_json(session) != NULL);
    b2_session_free(session);
    b2_cache_clear();
    CHECK(in_memory(&token) == 0);
    CHECK(in_memory(&key_itself) == 0);
    CHECK(in_memory(&header) == 0);
    (void)snprintf(name, sizeof name, "wiped: nothing after free and clear, %s", how);
    group(name);
}

int main(void)
{
    b2_options *options = b2_options_new();
    char path[64], command[80];

    life("http", 0, options);
    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", environment("B2_SANDBOX_CA"), NULL) == B2_OK);
    life("https", 0, options);

    /* Sealed into a token store by one life, and opened again by the next. */
    (void)snprintf(path, sizeof path, "file:/tmp/b2auth-wiped-store-%ld", (long)getpid());
    CHECK(b2_options_set(options, "store", path, NULL) == B2_OK);
    life("with a token store", 0, options);
    CHECK(b2_counter("store_hits") == 0);
    life("from a token store", 0, options);
    CHECK(b2_counter("store_hits") == 1 && b2_counter("store_errors") == 0);
    (void)snprintf(command, sizeof command, "rm -r %s", path + strlen("file:"));
    CHECK(system(command) == 0);
    CHECK(b2_options_set(options, "store", "none", NULL) == B2_OK);

    /* What a blank call finds before any database is the environment's, which is of another key. */
    (void)unsetenv("B2_APPLICATION_KEY_ID");
    (void)unsetenv("B2_APPLICATION_KEY");
    (void)snprintf(path, sizeof path, "/tmp/b2auth-wiped-%ld", (long)getpid());
    CHECK(write_database(path) == 0);
    CHECK(b2_options_set(options, "account_info", path, NULL) == B2_OK);
    life("from a database", 1, options);
    (void)remove(path);
    b2_options_free(options);
    return report();
}
