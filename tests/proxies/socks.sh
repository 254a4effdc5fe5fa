# shellcheck shell=sh disable=SC2154
# Through SOCKS5 proxies.

for scheme in socks5 socks5h; do
    ask ca_file="$ca" proxy=$scheme://127.0.0.1:1080
    through "microsocks as $scheme" socks "connected to api.b2.test:443"
done
ask ca_file="$ca" proxy=socks5://127.0.0.1:1082
through "dante" dante " 127.0.0.1.443"
ask ca_file="$ca" proxy="socks5://$socks_encoded@127.0.0.1:1082"
through "dante, with a password that it did not ask for" dante " 127.0.0.1.443"

ask ca_file="$ca" proxy="socks5://$socks_encoded@127.0.0.1:1081"
through "microsocks with user and password" socks-login "connected to api.b2.test:443"
for login in "" "${socks_encoded%%:*}@" "${socks_encoded%%:*}:wrong-password@" "nobodys-user:${socks_encoded#*:}@"; do
    ask ca_file="$ca" proxy="socks5://${login}127.0.0.1:1081" max_attempts=3
    gives "microsocks does not let ${login:-nobody} in" B2_NETWORK_ERROR \
        "the proxy 127.0.0.1:1081 does not accept this user" "socks5://USER:PASSWORD@HOST:PORT"
    once "a login that fails is not tried again"
done

ask ca_file="$ca" proxy=socks5://127.0.0.1:1082 realm=https://api.b2.test:4430 max_attempts=3
gives "dante refuses" B2_NETWORK_ERROR \
    "the proxy 127.0.0.1:1082 did not connect to api.b2.test:4430: its rules forbid it" "ask the proxy's administrator"
once "a refusal by rule is not tried again"
for port in 1080 1082; do
    ask ca_file="$ca" proxy=socks5://127.0.0.1:$port realm=https://nowhere.b2.test
    gives "the name is unknown behind socks port $port" B2_NETWORK_ERROR "did not connect to nowhere.b2.test:443"
done
ask ca_file="$ca" proxy=socks5://127.0.0.1:1080 realm=https://api.b2.test:81
gives "nothing listens behind microsocks" B2_NETWORK_ERROR "did not connect to api.b2.test:81: connection refused"
ask ca_file="$ca" proxy=socks5://127.0.0.1:3128 attempt_timeout_ms=1000
gives "a socks5 proxy that speaks http" B2_TIMEOUT "the proxy 127.0.0.1:3128"
