// What b2auth.hpp promises, against the sandbox; built for every standard, with and without exceptions and RTTI.
#include <b2auth.hpp>

#include <array>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "check.hpp"

using test::contains;
using test::environment;
using std::chrono::system_clock;

namespace {

const char *const wrong_key = "K001wrongwrongwrongwrongwrong00";

void sessions(test::suite &tests) {
    const std::string key_id = environment("B2_APPLICATION_KEY_ID");
    const std::string key = environment("B2_APPLICATION_KEY");

    tests.begin("a session and its fields");
    b2auth::result<b2auth::session> found = b2auth::try_authorize(); // from the environment
    CHECK(tests, found && found.has_value() && found.status() == b2auth::status::ok);
    const b2auth::session &session = *found;
    CHECK(tests, std::string(session.account_id()) == "4aa9865d6f00");
    CHECK(tests, session.key_id() == key_id);
    CHECK(tests, session.realm() == environment("B2_ENVIRONMENT"));
    CHECK(tests, session.api_url() == environment("B2_ENVIRONMENT"));
    CHECK(tests, session.download_url() != nullptr && std::strncmp(session.authorization_token(), "4_", 2) == 0);
    CHECK(tests, session.s3_api_url() != nullptr && std::string(session.s3_region()) == "us-west-004");
    CHECK(tests, session.recommended_part_size() == 100000000);
    CHECK(tests, session.absolute_minimum_part_size() == 5000000);
    CHECK(tests, session.capability_count() == 2 && session.capability(1) != nullptr);
    CHECK(tests, session.capability(2) == nullptr);
    CHECK(tests, session.has_capability("readFiles") && !session.has_capability("flyFiles"));
    CHECK(tests, !session.has_capability(std::string("readFiles\0x", 11)));
    CHECK(tests, !session.is_bucket_restricted() && session.bucket_count() == 0 && session.name_prefix() == nullptr);
    CHECK(tests, session.expires_at() > system_clock::now() + std::chrono::hours(23));
    CHECK(tests, session.expires_at() < system_clock::now() + std::chrono::hours(25));
    CHECK(tests, session.key_expires_at() == system_clock::time_point::max());
    CHECK(tests, session.time_left() > std::chrono::hours(23));
    CHECK(tests, contains(session.json(), session.authorization_token()));

    tests.begin("a second call is answered from the cache");
    const std::uint64_t requests = b2auth::counter("requests");
    CHECK(tests, requests > 0);
    CHECK(tests, b2auth::try_authorize(key_id, key).has_value());
    CHECK(tests, b2auth::try_authorize(key_id.c_str(), key.c_str()).has_value());
    CHECK(tests, b2auth::counter("requests") == requests);

    tests.begin("a key that is restricted");
    test::control("keys", "[{\"keyId\":\"0010000000000000000000001\",\"key\":\"K001restrictedforthistest000000\","
                          "\"buckets\":[{\"id\":\"b1\",\"name\":\"photos\"},{\"id\":\"b2\",\"name\":null}],"
                          "\"namePrefix\":\"p/\",\"expirationTimestamp\":1990000000000}]");
    const b2auth::result<b2auth::session> restricted =
        b2auth::try_authorize("0010000000000000000000001", "K001restrictedforthistest000000");
    CHECK(tests, restricted && restricted->is_bucket_restricted() && restricted->bucket_count() == 2);
    CHECK(tests, std::string(restricted->bucket_id(1)) == "b2" && restricted->bucket_name(1) == nullptr);
    CHECK(tests, std::string(restricted->bucket_name(0)) == "photos");
    CHECK(tests, std::string(restricted->name_prefix()) == "p/");
    CHECK(tests, restricted->key_expires_at() == system_clock::from_time_t(1990000000));

    tests.begin("a session outlives the handle that it was retained from");
    b2auth::session kept;
    {
        const b2auth::result<b2auth::session> first = b2auth::try_authorize();
        kept = first->retain();
    }
    b2auth::cache_clear();
    CHECK(tests, std::string(kept.account_id()) == "4aa9865d6f00");
    const b2auth::session elsewhere = kept.retain();
    bool same = false;
    std::thread([&] { same = std::string(elsewhere.account_id()) == kept.account_id(); }).join();
    CHECK(tests, same);

    tests.begin("the C handle can be taken out and put back");
    b2_session *raw = kept.release();
    CHECK(tests, !kept && raw != nullptr);
    kept.reset(raw);
    CHECK(tests, kept && kept.get() == raw);

#if B2AUTH_CPLUSPLUS >= 201703L
    tests.begin("string views, which end where they say");
    const std::string both = key_id + key;
    const std::string_view all(both);
    CHECK(tests, b2auth::try_authorize(all.substr(0, key_id.size()), all.substr(key_id.size())).has_value());
    CHECK(tests, b2auth::try_authorize(std::string_view(), std::string_view()).has_value());
    CHECK(tests, b2auth::view(kept.account_id()) == "4aa9865d6f00" && b2auth::view(kept.name_prefix()).empty());
    static_assert(!std::is_copy_constructible_v<b2auth::session>);
#endif
    static_assert(std::is_nothrow_move_constructible<b2auth::result<b2auth::session>>::value, "moves in a vector");
}

void failures(test::suite &tests) {
    const std::string key_id = environment("B2_APPLICATION_KEY_ID");

    tests.begin("a wrong key: what happened and what to do");
    const b2auth::result<b2auth::session> refused = b2auth::try_authorize(key_id, wrong_key);
    CHECK(tests, !refused && !*refused && refused.status() == b2auth::status::bad_credentials);
    const b2auth::error failure = refused.error(); // a copy
    CHECK(tests, failure && failure.message() == std::string(failure.what()) && *failure.message() != '\0');
    CHECK(tests, failure.hint() != nullptr && *failure.hint() != '\0');
    CHECK(tests, failure.http_status() == 401 && failure.attempts() == 1 && !failure.is_retryable());
    CHECK(tests, failure.code() != nullptr && failure.request_id() != nullptr);
    CHECK(tests, failure.retry_after() < std::chrono::milliseconds::zero());
    CHECK(tests, contains(failure.json(), "\"attempts\""));
    CHECK(tests, std::string(b2auth::status_name(failure.status())) == "B2_BAD_CREDENTIALS");
    CHECK(tests, *b2auth::status_message(failure.status()) != '\0');

    tests.begin("no key and no token in what is printed");
    const b2auth::result<b2auth::session> good = b2auth::try_authorize();
    std::ostringstream out;
    out << failure << '\n' << failure.what() << '\n' << failure.status() << '\n' << *good << '\n' << b2auth::session();
    CHECK(tests, contains(out.str().c_str(), failure.hint()) && contains(out.str().c_str(), "B2_BAD_CREDENTIALS"));
    CHECK(tests, contains(out.str().c_str(), "account 4aa9865d6f00") && contains(out.str().c_str(), "no session"));
    CHECK(tests, !contains(out.str().c_str(), wrong_key) && !contains(failure.json(), wrong_key));
    CHECK(tests, !contains(out.str().c_str(), good->authorization_token()));
    CHECK(tests, !contains(out.str().c_str(), environment("B2_APPLICATION_KEY")));

    tests.begin("copies of an error share it");
    b2auth::error copy = failure;
    b2auth::error other;
    CHECK(tests, !other && other.status() == b2auth::status::ok && other.hint() == nullptr);
    CHECK(tests, *other.message() != '\0' && other.json() == nullptr);
    other = copy;
    copy = b2auth::error(b2auth::status::timeout, "of my own");
    CHECK(tests, copy.status() == b2auth::status::timeout && std::string(copy.what()) == "of my own");
    CHECK(tests, other.message() == failure.message());
    b2auth::error moved = std::move(other);
    CHECK(tests, moved.message() == failure.message());

    tests.begin("a NUL inside a string is refused, not cut off");
    const std::uint64_t hits = b2auth::counter("cache_hits") + b2auth::counter("requests");
    const std::string key = environment("B2_APPLICATION_KEY");
    CHECK(tests, b2auth::try_authorize(key_id + '\0', key).status() == b2auth::status::invalid_argument);
    CHECK(tests, b2auth::try_authorize(key_id, key + '\0' + "x").status() == b2auth::status::invalid_argument);
    const b2auth::session none;
    CHECK(tests, !b2auth::try_reauthorize(key_id, key + '\0', none));
#if B2AUTH_CPLUSPLUS >= 201703L
    CHECK(tests, !b2auth::try_authorize(key_id, std::string_view("K\0x", 3)));
#endif
    CHECK(tests, b2auth::counter("cache_hits") + b2auth::counter("requests") == hits);
    CHECK(tests, !b2auth::should_reauthorize(401, std::string("\0", 1)) && b2auth::counter(std::string("requests\0", 9)) == 0);
}

void moved_from(test::suite &tests) {
    tests.begin("handles that were moved from");
    b2auth::session empty = std::move(*b2auth::try_authorize());
    const b2auth::session session = std::move(empty);
    b2auth::options given;
    const b2auth::options options = std::move(given);
    b2auth::cancel old;
    const b2auth::cancel cancel = std::move(old);
    CHECK(tests, session && options && cancel);
    // NOLINTBEGIN(bugprone-use-after-move): that is what is tested
    CHECK(tests, !empty && empty.account_id() == nullptr && empty.authorization_token() == nullptr);
    CHECK(tests, empty.time_left() < std::chrono::seconds::zero() && empty.capability_count() == 0 && !empty.retain());
    CHECK(tests, !empty.is_bucket_restricted() && empty.recommended_part_size() == 0);
    empty.invalidate();
    CHECK(tests, b2auth::try_authorize_with("", "", given).status() == b2auth::status::invalid_argument);
    CHECK(tests, b2auth::try_reauthorize("", "", session, given).status() == b2auth::status::invalid_argument);
    const std::vector<b2auth::result<b2auth::session>> many = b2auth::authorize_many({{"", ""}, {"", ""}}, given);
    CHECK(tests, many.size() == 2 && many[1].status() == b2auth::status::invalid_argument);
    CHECK(tests, given.try_set("max_attempts", 1).status() == b2auth::status::invalid_argument);
    CHECK(tests, !given.copy());
    old.trigger();
    CHECK(tests, !old.is_triggered() && !cancel.is_triggered());
    // NOLINTEND(bugprone-use-after-move)
    empty = session.retain();
    b2auth::session &itself = empty;
    empty = std::move(itself);
    CHECK(tests, empty.get() == session.get());
}

void choices(test::suite &tests) {
    b2auth::options options;

    tests.begin("options by name");
    CHECK(tests, options.try_set("max_attempts", 3).has_value());
    CHECK(tests, options.try_set(std::string("cache"), std::string("refresh")).has_value());
    CHECK(tests, options.try_set("cache", nullptr).has_value() && options.try_set("cache", "").has_value());
    CHECK(tests, options.try_set("rate_limit_per_minute", std::uint64_t(0)).has_value());
    const b2auth::result<void> unknown = options.try_set("max_attemps", 3);
    CHECK(tests, !unknown && unknown.status() == b2auth::status::invalid_argument);
    CHECK(tests, contains(unknown.error().hint(), "max_attempts"));
    CHECK(tests, !options.try_set("max_attempts", 6) && !options.try_set("max_attempts", std::string("3\0", 2)));
    CHECK(tests, b2auth::try_authorize_with("", "", options).has_value());
    const b2auth::options copy = options.copy();
    CHECK(tests, copy && copy.get() != options.get() && b2auth::try_authorize_with("", "", copy).has_value());

    tests.begin("durations, in the unit of the option");
    CHECK(tests, options.try_set("total_timeout_ms", std::chrono::minutes(60)).has_value());
    CHECK(tests, !options.try_set("total_timeout_ms", std::chrono::milliseconds(3600001)));
    CHECK(tests, !options.try_set("total_timeout_ms", std::chrono::microseconds(3600000001))); // rounded up
    CHECK(tests, options.try_set("connect_timeout_ms", std::chrono::nanoseconds(1)).has_value()); // not 0
    CHECK(tests, !options.try_set("connect_timeout_ms", std::chrono::nanoseconds(0)));
    CHECK(tests, options.try_set("min_remaining_s", std::chrono::hours(23)).has_value());
    CHECK(tests, !options.try_set("min_remaining_s", std::chrono::hours::max()));
    CHECK(tests, !options.try_set("min_remaining_s", std::chrono::seconds(-1)));
    CHECK(tests, options.try_set("negative_ttl_s", std::chrono::duration<double>(0.5)).has_value());
    CHECK(tests, options.try_set("proxy", std::chrono::seconds(1)).status() == b2auth::status::invalid_argument);
    CHECK(tests, options.try_set(nullptr, std::chrono::seconds(1)).status() == b2auth::status::invalid_argument);
}

/** Counts what became of a log function; it can only be moved. */
struct listener {
    explicit listener(int *lines, int *gone) noexcept : lines_(lines), gone_(gone) {}
    listener(const listener &) = delete;
    listener &operator=(const listener &) = delete;
    listener(listener &&other) noexcept : lines_(other.lines_), gone_(other.gone_) { other.gone_ = nullptr; }
    ~listener() {
        if (gone_ != nullptr) {
            ++*gone_;
        }
    }
    void operator()(b2auth::log_level, const std::string &message) const {
        if (!message.empty()) {
            ++*lines_;
        }
    }

private:
    int *lines_;
    int *gone_;
};

void logs(test::suite &tests) {
    tests.begin("the log, without secrets");
    std::string heard;
    int debug = 0;
    b2auth::options options;
    options.on_log([&](b2auth::log_level level, const char *message) {
        heard += message;
        debug += level == b2auth::log_level::debug ? 1 : 0;
    });
    const b2auth::result<b2auth::session> fresh = b2auth::try_authorize_with("", "", options);
    CHECK(tests, fresh && debug > 0 && !heard.empty());
    CHECK(tests, !contains(heard.c_str(), fresh->authorization_token()));
    CHECK(tests, !contains(heard.c_str(), environment("B2_APPLICATION_KEY")));
    options.no_log();
    heard.clear();
    CHECK(tests, b2auth::try_authorize_with("", "", options) && heard.empty());

    tests.begin("a log function that can only be moved goes with the last options");
    int lines = 0;
    int gone = 0;
    {
        b2auth::options last;
        {
            b2auth::options first;
            first.on_log(listener(&lines, &gone));
            last = first.copy();
        }
        CHECK(tests, b2auth::try_authorize_with("", "", last) && lines > 0 && gone == 0);
    }
    CHECK(tests, gone == 1);

#if B2AUTH_EXCEPTIONS
    tests.begin("what a log function throws is dropped");
    int thrown = 0;
    b2auth::options loud;
    loud.on_log([&](b2auth::log_level, const char *) {
        ++thrown;
        throw std::runtime_error("from the log");
    });
    CHECK(tests, b2auth::try_authorize_with("", "", loud) && thrown > 0);
#endif
}

void batches(test::suite &tests) {
    const std::string key_id = environment("B2_APPLICATION_KEY_ID");
    const std::string key = environment("B2_APPLICATION_KEY");

    tests.begin("a batch: each place by itself");
    const std::vector<b2auth::credentials> places = {
        {key_id.c_str(), key.c_str()}, {key_id.c_str(), wrong_key}, {nullptr, nullptr}};
    std::vector<b2auth::result<b2auth::session>> results = b2auth::authorize_many(places);
    CHECK(tests, results.size() == 3 && results[0] && results[2]);
    CHECK(tests, results[1].status() == b2auth::status::bad_credentials && results[1].error().hint() != nullptr);
    const b2auth::session taken = std::move(*results[0]);
    CHECK(tests, taken && b2auth::authorize_many(std::vector<b2auth::credentials>()).empty());
    b2auth::options options;
    CHECK(tests, options.try_set("concurrency", 2).has_value());
    CHECK(tests, b2auth::authorize_many(b2auth::credentials_list(places.data(), 1), options).size() == 1);
#if defined(B2AUTH_HAS_SPAN)
    const std::array<b2auth::credentials, 2> fixed = {{{key_id.c_str(), key.c_str()}, {"", ""}}};
    const auto spanned = b2auth::authorize_many(std::span<const b2auth::credentials>(fixed), options);
    CHECK(tests, spanned.size() == 2 && spanned[0] && spanned[1]);
#endif
}

void json(test::suite &tests) {
    tests.begin("the JSON action");
    const b2auth::json_response four = b2auth::authorize_json("{}");
    CHECK(tests, four.status == b2auth::status::ok && contains(four.text.c_str(), "\"accountId\":\"4aa9865d6f00\""));
    CHECK(tests, b2auth::authorize_json().status == b2auth::status::ok);
    const b2auth::json_response bad = b2auth::authorize_json(std::string("{\"max_attemps\":3}"));
    CHECK(tests, bad.status == b2auth::status::invalid_argument && contains(bad.text.c_str(), "B2_INVALID_ARGUMENT"));
    const b2auth::json_response cut = b2auth::authorize_json(std::string("{}\0,", 4));
    CHECK(tests, cut.status == b2auth::status::invalid_argument && contains(cut.text.c_str(), "\"error\""));
    char buffer[8];
    CHECK(tests, b2auth::authorize_json_into("{}", buffer, sizeof buffer) == std::strlen(four.text.c_str()));
    CHECK(tests, std::string(buffer) == std::string(four.text.c_str(), 7));
#if B2AUTH_CPLUSPLUS >= 201703L
    CHECK(tests, four.text.view().front() == '{' && b2auth::owned_string().view().empty());
#endif
}

void dead_tokens(test::suite &tests) {
    tests.begin("a token that B2 no longer accepts");
    const b2auth::result<b2auth::session> dead = b2auth::try_authorize();
    test::control("expire", "{\"keyId\":\"*\"}");
    CHECK(tests, b2auth::should_reauthorize(401, "expired_auth_token"));
    CHECK(tests, b2auth::should_reauthorize(401, nullptr) && !b2auth::should_reauthorize(401, "unauthorized"));
    CHECK(tests, !b2auth::should_reauthorize(403, "expired_auth_token"));
#if B2_ABI_VERSION >= 2
    CHECK(tests, b2auth::should_reauthorize_body(401, "{\"status\":401,\"code\":\"expired_auth_token\"}"));
    CHECK(tests, !b2auth::should_reauthorize_body(401, "{\"status\":401,\"code\":\"unauthorized\"}"));
    const b2auth::result<b2auth::owned_string> report = b2auth::try_diagnose_json("", "", b2auth::options());
    CHECK(tests, report && *report->c_str() == '{');
    CHECK(tests, !b2auth::try_diagnose_json(std::string("\0", 1), "", b2auth::options()));
#endif
    const b2auth::result<b2auth::session> fresh = b2auth::try_reauthorize("", "", *dead);
    CHECK(tests, fresh && std::strcmp(fresh->authorization_token(), dead->authorization_token()) != 0);
    const std::uint64_t requests = b2auth::counter("requests");
    b2auth::options options;
    const b2auth::result<b2auth::session> again = b2auth::try_reauthorize("", "", *dead, options);
    CHECK(tests, again && std::strcmp(fresh->authorization_token(), again->authorization_token()) == 0);
    CHECK(tests, b2auth::counter("requests") == requests);
    again->invalidate();
    CHECK(tests, b2auth::try_authorize() && b2auth::counter("requests") == requests + 1);

    tests.begin("versions and counters");
    CHECK(tests, b2auth::abi_version() >= B2_ABI_VERSION && b2auth::counter("no such counter") == 0);
    CHECK(tests, std::string(b2auth::library_version()).find('.') != std::string::npos);
}

void exceptions(test::suite &tests) {
#if B2AUTH_EXCEPTIONS
    const std::string key_id = environment("B2_APPLICATION_KEY_ID");

    tests.begin("the throwing form: what is returned");
    b2auth::options options;
    options.set("max_attempts", 2).set("total_timeout_ms", std::chrono::seconds(30)).set("proxy", "none");
    const b2auth::session session = b2auth::authorize();
    CHECK(tests, session && b2auth::authorize_with("", nullptr, options));
    CHECK(tests, b2auth::reauthorize("", "", session) && b2auth::reauthorize("", "", session, options));
    const b2auth::session taken = b2auth::try_authorize().value();
    CHECK(tests, taken.account_id() != nullptr);

    tests.begin("the throwing form: what is thrown");
    std::exception_ptr kept;
    try {
        const b2auth::session never = b2auth::authorize(key_id, wrong_key);
        CHECK(tests, never.get() == nullptr && false);
    } catch (const b2auth::error &failure) {
        CHECK(tests, failure.status() == b2auth::status::bad_credentials && failure.hint() != nullptr);
        kept = std::current_exception();
    }
    b2auth::cache_clear();
    try { // the error lives as long as the exception
        std::rethrow_exception(kept);
    } catch (const std::exception &failure) {
        CHECK(tests, *failure.what() != '\0' && !contains(failure.what(), wrong_key));
    }
    bool refused = false;
    try {
        options.set("max_attempts", 99);
    } catch (const b2auth::error &failure) {
        refused = failure.status() == b2auth::status::invalid_argument;
    }
    CHECK(tests, refused);
    refused = false;
    try {
        const b2auth::result<b2auth::session> failed = b2auth::try_authorize(key_id, wrong_key);
        CHECK(tests, failed.value() && false);
    } catch (const b2auth::error &) {
        refused = true;
    }
    CHECK(tests, refused);
#else
    (void)tests;
#endif
}

} // namespace

int main(int count, char **arguments) {
    test::suite tests(count > 1 ? arguments[1] : "c++");
    void (*const all[])(test::suite &) = {sessions, failures, moved_from, choices,    logs,
                                          batches,  json,     dead_tokens, exceptions};
    for (void (*part)(test::suite &) : all) {
        test::use_fresh_key();
        part(tests);
    }
    return tests.finish();
}
