#!/bin/sh
# shellcheck disable=SC2034
# All of the checks, in a network of their own: see run.sh.
#
#   inside.sh SANDBOX TARGET
set -u

here=$(cd "$(dirname "$0")" && pwd)
sandbox=$1 target=$2
built=$target/release
work=$(mktemp -d)
passed=0 failed=0 pids=

finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    for pid in $pids; do wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

ip link set lo up
# Nothing of the caller's own may be used.
export HOME="$work" B2_ACCOUNT_INFO="$work/account"
unset HTTPS_PROXY https_proxy ALL_PROXY all_proxy NO_PROXY no_proxy SSL_CERT_FILE SSL_CERT_DIR B2_ENVIRONMENT B2_TOKEN_STORE

mkdir -p "$target/tests-c"
program=$target/tests-c/through
"${CC:-cc}" -std=c11 -O1 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
    -Werror -I include "$here/through.c" -o "$program" -L "$built" -lb2auth -Wl,-rpath,"$built" || exit 1

mkfifo "$work/ready"
"$sandbox" --https-port 443 >"$work/ready" &
pids=$!
read -r ready <"$work/ready" || exit 1
field() { printf '%s' "$ready" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
master() { printf '%s' "$ready" | sed -n "s/.*{\([^{}]*\)\"label\":\"master\".*/\1/p" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
ca=$(field ca) control=$(field control) http=$(field http)
silent=$(field no_handshake) unknown=$(field unknown_ca) dead=$(field refused)
B2_APPLICATION_KEY_ID=$(master keyId) B2_APPLICATION_KEY=$(master key)
export B2_APPLICATION_KEY_ID B2_APPLICATION_KEY
[ -n "$B2_APPLICATION_KEY" ] || { echo "not ok proxies: the sandbox's ready line has no master key"; exit 1; }
realm=https://api.b2.test

# shellcheck source=tests/proxies/asking.sh
. "$here/asking.sh"
# shellcheck source=tests/proxies/starting.sh
. "$here/starting.sh"
start_proxies
for cases in http socks environment trust; do
    # shellcheck source=/dev/null
    . "$here/$cases.sh"
done
echo "proxies: $passed passed, $failed failed"
[ "$failed" = 0 ]
