#define _POSIX_C_SOURCE 200809L
/* A host that has linked statically: b2auth, another library written in Rust, and a SQLite of its own. */
#include "../c/check.h"

#include <b2auth.h>
#include <sqlite3.h>

unsigned neighbour_count(void);

static char *value(const char *sql)
{
    static char text[256];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    text[0] = '\0';
    CHECK(sqlite3_open(":memory:", &database) == SQLITE_OK);
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
    else
        printf("    %s\n", sqlite3_errmsg(database));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(database);
    return text;
}

/* Reads the b2 tool's database, which b2auth does by a SQLite of its own. */
static void authorize(void)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;

    CHECK(b2_options_set(options, "account_info", environment("B2_TEST_DATABASE"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "cache", "refresh", NULL) == B2_OK);
    CHECK(b2_authorize_with(environment("B2_TEST_DATABASE_KEY_ID"), NULL, options, &session, &error) == B2_OK);
    if (error != NULL)
        printf("    %s\n", b2_error_message(error));
    CHECK(same(b2_session_account_id(session), "4aa9865d6f00"));
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
}

static void own_sqlite(void)
{
    CHECK(same(sqlite3_libversion(), SQLITE_VERSION));
    CHECK(same(value("SELECT sqlite_version()"), SQLITE_VERSION));
    /* b2auth's has no JSON. */
    CHECK(same(value("SELECT json_extract('{\"a\":[1,7]}', '$.a[1]')"), "7"));
}

int main(void)
{
    /* Refused once SQLite is in use: b2auth must not have started this one when it was loaded. */
    CHECK(sqlite3_config(SQLITE_CONFIG_SERIALIZED) == SQLITE_OK);
    own_sqlite();
    CHECK(neighbour_count() == 1);
    authorize();
    own_sqlite();
    CHECK(neighbour_count() == 2);
    authorize();
    group("b2auth, another Rust library and the host's SQLite each work as if alone");
    return report();
}
