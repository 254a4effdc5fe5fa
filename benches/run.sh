#!/usr/bin/env bash
# run.sh: every bench in turn, with the library, the sandbox and the programs that `make bench` has built, and their results into
# docs/. One that fails is named, and the others are run all the same.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
results=$target/bench/results sandbox=$target/debug/b2-sandbox
mkdir -p "$target/bench"
packaging/need.sh python3 pkg-config libcurl libjson-c redis-server python3-venv >"$target/bench/need" 2>&1 || cat "$target/bench/need"
# Nobody's own proxy or server stands in the way.
for name in $(compgen -e | grep -E '^B2_|^SSL_CERT_|_(proxy|PROXY)$'); do unset "$name"; done

failed=
run() { # name command…
    local name=$1 since=$SECONDS
    shift
    "$@" || failed="$failed $name"
    echo "# $name: $((SECONDS - since)) s"
}
machine() {
    printf 'bench machine processor=%s cores=%s system=%s compiler=%s date=%s\n' \
        "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1 | tr -s ' ' '~' | grep . || uname -m)" "$(nproc)" \
        "$(uname -sr | tr ' ' '~')" "$(rustc --version | sed 's/ (.*//; s/ /~/')" "$(date -u +%F)"
}
# Not by way of a pipe, so that what failed is known here.
all() {
    machine
    # In the environment the sandbox's key stands under the usual names; as arguments it is no secret.
    # shellcheck disable=SC2016
    run hit tests/with-sandbox.sh "$sandbox" sh -c '"$1" "$B2_APPLICATION_KEY_ID" "$B2_APPLICATION_KEY"' sh "$target/hit"
    run cache benches/cache.sh "$sandbox" "$target/cache" 60000 64
    run start benches/start.sh
    run batch benches/batch.sh
    run crowd benches/crowd.sh
    run store tests/with-sandbox.sh "$sandbox" benches/store.sh "$target/store" 300
    run borders benches/borders.sh
}
rm -f "$results"
all > >(tee "$results")
wait $!
python3 benches/report.py "$results"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
