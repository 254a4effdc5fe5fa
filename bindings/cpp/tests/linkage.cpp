// One program of two units: compiled with -DSECOND_UNIT for another standard, and without exceptions, it is the other
// one. Handles and errors that one unit makes are used and freed by the other.
#include <b2auth.hpp>
#include <b2auth.hpp> // twice does no harm

#include "check.hpp"

b2auth::result<b2auth::session> ask_in_other_unit(const char *key);
const char *message_in_other_unit(const b2auth::error &error);

#if defined(SECOND_UNIT)

b2auth::result<b2auth::session> ask_in_other_unit(const char *key) {
    b2auth::options options;
    options.on_log([](b2auth::log_level, const char *) {});
    return b2auth::try_authorize_with(test::environment("B2_APPLICATION_KEY_ID"), key, options);
}

const char *message_in_other_unit(const b2auth::error &error) { return error.message(); }

#else

int main(int count, char **arguments) {
    test::suite tests(count > 1 ? arguments[1] : "c++ linkage");
    tests.begin("units of different standards, with and without exceptions");
    b2auth::result<b2auth::session> made = ask_in_other_unit(test::environment("B2_APPLICATION_KEY").c_str());
    const b2auth::session session = std::move(*made);
    CHECK(tests, session && std::string(session.account_id()) == "4aa9865d6f00");
    const b2auth::result<b2auth::session> failed = ask_in_other_unit("K001wrongwrongwrongwrongwrong00");
    const b2auth::error failure = failed.error();
    CHECK(tests, failure.status() == b2auth::status::bad_credentials);
    CHECK(tests, failure.message() == message_in_other_unit(failure));
#if B2AUTH_EXCEPTIONS
    bool thrown = false;
    try {
        CHECK(tests, failed.value() && false);
    } catch (const b2auth::error &) {
        thrown = true;
    }
    CHECK(tests, thrown);
#endif
    return tests.finish();
}

#endif
