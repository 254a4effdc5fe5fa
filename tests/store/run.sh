#!/bin/bash
# Token stores beyond the Rust tests: the recipes that the documents show, and a fleet of 1,000 machines. With --all at length:
#
#   64 processes at once, 20 times, and 20 times with a disk on which fsync takes 30 ms
#   a fleet for which B2 takes 5 s and 12 s, and one that refreshes all the time
#   all of it, the Rust tests included, with Valkey in the place of Redis
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0
tests/store/recipes.sh || failed=1
tests/store/fleet.sh ${1:+"$1"} || failed=1
[[ ${1:-} = --all ]] || exit "$failed"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
abi() { # what test…: those of the Rust tests
    local what=$1
    shift
    if cargo test --locked --features test-hooks --test abi -- "$@" >"$work/log" 2>&1; then
        echo "ok store: $what: $(sed -n 's/^test result: ok\. \([0-9]* passed\).*/\1/p' "$work/log")"
    else
        cat "$work/log"
        echo "not ok store: $what"
        failed=1
    fi
    grep '^SKIP' "$work/log" || true
}
at_once=store_processes::many_processes_make_one_request_and_then_none
B2AUTH_STORE_RUNS=20 abi "64 processes at once, 20 times" "$at_once"
if packaging/need.sh cc >"$work/need" && cc -shared -fPIC -O1 tests/store/preloaded.c -o "$work/preloaded.so" -ldl; then
    runner=CARGO_TARGET_$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)_RUNNER
    export "$runner=env LD_PRELOAD=$work/preloaded.so"
    B2AUTH_STORE_RUNS=20 abi "64 processes at once, 20 times, on a slow disk" "$at_once"
    unset "$runner"
else
    echo "SKIP store: a slow disk: $(cat "$work/need")"
fi

# ---- Valkey ----

if valkey=$(command -v valkey-server); then
    true
elif root=$(tests/roots.sh valkey 2>"$work/need"); then
    # Its loader runs it where it lies, so that paths and addresses are this system's.
    loader=$(find "$root/lib64/" "$root/lib/" -maxdepth 1 -name 'ld-linux*' | head -n 1)
    libraries=$(dirname "$(find "$root/usr/lib" -name 'libc.so.6' | head -n 1)")
    valkey=$work/valkey-server
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$libraries" "$root/usr/bin/valkey-server" >"$valkey"
    chmod +x "$valkey"
else
    echo "SKIP store: Valkey: $(tail -n 1 "$work/need")"
    exit "$failed"
fi
export B2AUTH_REDIS_SERVER=$valkey
"$valkey" --version
abi "with Valkey, the Rust tests" store_
tests/store/fleet.sh | sed 's/^\(ok\|not ok\) store: /\1 store: with Valkey: /' || failed=1
exit "$failed"
