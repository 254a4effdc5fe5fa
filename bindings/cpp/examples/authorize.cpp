// From an application key to a session.
//
//     export B2_APPLICATION_KEY_ID=… B2_APPLICATION_KEY=…
//     c++ -std=c++11 authorize.cpp $(pkg-config --cflags --libs b2auth) -o authorize && ./authorize
#include <cstdio>

#include <b2auth.hpp>

int main() {
    // No key is given here, so it is taken from the environment.
    const b2auth::session session = b2auth::authorize();
    std::printf("%s %s\n", session.account_id(), session.api_url());
}
