// What the tests share: verdicts, the environment that tests/with-sandbox.sh sets, and the sandbox's control endpoint.
#ifndef B2AUTH_TESTS_CHECK_HPP
#define B2AUTH_TESTS_CHECK_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace test {

/** One test: its checks count until the next one begins. */
class suite {
public:
    explicit suite(std::string label) : label_(std::move(label)), name_(), good_(true), failed_(false) {}
    void begin(const std::string &name) {
        end();
        name_ = name;
        good_ = true;
    }
    void check(bool holds, const char *what, int line) {
        if (!holds) {
            std::printf("    line %d: %s\n", line, what);
            good_ = false;
        }
    }
    int finish() {
        end();
        return failed_ ? 1 : 0;
    }

private:
    void end() {
        if (!name_.empty()) {
            std::printf("%s %s: %s\n", good_ ? "ok" : "not ok", label_.c_str(), name_.c_str());
            std::fflush(stdout);
            failed_ = failed_ || !good_;
        }
    }
    std::string label_;
    std::string name_;
    bool good_;
    bool failed_;
};

inline std::string environment(const char *name) {
    const char *value = std::getenv(name);
    if (value == nullptr) {
        std::fprintf(stderr, "%s is not set: run this by tests/with-sandbox.sh\n", name);
        std::exit(2);
    }
    return value;
}

inline bool contains(const char *text, const std::string &part) {
    return text != nullptr && std::strstr(text, part.c_str()) != nullptr;
}

/** A request to the sandbox's control endpoint, with a body a POST; returns the response with its head. */
inline std::string control(const std::string &path, const std::string &body = std::string()) {
    const std::string base = environment("B2_SANDBOX"); // http://127.0.0.1:PORT/sandbox
    const std::size_t colon = base.rfind(':');
    const std::size_t slash = base.find('/', colon);
    struct sockaddr_in address;
    std::memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(base.c_str() + colon + 1)));
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<struct sockaddr *>(&address), sizeof address) != 0) {
        std::perror("the sandbox");
        std::exit(2);
    }
    const std::string request = (body.empty() ? "GET " : "POST ") + base.substr(slash) + "/" + path
                                + " HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nContent-Length: "
                                + std::to_string(body.size()) + "\r\n\r\n" + body;
    std::string response;
    char part[4096];
    ssize_t count = send(connection, request.data(), request.size(), 0);
    while (count > 0 && (count = recv(connection, part, sizeof part, 0)) > 0) {
        response.append(part, static_cast<std::size_t>(count));
    }
    close(connection);
    if (response.compare(0, 10, "HTTP/1.1 2") != 0) {
        std::fprintf(stderr, "the sandbox to %s: %s\n", path.c_str(), response.c_str());
        std::exit(2);
    }
    return response;
}

/** Puts a key into the environment that no test has used: the library bounds the requests for one key. */
inline void use_fresh_key() {
    static int number = 1000; // the tests give keys of their own small numbers
    ++number;
    char key_id[32];
    char key[40];
    std::snprintf(key_id, sizeof key_id, "001%022d", number);
    std::snprintf(key, sizeof key, "K001%027d", number);
    control("keys", "[{\"keyId\":\"" + std::string(key_id) + "\",\"key\":\"" + key
                        + "\",\"accountId\":\"4aa9865d6f00\",\"capabilities\":[\"listBuckets\",\"readFiles\"]}]");
    setenv("B2_APPLICATION_KEY_ID", key_id, 1);
    setenv("B2_APPLICATION_KEY", key, 1);
}

} // namespace test

#define CHECK(tests, what) (tests).check((what), #what, __LINE__)

#endif
