#!/bin/bash
# The recipes of the README's section on token stores, run against a sandbox, with their requests counted there; the one for
# a fleet against a Redis that has the user, the rights and the kind of URL that it shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
if [[ -z ${B2_SANDBOX:-} ]]; then exec tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0"; fi
missing=$(packaging/need.sh cc curl python3 openssl redis-server) ||
    { echo "SKIP store: the recipes: $missing" | tr '\n' ' '; echo; exit 0; }
work=$(mktemp -d)
redis=
trap '[[ -z $redis ]] || kill "$redis"; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work
cc -std=c99 -D_POSIX_C_SOURCE=200809L -I include cli/*.c -o "$work/b2auth" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
PATH=$work:$PATH
failed=0

# The blocks of the section, by their kind and number: sh1, c1, sh2, acl1, ini1, yaml1.
sed -n '/^## Many processes/,/^## Platforms/p' README.md | awk -v work="$work" '
    /^```[a-z]+$/ { kind = substr($0, 4); file = work "/" kind (++count[kind]); next }
    /^```/ { file = ""; next }
    file != "" { print >file }'

asked() { curl -fsS "$B2_SANDBOX/log" | { grep -o '"call": *"b2_authorize_account"' || true; } | wc -l; }
requests_of() { # what count command…: that many requests in all
    local what=$1 count=$2 before after
    shift 2
    before=$(asked)
    if ! "$@" >"$work/said" 2>&1; then
        cat "$work/said"
        echo "not ok store: $what"
        failed=1
        return
    fi
    after=$(asked)
    if [[ $((after - before)) != "$count" ]]; then
        echo "not ok store: $what: $((after - before)) requests, not $count"
        failed=1
    else
        echo "ok store: $what: $count request(s)"
    fi
}

cron() { for _ in 1 2 3 4 5; do sh -eu "$work/sh1"; done; }
requests_of "five runs of a cron job" 1 cron
rm -r "$work/b2auth-tokens"

workers() {
    grep -v '^cc ' "$work/sh2" >"$work/run"
    cp "$work/c1" "$work/workers.c"
    cc -std=c99 -D_POSIX_C_SOURCE=200809L -I include "$work/workers.c" -o "$work/workers" \
        -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
    (cd "$work" && sh -eu run && sh -eu run)
}
requests_of "eight workers, twice" 1 workers

# A CA and a server's certificate, and a Redis with the user that the README shows.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=recipes-ca \
    -keyout "$work/ca.key" -out "$work/ca.pem" 2>"$work/log"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -keyout "$work/server.key" -out "$work/server.csr" 2>>"$work/log"
printf 'subjectAltName=DNS:localhost\n' >"$work/names"
openssl x509 -req -in "$work/server.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
    -extfile "$work/names" -out "$work/server.pem" 2>>"$work/log"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
{ printf 'port 0\ntls-port %s\nbind 127.0.0.1\ntls-auth-clients no\nsave ""\nloglevel warning\n' "$port"
  printf 'tls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\n' "$work/server.pem" "$work/server.key" "$work/ca.pem"
  printf 'unixsocket %s\ndir %s\nuser default off\n' "$work/socket" "$work"
  cat "$work/acl1"; } >"$work/redis.conf"
redis-server "$work/redis.conf" >"$work/redis.log" 2>&1 &
redis=$!
until [[ -S $work/socket ]]; do kill -0 "$redis" || { cat "$work/redis.log"; echo "not ok store: the ACL line"; exit 1; }; sleep 0.05; done

# The URL of each recipe, with this server's address and CA in the place of the example's.
here() { sed "s,@[a-z.]*:6379,@localhost:$port,; s,ca_file=[^ \"]*,ca_file=$work/ca.pem,"; }
url_of_unit() { sed -n 's/^# Has a line: B2_TOKEN_STORE=//p' "$work/ini1" | here; }
url_of_secret() { sed -n 's/^  url: //p' "$work/yaml1" | here; }
fleet() {
    for url in "$(url_of_unit)" "$(url_of_secret)" "$(url_of_unit)"; do
        B2_TOKEN_STORE=$url b2auth --check --verbose 2>"$work/line" || { cat "$work/line"; return 1; }
        if grep -e CHANGE-ME -e 'cannot be used' "$work/line"; then return 1; fi
    done
}
requests_of "three machines of a fleet" 1 fleet

if command -v systemd-analyze >/dev/null; then
    sed 's,/usr/local/bin/worker,/bin/true,; s,^EnvironmentFile=,&-,' "$work/ini1" >"$work/worker.service"
    if systemd-analyze verify "$work/worker.service" >"$work/said" 2>&1; then
        echo "ok store: the systemd unit"
    else
        cat "$work/said"
        echo "not ok store: the systemd unit"
        failed=1
    fi
fi
if python3 -c 'import yaml' 2>/dev/null; then
    if python3 -c 'import sys, yaml; kinds = [one["kind"] for one in yaml.safe_load_all(open(sys.argv[1]))]; sys.exit(kinds != ["Secret", "Pod"])' "$work/yaml1"; then
        echo "ok store: the YAML"
    else
        echo "not ok store: the YAML"
        failed=1
    fi
fi
exit "$failed"
