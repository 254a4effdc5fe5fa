/**
 * @file b2auth.hpp
 * b2auth.h for C++11 and later: handles that free themselves, errors as exceptions or as values.
 *
 * Two forms     authorize() throws b2auth::error; try_authorize() returns a result<session>. Only the second form is
 *               there when exceptions are switched off (-fno-exceptions). RTTI is not needed.
 * Handles       session, options and cancel can be moved, not copied. A handle that was moved from, or was made
 *               empty, can only be destroyed, assigned to and asked: its getters return nullptr, 0 or -1 as the C
 *               functions do for NULL. Calls that are given such options fail with status::invalid_argument.
 * Threads       As b2auth.h: any function from any thread at any time. The handle objects themselves are plain C++
 *               objects: do not move or destroy one that another thread uses; give that thread a retain() of its own.
 * Strings       A `const char *` that a getter returns lives as long as the handle. Arguments may be `const char *`,
 *               std::string or, from C++17 on, std::string_view. A view is copied, since C wants a NUL at the end, and
 *               the copy is wiped after the call. A string with a NUL inside is refused, never cut.
 * Standards     Units compiled for different standards, with and without exceptions, may be linked together.
 */

#ifndef B2AUTH_HPP
#define B2AUTH_HPP

#include <b2auth.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_MSVC_LANG)
#define B2AUTH_CPLUSPLUS _MSVC_LANG
#else
#define B2AUTH_CPLUSPLUS __cplusplus
#endif

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define B2AUTH_EXCEPTIONS 1
#else
#define B2AUTH_EXCEPTIONS 0
#endif

#if B2AUTH_CPLUSPLUS >= 201703L
#include <string_view>
#define B2AUTH_NODISCARD_TYPE [[nodiscard]]
#else
#define B2AUTH_NODISCARD_TYPE
#endif

#if B2AUTH_CPLUSPLUS >= 202002L
#include <version>
#if defined(__cpp_lib_span)
#include <span>
#define B2AUTH_HAS_SPAN 1
#endif
#if defined(__cpp_lib_jthread)
#include <stop_token>
#define B2AUTH_HAS_STOP_TOKEN 1
#endif
#endif

namespace b2auth {

/** What became of a call: b2_status. A later library may return a number that has no name here. */
enum class status : int {
    ok = B2_OK,
    invalid_argument = B2_INVALID_ARGUMENT,
    no_credentials = B2_NO_CREDENTIALS,
    bad_credentials = B2_BAD_CREDENTIALS,
    key_not_supported = B2_KEY_NOT_SUPPORTED,
    cap_exceeded = B2_CAP_EXCEEDED,
    access_denied = B2_ACCESS_DENIED,
    rate_limited = B2_RATE_LIMITED,
    service_unavailable = B2_SERVICE_UNAVAILABLE,
    network_error = B2_NETWORK_ERROR,
    tls_error = B2_TLS_ERROR,
    timeout = B2_TIMEOUT,
    cancelled = B2_CANCELLED,
    protocol_error = B2_PROTOCOL_ERROR,
    store_error = B2_STORE_ERROR,
    internal_error = B2_INTERNAL_ERROR
};

/** "B2_OK"; "B2_UNKNOWN" for a number that the library does not know. */
inline const char *status_name(status value) noexcept { return b2_status_name(static_cast<int>(value)); }
/** A few words of English. */
inline const char *status_message(status value) noexcept { return b2_status_message(static_cast<int>(value)); }

/** How much a message of the log matters: b2_log_level. */
enum class log_level : int { error = B2_LOG_ERROR, warn = B2_LOG_WARN, info = B2_LOG_INFO, debug = B2_LOG_DEBUG };

#if B2AUTH_CPLUSPLUS >= 201703L
/** What a getter returned, as a view: empty for nullptr. */
inline std::string_view view(const char *text) noexcept {
    return text == nullptr ? std::string_view() : std::string_view(text);
}
#endif

/** A string argument. Nothing but a parameter type: made where a call is made, and gone when the call returns. */
class text {
public:
    text(const char *borrowed) noexcept : data_(borrowed), has_nul_(false), copy_(), size_(0) {}
    text(const std::string &borrowed) noexcept
        : data_(borrowed.c_str()), has_nul_(borrowed.find('\0') != std::string::npos), copy_(), size_(0) {}
#if B2AUTH_CPLUSPLUS >= 201703L
    text(std::string_view viewed)
        : data_(nullptr),
          has_nul_(viewed.find('\0') != std::string_view::npos),
          copy_(new char[viewed.size() + 1]),
          size_(viewed.size()) {
        if (!viewed.empty()) {
            std::memcpy(copy_.get(), viewed.data(), viewed.size());
        }
        copy_.get()[viewed.size()] = '\0';
        data_ = copy_.get();
    }
#endif
    text(const text &) = delete;
    text &operator=(const text &) = delete;
    ~text() {
        // Through volatile, so that the compiler does not leave it out: it may have been a key.
        volatile char *byte = copy_.get();
        for (std::size_t index = 0; index < size_; ++index) {
            byte[index] = '\0';
        }
    }

    const char *c_str() const noexcept { return data_; }
    /** C would see only what stands before the NUL. */
    bool has_nul() const noexcept { return has_nul_; }

private:
    const char *data_;
    bool has_nul_;
    std::unique_ptr<char[]> copy_;
    std::size_t size_;
};

namespace detail {

template <class Raw, void (*Free)(Raw *)>
class handle {
public:
    handle() noexcept : raw_(nullptr) {}
    explicit handle(Raw *raw) noexcept : raw_(raw) {}
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    handle(handle &&other) noexcept : raw_(other.release()) {}
    handle &operator=(handle &&other) noexcept {
        reset(other.release());
        return *this;
    }
    ~handle() { Free(raw_); }

    /** The C handle, still owned by this object. */
    Raw *get() const noexcept { return raw_; }
    /** Gives the C handle away: the caller frees it. */
    B2_NODISCARD Raw *release() noexcept {
        Raw *raw = raw_;
        raw_ = nullptr;
        return raw;
    }
    /** Frees what was held and holds this instead. */
    void reset(Raw *raw = nullptr) noexcept {
        Raw *old = raw_;
        raw_ = raw;
        Free(old);
    }
    explicit operator bool() const noexcept { return raw_ != nullptr; }

private:
    Raw *raw_;
};

/** An error that can be copied, as an exception has to be. */
#if B2_ABI_VERSION >= 2
class shared_error {
public:
    explicit shared_error(b2_error *raw) noexcept : raw_(raw) {}
    shared_error(const shared_error &other) noexcept : raw_(b2_error_retain(other.raw_)) {}
    shared_error(shared_error &&other) noexcept : raw_(other.raw_) { other.raw_ = nullptr; }
    shared_error &operator=(shared_error other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~shared_error() { b2_error_free(raw_); }
    b2_error *get() const noexcept { return raw_; }

private:
    b2_error *raw_;
};
#else
class shared_error {
public:
    explicit shared_error(b2_error *raw) : raw_() {
        if (raw != nullptr) {
            raw_.reset(raw, b2_error_free);
        }
    }
    b2_error *get() const noexcept { return raw_.get(); }

private:
    std::shared_ptr<b2_error> raw_;
};
#endif

/** Unix seconds as a time of the system clock; what it cannot hold is its end. */
inline std::chrono::system_clock::time_point time_of(std::int64_t unix_seconds) noexcept {
    using clock = std::chrono::system_clock;
    const std::chrono::seconds most = std::chrono::duration_cast<std::chrono::seconds>(clock::duration::max());
    if (unix_seconds >= most.count()) {
        return clock::time_point::max();
    }
    return clock::time_point(std::chrono::duration_cast<clock::duration>(std::chrono::seconds(unix_seconds)));
}

inline bool ends_with(const char *name, const char *end) noexcept {
    const std::size_t length = name == nullptr ? 0 : std::strlen(name);
    const std::size_t wanted = std::strlen(end);
    return length >= wanted && std::strcmp(name + (length - wanted), end) == 0;
}

/** Whole units, rounded up: a short time must not become 0, which means "no bound". Longer than any option: a year. */
template <class Unit, class Rep, class Period>
std::int64_t whole(std::chrono::duration<Rep, Period> span) {
    const std::chrono::hours year(24 * 365);
    if (span < std::chrono::duration<Rep, Period>::zero()) {
        return -1; // out of range everywhere, as it should be
    }
    const Unit units = span < year ? std::chrono::duration_cast<Unit>(span) : std::chrono::duration_cast<Unit>(year);
    return static_cast<std::int64_t>(units.count()) + (span < year && units < span ? 1 : 0);
}

} // namespace detail

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wweak-vtables" // of a class in a header alone there is no other kind
#endif

/**
 * What went wrong in one call: an exception, or what a result holds. No part of it holds a key, a token or the user part
 * of a URL. Strings live as long as this error or any copy of it.
 */
class error : public std::exception {
public:
    /** No error: status::ok. */
    error() noexcept : raw_(nullptr), status_(b2auth::status::ok), message_(nullptr) {}
    /** Takes over what a C function wrote to its out_error, NULL included, beside the status that it returned. */
    error(b2auth::status status, b2_error *raw) : raw_(raw), status_(status), message_(nullptr) {}
    /** An error of the caller's own; the message has to outlive it. */
    error(b2auth::status status, const char *message) noexcept : raw_(nullptr), status_(status), message_(message) {}

    b2auth::status status() const noexcept {
        return get() != nullptr ? static_cast<b2auth::status>(b2_error_status(get())) : status_;
    }
    /** What happened, in one line. Never nullptr. */
    const char *message() const noexcept {
        if (get() != nullptr) {
            return b2_error_message(get());
        }
        return message_ != nullptr ? message_ : status_message(status_);
    }
    /** The message. */
    const char *what() const noexcept override { return message(); }
    /** What the person can do about it, or nullptr. */
    const char *hint() const noexcept { return b2_error_hint(get()); }
    /** B2's own code, such as "bad_auth_token", or nullptr. */
    const char *code() const noexcept { return b2_error_code(get()); }
    /** The HTTP status of the last response; 0 if there was none. */
    int http_status() const noexcept { return b2_error_http_status(get()); }
    /** Whether the same call may succeed later. */
    bool is_retryable() const noexcept { return b2_error_is_retryable(get()) != 0; }
    /** How long to wait before the next call; negative if that is not known. */
    std::chrono::milliseconds retry_after() const noexcept {
        return std::chrono::milliseconds(b2_error_retry_after_ms(get()));
    }
    /** The requests that this call made. */
    std::uint32_t attempts() const noexcept { return b2_error_attempts(get()); }
    /** X-Bz-Request-Id of the last response, or nullptr. */
    const char *request_id() const noexcept { return b2_error_request_id(get()); }
    /** The run log, a JSON object with every attempt; nullptr if no call was made. */
    const char *json() const noexcept { return b2_error_json(get()); }

    /** Whether this is an error at all. */
    explicit operator bool() const noexcept { return status() != b2auth::status::ok; }
    /** The C handle, still owned by this object; NULL if no call was made. */
    const b2_error *get() const noexcept { return raw_.get(); }

private:
    detail::shared_error raw_;
    b2auth::status status_;
    const char *message_;
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/** A value or an error, for programs without exceptions and for calls whose failure is no surprise. */
template <class T>
class B2AUTH_NODISCARD_TYPE result {
public:
    result(T value) noexcept : value_(std::move(value)), error_() {}
    result(b2auth::error error) noexcept : value_(), error_(std::move(error)) {}

    explicit operator bool() const noexcept { return !error_; }
    bool has_value() const noexcept { return !error_; }
    /** Only if there is a value; else an empty handle. */
    T &operator*() & noexcept { return value_; }
    const T &operator*() const & noexcept { return value_; }
    T &&operator*() && noexcept { return std::move(value_); }
    T *operator->() noexcept { return &value_; }
    const T *operator->() const noexcept { return &value_; }
    /** With status::ok if there is a value. */
    const b2auth::error &error() const noexcept { return error_; }
    b2auth::status status() const noexcept { return error_.status(); }
#if B2AUTH_EXCEPTIONS
    /** The value, or the error thrown. */
    T &value() & {
        check();
        return value_;
    }
    const T &value() const & {
        check();
        return value_;
    }
    T &&value() && {
        check();
        return std::move(value_);
    }
#endif

private:
#if B2AUTH_EXCEPTIONS
    void check() const {
        if (error_) {
            throw b2auth::error(error_);
        }
    }
#endif
    T value_;
    b2auth::error error_;
};

/** Done, or an error. */
template <>
class B2AUTH_NODISCARD_TYPE result<void> {
public:
    result() noexcept : error_() {}
    result(b2auth::error error) noexcept : error_(std::move(error)) {}

    explicit operator bool() const noexcept { return !error_; }
    bool has_value() const noexcept { return !error_; }
    const b2auth::error &error() const noexcept { return error_; }
    b2auth::status status() const noexcept { return error_.status(); }
#if B2AUTH_EXCEPTIONS
    void value() const {
        if (error_) {
            throw b2auth::error(error_);
        }
    }
#endif

private:
    b2auth::error error_;
};

/** What B2 granted: an immutable snapshot that any thread may read. */
class session : public detail::handle<b2_session, b2_session_free> {
public:
    session() noexcept : handle() {}
    /** Takes over a session that a C function gave. */
    explicit session(b2_session *raw) noexcept : handle(raw) {}

    /** Another handle to the same session, for another owner or thread. */
    B2_NODISCARD session retain() const noexcept { return session(b2_session_retain(get())); }

    const char *account_id() const noexcept { return b2_session_account_id(get()); }
    const char *key_id() const noexcept { return b2_session_key_id(get()); }
    const char *realm() const noexcept { return b2_session_realm(get()); }
    /** A secret: the whole value of the Authorization header of B2's other calls. */
    const char *authorization_token() const noexcept { return b2_session_authorization_token(get()); }
    const char *api_url() const noexcept { return b2_session_api_url(get()); }
    const char *download_url() const noexcept { return b2_session_download_url(get()); }
    /** nullptr if B2 gave none. */
    const char *s3_api_url() const noexcept { return b2_session_s3_api_url(get()); }
    /** Such as "us-west-004"; nullptr if it cannot be told. */
    const char *s3_region() const noexcept { return b2_session_s3_region(get()); }
    /** Bytes. */
    std::uint64_t recommended_part_size() const noexcept { return b2_session_recommended_part_size(get()); }
    std::uint64_t absolute_minimum_part_size() const noexcept { return b2_session_absolute_minimum_part_size(get()); }

    std::size_t capability_count() const noexcept { return b2_session_capability_count(get()); }
    /** nullptr past the end. */
    const char *capability(std::size_t index) const noexcept { return b2_session_capability(get(), index); }
    bool has_capability(const text &name) const noexcept {
        return !name.has_nul() && b2_session_has_capability(get(), name.c_str()) == 1;
    }
    /** Whether the key may use some buckets only; true even where their list is empty. */
    bool is_bucket_restricted() const noexcept { return b2_session_is_bucket_restricted(get()) == 1; }
    std::size_t bucket_count() const noexcept { return b2_session_bucket_count(get()); }
    /** nullptr past the end. */
    const char *bucket_id(std::size_t index) const noexcept { return b2_session_bucket_id(get(), index); }
    /** nullptr past the end, and for a bucket that is gone or whose name is hidden from the key. */
    const char *bucket_name(std::size_t index) const noexcept { return b2_session_bucket_name(get(), index); }
    /** nullptr if the names of files may begin with anything. */
    const char *name_prefix() const noexcept { return b2_session_name_prefix(get()); }

    std::chrono::system_clock::time_point expires_at() const noexcept {
        return detail::time_of(b2_session_expires_at(get()));
    }
    /** time_point::max() for a key that does not expire. */
    std::chrono::system_clock::time_point key_expires_at() const noexcept {
        const std::int64_t at = b2_session_key_expires_at(get());
        return at == 0 ? std::chrono::system_clock::time_point::max() : detail::time_of(at);
    }
    /** How long the token can still be used; zero once it cannot. Negative for an empty handle. */
    std::chrono::seconds time_left() const noexcept { return std::chrono::seconds(b2_session_seconds_left(get())); }
    /** All of the above as a JSON object. A secret: it holds the token. */
    const char *json() const noexcept { return b2_session_json(get()); }

    /** Forgets this token: the next call for its key asks B2. The session stays readable. */
    void invalidate() const noexcept { b2_session_invalidate(get()); }
};

/** Ends calls early: see options::set_cancel. Once triggered it stays triggered. */
class cancel : public detail::handle<b2_cancel, b2_cancel_free> {
public:
    cancel() noexcept : handle(b2_cancel_new()) {}
    /** Takes over a C handle. */
    explicit cancel(b2_cancel *raw) noexcept : handle(raw) {}

    /** Calls that hold this cancel end with status::cancelled, now and later. Any thread, also a signal handler. */
    void trigger() const noexcept { b2_cancel_trigger(get()); }
    bool is_triggered() const noexcept { return b2_cancel_is_triggered(get()) == 1; }
};

namespace detail {

/** A log function of the caller's on its way through C. Exceptions is a parameter for the linker: see Standards. */
template <class Log, int Exceptions>
struct log_target {
    static void call(void *log, int level, const char *message) noexcept {
#if B2AUTH_EXCEPTIONS
        try {
            (*static_cast<Log *>(log))(static_cast<log_level>(level), message);
        } catch (...) { // there is C on the stack below
        }
#else
        (*static_cast<Log *>(log))(static_cast<log_level>(level), message);
#endif
    }
    static void release(void *log) noexcept { delete static_cast<Log *>(log); }
};

} // namespace detail

/** The choices of a call, by the names that b2auth.h lists at b2_options_set(). */
class options : public detail::handle<b2_options, b2_options_free> {
public:
    options() noexcept : handle(b2_options_new()) {}
    /** Takes over a C handle. */
    explicit options(b2_options *raw) noexcept : handle(raw) {}

    /** Independent options with the same values, log and cancel. */
    B2_NODISCARD options copy() const noexcept { return options(b2_options_copy(get())); }

    /** nullptr or "" puts the default back. After an error the options are as before. */
    result<void> try_set(const text &name, const text &value) {
        if (name.has_nul() || value.has_nul()) {
            return error(status::invalid_argument, "an option has a NUL inside its name or value");
        }
        b2_error *raw = nullptr;
        const b2_status done = b2_options_set(get(), name.c_str(), value.c_str(), &raw);
        if (done == B2_OK) {
            return result<void>();
        }
        return error(static_cast<status>(done), raw);
    }
    /** A number, or for a switch true or false. */
    template <class Number, class = typename std::enable_if<std::is_integral<Number>::value
                                                             && !std::is_same<Number, char>::value>::type>
    result<void> try_set(const text &name, Number value) {
        return try_set(name, text(std::to_string(+value)));
    }
    /** A duration, in the unit that the option's name ends with; what is no whole number of it is rounded up. */
    template <class Rep, class Period>
    result<void> try_set(const text &name, std::chrono::duration<Rep, Period> value) {
        if (detail::ends_with(name.c_str(), "_ms")) {
            return try_set(name, detail::whole<std::chrono::milliseconds>(value));
        }
        if (detail::ends_with(name.c_str(), "_s")) {
            return try_set(name, detail::whole<std::chrono::seconds>(value));
        }
        return error(status::invalid_argument, "an option that is no time was given a duration");
    }
#if B2AUTH_EXCEPTIONS
    /** As try_set, throwing; returns the options, so that settings can be chained. */
    template <class Value>
    options &set(const text &name, const Value &value) {
        try_set(name, value).value();
        return *this;
    }
#endif

    /**
     * Has every decision of a call reported to log(b2auth::log_level, const char *): any callable. It is called on the
     * threads that work for calls, one at a time for these options and their copies. What it throws is dropped.
     */
    template <class Log>
    options &on_log(Log &&log) {
        using target = detail::log_target<typename std::decay<Log>::type, B2AUTH_EXCEPTIONS>;
        b2_options_set_log(get(), target::call, new typename std::decay<Log>::type(std::forward<Log>(log)),
                           target::release);
        return *this;
    }
    options &no_log() noexcept {
        b2_options_set_log(get(), nullptr, nullptr, nullptr);
        return *this;
    }

    /** Lets a cancel end every call made with these options; they keep a reference of their own. */
    options &set_cancel(const cancel &by) noexcept {
        b2_options_set_cancel(get(), by.get());
        return *this;
    }
    options &no_cancel() noexcept {
        b2_options_set_cancel(get(), nullptr);
        return *this;
    }
};

/** One place of a batch. Both are borrowed; blank as in authorize(). */
struct credentials {
    const char *key_id;
    const char *key;
};

/** The places of a batch: a parameter type, borrowed for the call. */
class credentials_list {
public:
    credentials_list(const credentials *first, std::size_t count) noexcept : first_(first), count_(count) {}
    credentials_list(const std::vector<credentials> &all) noexcept : first_(all.data()), count_(all.size()) {}
    credentials_list(std::initializer_list<credentials> all) noexcept : first_(nullptr), count_(all.size()) {
        first_ = all.begin(); // the list lives to the end of the call's full expression, and this is a parameter
    }
#if defined(B2AUTH_HAS_SPAN)
    credentials_list(std::span<const credentials> all) noexcept : first_(all.data()), count_(all.size()) {}
#endif
    const credentials *begin() const noexcept { return first_; }
    const credentials *end() const noexcept { return first_ + count_; }
    std::size_t size() const noexcept { return count_; }

private:
    const credentials *first_;
    std::size_t count_;
};

/** A string of the library's, wiped when it is freed. */
class owned_string : public detail::handle<char, b2_string_free> {
public:
    owned_string() noexcept : handle() {}
    explicit owned_string(char *raw) noexcept : handle(raw) {}
    /** Never nullptr. */
    const char *c_str() const noexcept { return get() != nullptr ? get() : ""; }
#if B2AUTH_CPLUSPLUS >= 201703L
    std::string_view view() const noexcept { return c_str(); }
#endif
};

/** The response of authorize_json(): valid JSON whatever the status. A secret: it may hold a token. */
struct json_response {
    b2auth::status status;
    owned_string text;
};

namespace detail {

inline error refusal(const text &key_id, const text &key) {
    return key_id.has_nul() ? error(status::invalid_argument, "the key ID has a NUL inside")
           : key.has_nul()  ? error(status::invalid_argument, "the key has a NUL inside")
                            : error();
}

/** NULL would mean the defaults: less than what the caller once chose. */
inline error refusal(const options &chosen) {
    return chosen ? error() : error(status::invalid_argument, "the options were moved from, or could not be made");
}

inline result<session> outcome(b2_status done, b2_session *made, b2_error *raw) {
    if (done == B2_OK) {
        return session(made);
    }
    return error(static_cast<status>(done), raw);
}

inline result<session> authorize(const text &key_id, const text &key, const b2_options *chosen) {
    if (error refused = refusal(key_id, key)) {
        return refused;
    }
    b2_session *made = nullptr;
    b2_error *raw = nullptr;
    const b2_status done = b2_authorize_with(key_id.c_str(), key.c_str(), chosen, &made, &raw);
    return outcome(done, made, raw);
}

inline result<session> reauthorize(const text &key_id, const text &key, const session &rejected,
                                   const b2_options *chosen) {
    if (error refused = refusal(key_id, key)) {
        return refused;
    }
    b2_session *made = nullptr;
    b2_error *raw = nullptr;
    const b2_status done = b2_reauthorize(key_id.c_str(), key.c_str(), rejected.get(), chosen, &made, &raw);
    return outcome(done, made, raw);
}

inline std::vector<result<session>> authorize_many(const credentials_list &all, const b2_options *chosen) {
    std::vector<const char *> key_ids;
    std::vector<const char *> keys;
    key_ids.reserve(all.size());
    keys.reserve(all.size());
    for (const credentials &one : all) {
        key_ids.push_back(one.key_id);
        keys.push_back(one.key);
    }
    std::vector<b2_session *> made(all.size());
    std::vector<b2_error *> raw(all.size());
    std::vector<result<session>> results;
    results.reserve(all.size());
    const b2_status done =
        b2_authorize_many(key_ids.data(), keys.data(), all.size(), chosen, made.data(), raw.data());
    for (std::size_t place = 0; place < all.size(); ++place) {
        results.push_back(outcome(made[place] != nullptr ? B2_OK : done, made[place], raw[place]));
    }
    return results;
}

/** Every place failed alike, before anything was asked. */
inline std::vector<result<session>> all_failed(std::size_t count, const error &why) {
    std::vector<result<session>> results;
    results.reserve(count);
    for (std::size_t place = 0; place < count; ++place) {
        results.push_back(why);
    }
    return results;
}

} // namespace detail

/**
 * A session for this key: from the cache, or by a request to B2. Blank for both means: take the key from the
 * environment, or from the database of the b2 command-line tool.
 */
B2_NODISCARD inline result<session> try_authorize(const text &key_id = nullptr, const text &key = nullptr) {
    return detail::authorize(key_id, key, nullptr);
}

B2_NODISCARD inline result<session> try_authorize_with(const text &key_id, const text &key, const options &chosen) {
    if (error refused = detail::refusal(chosen)) {
        return refused;
    }
    return detail::authorize(key_id, key, chosen.get());
}

/**
 * After B2 refused the token of `rejected`: a newer one, from the cache if it holds one. With an empty session as
 * `rejected` B2 is always asked.
 */
B2_NODISCARD inline result<session> try_reauthorize(const text &key_id, const text &key, const session &rejected) {
    return detail::reauthorize(key_id, key, rejected, nullptr);
}

B2_NODISCARD inline result<session> try_reauthorize(const text &key_id, const text &key, const session &rejected,
                                                    const options &chosen) {
    if (error refused = detail::refusal(chosen)) {
        return refused;
    }
    return detail::reauthorize(key_id, key, rejected, chosen.get());
}

/** Many at once, each place with a session or an error of its own. */
B2_NODISCARD inline std::vector<result<session>> authorize_many(const credentials_list &all) {
    return detail::authorize_many(all, nullptr);
}

B2_NODISCARD inline std::vector<result<session>> authorize_many(const credentials_list &all, const options &chosen) {
    if (error refused = detail::refusal(chosen)) {
        return detail::all_failed(all.size(), refused);
    }
    return detail::authorize_many(all, chosen.get());
}

#if B2AUTH_EXCEPTIONS
B2_NODISCARD inline session authorize(const text &key_id = nullptr, const text &key = nullptr) {
    return try_authorize(key_id, key).value();
}

B2_NODISCARD inline session authorize_with(const text &key_id, const text &key, const options &chosen) {
    return try_authorize_with(key_id, key, chosen).value();
}

B2_NODISCARD inline session reauthorize(const text &key_id, const text &key, const session &rejected) {
    return try_reauthorize(key_id, key, rejected).value();
}

B2_NODISCARD inline session reauthorize(const text &key_id, const text &key, const session &rejected,
                                        const options &chosen) {
    return try_reauthorize(key_id, key, rejected, chosen).value();
}
#endif

#if defined(B2AUTH_HAS_STOP_TOKEN)

namespace detail {

/** Options for one call that a stop_token can end. */
class stoppable {
public:
    stoppable(const options &chosen, std::stop_token stop)
        : cancel_(), options_(chosen.copy()), callback_(std::move(stop), trigger{cancel_.get()}) {
        if (cancel_) {
            options_.set_cancel(cancel_);
        } else {
            options_.reset(); // better no call than one that cannot be ended
        }
    }
    const options &get() const noexcept { return options_; }

private:
    struct trigger {
        b2_cancel *raw;
        void operator()() const noexcept { b2_cancel_trigger(raw); }
    };
    cancel cancel_;
    options options_;
    std::stop_callback<trigger> callback_; // last, so that it is gone before what it triggers
};

} // namespace detail

// With a stop_token, for example of a std::jthread. For this one call it takes the place of the options' own cancel.

B2_NODISCARD inline result<session> try_authorize_with(const text &key_id, const text &key, const options &chosen,
                                                       std::stop_token stop) {
    return try_authorize_with(key_id, key, detail::stoppable(chosen, std::move(stop)).get());
}

B2_NODISCARD inline result<session> try_reauthorize(const text &key_id, const text &key, const session &rejected,
                                                    const options &chosen, std::stop_token stop) {
    return try_reauthorize(key_id, key, rejected, detail::stoppable(chosen, std::move(stop)).get());
}

B2_NODISCARD inline std::vector<result<session>> authorize_many(const credentials_list &all, const options &chosen,
                                                                std::stop_token stop) {
    return authorize_many(all, detail::stoppable(chosen, std::move(stop)).get());
}

#if B2AUTH_EXCEPTIONS
B2_NODISCARD inline session authorize_with(const text &key_id, const text &key, const options &chosen,
                                           std::stop_token stop) {
    return try_authorize_with(key_id, key, chosen, std::move(stop)).value();
}

B2_NODISCARD inline session reauthorize(const text &key_id, const text &key, const session &rejected,
                                        const options &chosen, std::stop_token stop) {
    return try_reauthorize(key_id, key, rejected, chosen, std::move(stop)).value();
}
#endif

#endif // B2AUTH_HAS_STOP_TOKEN

/** The whole job as text: a JSON object, or an array of them, in; JSON out, failures included. */
B2_NODISCARD inline json_response authorize_json(const text &request = nullptr) {
    char *made = nullptr;
    // A NUL is no JSON; another control character, alone, has the library say so.
    const b2_status done = b2_authorize_json(request.has_nul() ? "\x01" : request.c_str(), &made);
    return json_response{static_cast<status>(done), owned_string(made)};
}

/** The same into a buffer, cut to its size; returns the length of the whole response, as snprintf() does. */
inline std::size_t authorize_json_into(const text &request, char *buffer, std::size_t size) {
    return b2_authorize_json_into(request.has_nul() ? "\x01" : request.c_str(), buffer, size);
}

/** After B2 refused another call: whether a new token is the cure. `code` is that of B2's error body. */
inline bool should_reauthorize(int http_status, const text &code) noexcept {
    return !code.has_nul() && b2_should_reauthorize(http_status, code.c_str()) == 1;
}

#if B2_ABI_VERSION >= 2
/** The same from the error body itself, which may be cut or no JSON at all. */
inline bool should_reauthorize_body(int http_status, const char *body, std::size_t length) noexcept {
    return b2_should_reauthorize_body(http_status, body, length) == 1;
}

inline bool should_reauthorize_body(int http_status, const std::string &body) noexcept {
    return should_reauthorize_body(http_status, body.data(), body.size());
}

/** The way to B2 walked step by step: a JSON report. */
B2_NODISCARD inline result<owned_string> try_diagnose_json(const text &key_id, const text &key,
                                                           const options &chosen) {
    if (error refused = detail::refusal(chosen)) {
        return refused;
    }
    if (error refused = detail::refusal(key_id, key)) {
        return refused;
    }
    char *report = nullptr;
    const b2_status done = b2_diagnose_json(key_id.c_str(), key.c_str(), chosen.get(), &report);
    owned_string owned(report);
    if (done == B2_OK || owned) {
        return result<owned_string>(std::move(owned));
    }
    return error(static_cast<status>(done), static_cast<const char *>(nullptr));
}

#if B2AUTH_EXCEPTIONS
B2_NODISCARD inline owned_string diagnose_json(const text &key_id, const text &key, const options &chosen) {
    return try_diagnose_json(key_id, key, chosen).value();
}
#endif
#endif

/** Drops and wipes every cached token; live sessions stay. */
inline void cache_clear() noexcept { b2_cache_clear(); }

/** How often something happened in this process, such as "requests"; 0 for a name that the library does not know. */
inline std::uint64_t counter(const text &name) noexcept { return name.has_nul() ? 0 : b2_counter(name.c_str()); }

/** The library's version, such as "0.1.0". */
inline const char *library_version() noexcept { return b2_library_version(); }
/** At least B2_ABI_VERSION, or this program was built for a newer library. */
inline std::uint32_t abi_version() noexcept { return b2_abi_version(); }

// Streams are given what may be seen: never the token, as json() would be.

template <class Traits>
std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &out, status value) {
    return out << status_name(value);
}

template <class Traits>
std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &out, const error &value) {
    out << value.message();
    if (value.hint() != nullptr) {
        out << " (" << value.hint() << ')';
    }
    return out;
}

template <class Traits>
std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &out, const session &value) {
    if (!value) {
        return out << "no session";
    }
    return out << "session of account " << value.account_id() << ", key " << value.key_id();
}

} // namespace b2auth

#endif // B2AUTH_HPP
