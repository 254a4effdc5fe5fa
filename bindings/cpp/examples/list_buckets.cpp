// A program that uses B2: libcurl makes the call, b2auth has the session, and a token that B2 no longer accepts is
// replaced once.
//
//     export B2_APPLICATION_KEY_ID=… B2_APPLICATION_KEY=…
//     c++ -std=c++17 list_buckets.cpp $(pkg-config --cflags --libs b2auth libcurl) -o list_buckets && ./list_buckets
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <b2auth.hpp>
#include <curl/curl.h>

namespace {

struct response {
    long status = 0;
    std::string body;
};

extern "C" std::size_t keep(char *data, std::size_t, std::size_t size, void *body) {
    constexpr std::size_t limit = 1 << 20;
    std::string &text = *static_cast<std::string *>(body);
    if (size > limit - text.size()) {
        return 0; // libcurl ends the transfer with an error
    }
    text.append(data, size);
    return size;
}

// POST {apiUrl}/b2api/v4/b2_list_buckets
response list_buckets(const b2auth::session &session) {
    const std::string url = std::string(session.api_url()) + "/b2api/v4/b2_list_buckets";
    const std::string header = std::string("Authorization: ") + session.authorization_token();
    const std::string body = std::string("{\"accountId\":\"") + session.account_id() + "\"}";

    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(nullptr, header.c_str()), curl_slist_free_all);
    if (!curl || !headers) {
        throw std::runtime_error("libcurl is out of memory");
    }
    response got;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &got.body);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 30L);
    const CURLcode done = curl_easy_perform(curl.get());
    if (done != CURLE_OK) {
        throw std::runtime_error(curl_easy_strerror(done));
    }
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &got.status);
    return got;
}

// The code in an error body of B2, such as {"status":401,"code":"expired_auth_token","message":"…"}, which is a flat
// object. A program that has a JSON parser uses that.
std::string code_in(const std::string &body) {
    const std::size_t name = body.find("\"code\"");
    const std::size_t open = name == std::string::npos ? name : body.find('"', name + 6);
    const std::size_t close = open == std::string::npos ? open : body.find('"', open + 1);
    return close == std::string::npos ? "" : body.substr(open + 1, close - open - 1);
}

} // namespace

int main() try {
    b2auth::session session = b2auth::authorize();
    response got = list_buckets(session);
    if (b2auth::should_reauthorize(static_cast<int>(got.status), code_in(got.body))) {
        // Naming the session that B2 refused lets a thousand threads that are refused together cost one request.
        session = b2auth::reauthorize(nullptr, nullptr, session);
        got = list_buckets(session);
    }
    std::cout << got.status << ' ' << got.body << '\n';
    return got.status == 200 ? 0 : 1;
} catch (const b2auth::error &failure) {
    std::cerr << failure << '\n'; // the message, and in brackets the hint
    return 1;
} catch (const std::exception &failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
