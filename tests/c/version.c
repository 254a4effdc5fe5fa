/* The macros of the header and the functions of the library say the same. */
#include <b2auth.h>

#include "check.h"

int main(void)
{
    char version[32];

    (void)snprintf(version, sizeof version, "%d.%d.%d", B2_VERSION_MAJOR, B2_VERSION_MINOR, B2_VERSION_PATCH);
    CHECK(same(b2_library_version(), version));
    CHECK(B2_VERSION_NUMBER == B2_VERSION_MAJOR * 65536 + B2_VERSION_MINOR * 256 + B2_VERSION_PATCH);
    CHECK(b2_abi_version() == B2_ABI_VERSION);
    group("version: macros and functions agree");

    for (int status = B2_OK; status <= B2_INTERNAL_ERROR; status++) {
        CHECK(strncmp(b2_status_name(status), "B2_", 3) == 0 && !same(b2_status_name(status), "B2_UNKNOWN"));
        CHECK(b2_status_message(status) != NULL && b2_status_message(status)[0] != '\0');
    }
    CHECK(same(b2_status_name(B2_OK), "B2_OK"));
    CHECK(same(b2_status_name(B2_BAD_CREDENTIALS), "B2_BAD_CREDENTIALS"));
    CHECK(same(b2_status_name(B2_INTERNAL_ERROR), "B2_INTERNAL_ERROR"));
    CHECK(same(b2_status_name(-1), "B2_UNKNOWN"));
    CHECK(same(b2_status_name(B2_INTERNAL_ERROR + 1), "B2_UNKNOWN"));
    CHECK(same(b2_status_name(B2_STATUS_MAX_ENUM), "B2_UNKNOWN"));
    CHECK(b2_status_message(-1) != NULL);
    group("version: every status has a name and a meaning");
    return report();
}
