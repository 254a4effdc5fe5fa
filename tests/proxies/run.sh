#!/bin/sh
# Real proxies between the library as it is shipped and the sandbox: tinyproxy, dante, microsocks, and stunnel for TLS.
#
#   tests/proxies/run.sh [path of the b2-sandbox binary]
#
# It goes on in a network of its own, which has nothing but loopback and so every port free, and no name server: the
# realm's name, api.b2.test, is in the hosts file that the proxies see, and in no other.
set -u

cd "$(dirname "$0")/../.." || exit 1
target=$(realpath "${CARGO_TARGET_DIR:-target}")
sandbox=$(realpath "${1:-$target/debug/b2-sandbox}") || exit 1
for built in "$sandbox" "$target/release/libb2auth.so"; do
    [ -e "$built" ] || { echo "$built is not there: make lib sandbox" >&2; exit 1; }
done

skip() {
    echo "SKIP proxies: $1"
    [ "${CI:-}" != true ]
    exit
}

# The daemons of proxies are installed where only root looks.
PATH=$PATH:/usr/sbin:/sbin
export PATH
missing=$(packaging/need.sh cc curl openssl ip unshare tinyproxy danted microsocks stunnel4) ||
    skip "$(echo "$missing" | tr '\n' ' ')"
for flags in -mn -rmn; do
    if unshare "$flags" sh -c 'mount --bind /etc/hosts /etc/hosts && ip link set lo up' 2>/dev/null; then
        timeout 120 unshare "$flags" tests/proxies/inside.sh "$sandbox" "$target"
        exit
    fi
done
skip "no private namespaces for the host name here"
