# shellcheck shell=sh disable=SC2154
# Through http proxies, with TLS and without.

connect="CONNECT api.b2.test:443"
ask ca_file="$ca" proxy=http://127.0.0.1:3128
through "tinyproxy" tiny "$connect"
ask ca_file="$ca" proxy=http://localhost:3128/
through "tinyproxy by its name" tiny "$connect"
ask ca_file="$ca" proxy="http://$tiny_encoded@127.0.0.1:3128"
through "tinyproxy, with a password that it did not ask for" tiny "$connect"

ask ca_file="$ca" proxy="http://$tiny_encoded@127.0.0.1:3129"
through "tinyproxy with user and password" tiny-login "$connect"
for login in "" "${tiny_encoded%%:*}@" "${tiny_encoded%%:*}:wrong-password@" "nobodys-user:${tiny_encoded#*:}@"; do
    ask ca_file="$ca" proxy="http://${login}127.0.0.1:3129" max_attempts=3
    gives "tinyproxy does not let ${login:-nobody} in" B2_NETWORK_ERROR "the proxy 127.0.0.1:3129 requires a user and a password" \
        "http://USER:PASSWORD@HOST:PORT"
    once "a login that fails is not tried again"
done

ask ca_file="$ca" proxy=http://127.0.0.1:3130 max_attempts=3
gives "tinyproxy refuses" B2_NETWORK_ERROR "the proxy 127.0.0.1:3130 did not connect to api.b2.test:443: it returned 403" \
    "ask the proxy's administrator"
once "a refusal by rule is not tried again"
ask ca_file="$ca" proxy=http://127.0.0.1:3128 realm=https://nowhere.b2.test max_attempts=2 initial_backoff_ms=1
gives "tinyproxy does not know the name" B2_NETWORK_ERROR "did not connect to nowhere.b2.test:443: it returned 5"
[ "$requests" = 2 ] || not_ok "what may be a proxy's trouble of the moment is tried again" "$requests times"

cat "$ca" "$work/proxy-ca.pem" >"$work/both.pem"
ask ca_file="$work/both.pem" proxy=https://localhost:3131
through "tinyproxy behind TLS" tiny "$connect"
ask ca_file="$ca" proxy=https://localhost:3131
gives "a proxy whose certificate is not trusted" B2_TLS_ERROR "the certificate of the proxy localhost:3131 is signed by an unknown CA (\"Proxy CA\")" \
    "ca_file"
# It depends on the bytes of the handshake whether this proxy takes them for a request, and answers, or waits for more.
ask ca_file="$ca" proxy=https://127.0.0.1:3128 connect_timeout_ms=300
case $status in
B2_TLS_ERROR | B2_NETWORK_ERROR) any=$status ;;
*) any=B2_TIMEOUT ;;
esac
gives "https in the URL of a proxy without TLS" "$any" "the proxy 127.0.0.1:3128" "begin the proxy's URL with http://"

for scheme in http https socks5; do
    ask ca_file="$ca" proxy="$scheme://127.0.0.1:${silent##*:}" connect_timeout_ms=300
    gives "a silent $scheme proxy" B2_TIMEOUT "the proxy 127.0.0.1:${silent##*:}" "within 300 ms"
    [ "$ms" -lt 2000 ] || not_ok "a silent $scheme proxy has its time" "$ms ms"
    ask ca_file="$ca" proxy="$scheme://127.0.0.1:${dead##*:}"
    gives "a dead $scheme proxy" B2_NETWORK_ERROR "cannot connect to the proxy 127.0.0.1:${dead##*:}" "connection refused" \
        "that it runs"
done
ask ca_file="$ca" proxy=http://nowhere.b2.test:3128
gives "a proxy whose name has no address" B2_NETWORK_ERROR "the name nowhere.b2.test cannot be resolved"
ask ca_file="$ca" proxy=http://127.0.0.1:1080
gives "an http proxy that speaks socks5" B2_NETWORK_ERROR "the proxy 127.0.0.1:1080"
