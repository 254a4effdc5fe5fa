#!/bin/sh
# Hosts with an allocator of their own, which has hooks around a fork as the library has: a C program with jemalloc linked
# into it, against the library as it is shipped, and a Rust program with tikv-jemallocator, against the crate.
#
#   tests/allocators.sh SANDBOX
set -u
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
sandbox=$1
out=$target/tests-allocators
mkdir -p "$out"
failed=0

# check NAME COMMAND…
check() {
    name=$1
    shift
    if timeout 180 tests/with-sandbox.sh "$sandbox" "$@"; then
        echo "ok allocators: $name"
    else
        echo "not ok allocators: $name"
        failed=1
    fi
}

skip() {
    echo "SKIP allocators: $1"
    [ "${CI:-}" != true ] || failed=1
}

if packaging/need.sh libjemalloc >/dev/null 2>&1; then
    if cc -std=c99 -O1 -g -D_DEFAULT_SOURCE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror \
        -I include tests/allocators/forks.c -o "$out/forks" -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" \
        -Wl,-u,malloc -Wl,-Bstatic -ljemalloc -Wl,-Bdynamic -lm -lstdc++ -pthread -ldl; then
        check "C with jemalloc, forks before the first call" "$out/forks" before 50
        check "C with jemalloc, forks among 8 busy threads" "$out/forks" among 1000
    else
        echo "not ok allocators: C with jemalloc builds"
        failed=1
    fi
else
    skip "no libjemalloc.a (Debian, Ubuntu: apt-get install libjemalloc-dev)"
fi

if cargo build --locked --manifest-path tests/allocators/Cargo.toml --target-dir "$target/allocators"; then
    host=$target/allocators/debug/b2auth-allocator-host
    check "Rust with jemalloc, forks before the first call" "$host" before 50
    check "Rust with jemalloc, forks among 8 busy threads" "$host" among 300
else
    echo "not ok allocators: Rust with jemalloc builds"
    failed=1
fi
exit "$failed"
