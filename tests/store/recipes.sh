#!/bin/bash
# The recipes of the README and of docs/stores.md, run against a sandbox, with their requests counted there; the one for a
# fleet against a Redis that has the user, the rights and the kind of URL that it shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
if [[ -z ${B2_SANDBOX:-} ]]; then exec tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0"; fi
missing=$(packaging/need.sh cc curl python3 openssl redis-server) ||
    { echo "SKIP store: the recipes: $missing" | tr '\n' ' '; echo; exit 0; }
# shellcheck source=tests/store/redis.sh
. tests/store/redis.sh
work=$(mktemp -d)
trap 'stop_redis; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work
cc -std=c99 -D_POSIX_C_SOURCE=200809L -I include cli/*.c -o "$work/b2auth" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
PATH=$work:$PATH
failed=0

# The blocks of a page, by their kind and number: sh1, c1, sh2, acl1, ini1, yaml1. Of the README one section.
blocks() { # page folder
    mkdir "$2"
    awk -v folder="$2" '
        FILENAME == "README.md" && /^## / { other = $0 != "## Many processes, many machines" }
        other { next }
        /^```[a-z]+$/ { kind = substr($0, 4); file = folder "/" kind (++count[kind]); next }
        /^```/ { file = ""; next }
        file != "" { print >file }' "$1"
}
blocks docs/stores.md "$work/page"
blocks README.md "$work/readme"

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
passes() { # what command…
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok store: $what"
    else
        cat "$work/said"
        echo "not ok store: $what"
        failed=1
    fi
}

# ---- one machine ----

cron() { for _ in 1 2 3 4 5; do sh -eu "$work/$1/sh1"; done; }
requests_of "five runs of a cron job" 1 cron page
rm -r "$work/b2auth-tokens"
requests_of "five runs of the README's cron job" 1 cron readme
rm -r "$work/b2auth-tokens"

workers() {
    grep -v '^cc ' "$work/page/sh2" >"$work/run"
    cp "$work/page/c1" "$work/workers.c"
    cc -std=c99 -D_POSIX_C_SOURCE=200809L -I include "$work/workers.c" -o "$work/workers" \
        -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
    (cd "$work" && sh -eu run && sh -eu run)
}
requests_of "eight workers, twice" 1 workers
rm -r "$work/b2auth-tokens"
eight() { sh -eu "$work/readme/sh2" && sh -eu "$work/readme/sh2"; }
requests_of "the README's eight workers, twice" 1 eight

look() {
    sh -eu "$work/page/sh3" >"$work/list"
    grep -q ': 1 record, [0-9]* bytes; 0 dead, 0 removed' "$work/list" || { cat "$work/list"; return 1; }
}
requests_of "a look into that store" 0 look

# ---- a fleet ----

make_certificates "$work"
tls_port=$(free_port)
# The user alone may log in, with the rights that the page shows.
for page in page readme; do
    printf 'user default off\n' >"$work/$page/users"
    cat "$work/$page/acl1" >>"$work/$page/users"
done
passes "the README's ACL line is the page's" cmp "$work/readme/acl1" "$work/page/acl1"
start_redis "$work" --tls-port "$tls_port" --tls-auth-clients no --tls-cert-file "$work/server.pem" \
    --tls-key-file "$work/server.key" --tls-ca-cert-file "$work/ca.pem" --aclfile "$work/page/users"

# The URL of each recipe, with this server's address and CA in the place of the example's.
here() { sed "s,@[a-z.]*:6379,@localhost:$tls_port,; s,ca_file=[^ \"}]*,ca_file=$work/ca.pem,"; }
urls() {
    for page in page readme; do
        sed -n 's/^# Has a line: B2_TOKEN_STORE=//p' "$work/$page/ini1"
        sed -n 's/^.*url: "\{0,1\}\(rediss:[^"}]*\).*/\1/p' "$work/$page/yaml1"
    done | here
}
fleet() {
    [[ $(urls | wc -l) = 4 ]] || { urls; return 1; }
    for url in $(urls); do
        B2_TOKEN_STORE=$url b2auth --check --verbose 2>"$work/line" || { cat "$work/line"; return 1; }
        if grep -e CHANGE-ME -e 'cannot be used' "$work/line"; then return 1; fi
    done
}
requests_of "four machines of a fleet, by each URL that is shown" 1 fleet

for page in page readme; do
    if command -v systemd-analyze >/dev/null; then
        sed 's,/usr/local/bin/worker,/bin/true,; s,^EnvironmentFile=,&-,' "$work/$page/ini1" >"$work/worker.service"
        passes "the systemd unit of the $page" systemd-analyze verify "$work/worker.service"
    fi
    if python3 -c 'import yaml' 2>/dev/null; then
        passes "the YAML of the $page" python3 -c '
import sys, yaml
secret, pod = yaml.safe_load_all(open(sys.argv[1]))
ref = pod["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]
sys.exit(ref["name"] != secret["metadata"]["name"] or ref["key"] not in secret["stringData"])' "$work/$page/yaml1"
    fi
done
exit "$failed"
