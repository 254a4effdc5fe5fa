# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# The proxies, each with a log of its own. All of them see a hosts file in which the realm's name stands.

# behind_hosts LOG COMMAND... - starts it where the names are known
behind_hosts() {
    log=$1
    shift
    unshare -m sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$work/hosts" "$@" >>"$log" 2>&1 </dev/null &
    pids="$pids $!"
}

# listening PORT - waits until somebody does. It looks, and does not call, so that the logs stay as they are.
listening() {
    tries=0
    until awk -v port=":$(printf %04X "$1")" '$4 == "0A" && substr($2, 9) == port { found = 1 } END { exit !found }' \
        /proc/net/tcp; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || { echo "not ok proxies: nothing listens on port $1"; cat "$work"/*.log; exit 1; }
        sleep 0.05
    done
}

# authority NAME COMMON-NAME, certificate NAME HOST AUTHORITY
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/O=Somebody Ltd/CN=$2" \
        -addext keyUsage=critical,keyCertSign -keyout "$work/$1.key" -out "$work/$1.pem" 2>>"$work/openssl.log"
}
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$work/$1.key" \
        -out "$work/$1.csr" 2>>"$work/openssl.log"
    echo "subjectAltName=DNS:$2" >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/$3.pem" -CAkey "$work/$3.key" -days 1 -extfile "$work/$1.ext" \
        -out "$work/$1.pem" 2>>"$work/openssl.log"
}

# tinyproxy_on PORT NAME LINE... - an http proxy with these settings besides
tinyproxy_on() {
    port=$1 name=$2
    shift 2
    printf '%s\n' "Port $port" "Listen 127.0.0.1" "LogFile \"$work/$name.log\"" "LogLevel Connect" "MaxClients 20" "$@" \
        >"$work/$name.conf"
    behind_hosts "$work/$name.log" tinyproxy -d -c "$work/$name.conf"
}

# stunnel_on ADDRESS NAME TO [LINES] - TLS in front of what listens at TO
stunnel_on() {
    printf '%s\n' "foreground = yes" "pid =" "[$2]" "accept = $1" "connect = $3" "cert = $work/$2.pem" \
        "key = $work/$2.key" ${4:+"$4"} >"$work/$2.conf"
    behind_hosts "$work/$2.log" stunnel4 "$work/$2.conf"
}

start_proxies() {
    echo "127.0.0.1 localhost api.b2.test
127.0.0.2 inspected.b2.test" >"$work/hosts"

    # Tinyproxy's settings take few characters, microsocks any, also those that a URL has its own use for.
    tiny_login=corp-user.7:Pass_word-7 tiny_encoded=%63orp-user.7:Pass%5fw%6Frd-7
    tinyproxy_on 3128 tiny "ConnectPort 443"
    tinyproxy_on 3129 tiny-login "ConnectPort 443" "BasicAuth ${tiny_login%%:*} ${tiny_login#*:}"
    tinyproxy_on 3130 tiny-strict "ConnectPort 563"

    socks_user='so:cks@corp' socks_password='p@ss w/rd%#é' socks_encoded='so%3Acks%40corp:p%40ss%20w%2Frd%25%23%C3%A9'
    behind_hosts "$work/socks.log" microsocks -i 127.0.0.1 -p 1080
    behind_hosts "$work/socks-login.log" microsocks -i 127.0.0.1 -p 1081 -u "$socks_user" -P "$socks_password"
    echo "logoutput: stdout
internal: 127.0.0.1 port = 1082
external: lo
clientmethod: none
socksmethod: none
user.unprivileged: root
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 4430 log: connect }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect }" >"$work/dante.conf"
    behind_hosts "$work/dante.log" danted -f "$work/dante.conf"

    # A proxy that speaks TLS, and a middlebox that opens what goes by, reads it, and seals it anew.
    authority proxy-ca "Proxy CA"
    certificate tls-proxy localhost proxy-ca
    stunnel_on 127.0.0.1:3131 tls-proxy 127.0.0.1:3128
    authority middlebox-ca "Corporate Inspection CA"
    certificate middlebox inspected.b2.test middlebox-ca
    stunnel_on 127.0.0.2:443 middlebox 127.0.0.2:8080 "[onwards]
client = yes
accept = 127.0.0.2:8080
connect = 127.0.0.1:443"

    # Whatever the library tells of these is too much. The base64 is what goes over the wire.
    printf '%s\n' "${tiny_login%%:*}" "${tiny_login#*:}" "${tiny_encoded%%:*}" "${tiny_encoded#*:}" \
        "$(printf %s "$tiny_login" | base64)" "$socks_user" "$socks_password" "${socks_encoded%%:*}" \
        "${socks_encoded#*:}" wrong-password nobodys-user >"$work/secrets"
    for port in 3128 3129 3130 3131 1080 1081 1082 8080; do listening "$port"; done
}
