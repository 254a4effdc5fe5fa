// Calls that are ended early: by a cancel, from C++20 on also by a stop_token. The sandbox holds its response back until
// the test has seen the call end, so that nothing here depends on how fast the machine is.
#include <b2auth.hpp>

#include <thread>

#include "check.hpp"

namespace {

/** The next authorize request is held at this latch. */
void hold(const std::string &latch) {
    test::control("script", "{\"keyId\":\"*\",\"faults\":[{\"hold\":\"" + latch + "\"}]}");
    b2auth::cache_clear();
}

bool is_held(const std::string &latch) {
    const std::string response = test::control("held?latch=" + latch + "&atLeast=1&timeoutMs=30000");
    return response.find("\"held\": 1") != std::string::npos;
}

void release(const std::string &latch) { test::control("release", "{\"latch\":\"" + latch + "\"}"); }

void by_cancel(test::suite &tests) {
    tests.begin("a cancel from another thread");
    hold("first");
    b2auth::options options;
    const b2auth::cancel cancel;
    options.set_cancel(cancel);
    b2auth::status ended = b2auth::status::ok;
    std::thread caller([&] { ended = b2auth::try_authorize_with("", "", options).status(); });
    CHECK(tests, is_held("first") && !cancel.is_triggered());
    cancel.trigger();
    caller.join();
    CHECK(tests, ended == b2auth::status::cancelled && cancel.is_triggered());
    release("first");

    tests.begin("a triggered cancel ends what comes later, until it is detached");
    CHECK(tests, b2auth::try_authorize().has_value());
    CHECK(tests, b2auth::try_authorize_with("", "", options).status() == b2auth::status::cancelled);
    CHECK(tests, b2auth::try_authorize_with("", "", options.copy()).status() == b2auth::status::cancelled);
    options.no_cancel();
    CHECK(tests, b2auth::try_authorize_with("", "", options).has_value());

    tests.begin("options keep a cancel that its owner has freed");
    {
        const b2auth::cancel brief;
        options.set_cancel(brief);
        brief.trigger();
    }
    CHECK(tests, b2auth::try_authorize_with("", "", options).status() == b2auth::status::cancelled);
}

void by_stop_token(test::suite &tests) {
#if defined(B2AUTH_HAS_STOP_TOKEN)
    tests.begin("a stop_token");
    hold("second");
    const b2auth::options options;
    b2auth::status ended = b2auth::status::ok;
    {
        std::jthread caller([&](std::stop_token stop) {
            ended = b2auth::try_authorize_with("", "", options, std::move(stop)).status();
        });
        CHECK(tests, is_held("second"));
    } // asks it to stop, and joins
    CHECK(tests, ended == b2auth::status::cancelled);
    release("second");

    tests.begin("a stop_token counts for its own call only");
    std::stop_source source;
    const b2auth::result<b2auth::session> session = b2auth::try_authorize_with("", "", options, source.get_token());
    CHECK(tests, session.has_value());
    source.request_stop();
    CHECK(tests, b2auth::try_authorize_with("", "", options).has_value());
    const std::stop_token stopped = source.get_token();
    CHECK(tests, b2auth::try_authorize_with("", "", options, stopped).status() == b2auth::status::cancelled);
    CHECK(tests, b2auth::try_reauthorize("", "", *session, options, stopped).status() == b2auth::status::cancelled);
    const auto many = b2auth::authorize_many({{"", ""}, {"", ""}}, options, stopped);
    CHECK(tests, many.size() == 2 && many[1].status() == b2auth::status::cancelled);
    CHECK(tests, b2auth::try_authorize_with("", "", options, std::stop_token()).has_value()); // that can never stop

#if B2AUTH_EXCEPTIONS
    tests.begin("a stop_token in the throwing form");
    b2auth::status thrown = b2auth::status::ok;
    try {
        const b2auth::session first = b2auth::authorize_with("", "", options, std::stop_token());
        const b2auth::session second = b2auth::reauthorize("", "", first, options, std::stop_token());
        CHECK(tests, first && second);
        const b2auth::session third = b2auth::authorize_with("", "", options, stopped);
    } catch (const b2auth::error &failure) {
        thrown = failure.status();
    }
    CHECK(tests, thrown == b2auth::status::cancelled);
#endif
#else
    (void)tests;
#endif
}

} // namespace

int main(int count, char **arguments) {
    test::suite tests(count > 1 ? arguments[1] : "c++ cancel");
    by_cancel(tests);
    by_stop_token(tests);
    return tests.finish();
}
