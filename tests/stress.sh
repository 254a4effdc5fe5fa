#!/bin/sh
# The stress test: tests/stress, while libfaketime steps the machine's clock forward and back.
#
#   tests/stress.sh [SECONDS]        a minute, against the library as the tests build it
#   tests/stress.sh soak [SECONDS]   an hour, against the library as it is shipped but for the hooks
#
# A debug build finds overflows and failed assertions; the shipped build has the speed and the memory that users have.
# STRESS_SEED=… repeats the choices of a run.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
name=stress
seconds=60
if [ "${1:-}" = soak ]; then
    name=soak
    seconds=3600
    shift
fi
STRESS_SECONDS=${1:-$seconds}
export STRESS_SECONDS

# It runs copies, so that a build during the run does not disturb it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

cargo build --locked --workspace --features test-hooks
program=$(cargo test --locked --workspace --features test-hooks --test stress --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*stress-[^"]*\)".*/\1/p')
library=$target/debug/deps/libb2auth.so
if [ "$name" = soak ]; then
    cargo rustc --release --locked --features c-library,test-hooks --lib --crate-type cdylib --target-dir "$target/soak"
    library=$target/soak/release/libb2auth.so
    STRESS_SOAK=1
    export STRESS_SOAK
fi
cp "$program" "$work/stress"
cp "$library" "$work/libb2auth.so"
cp "$target/debug/b2-sandbox" "$work/"
STRESS_LIBRARY=$work/libb2auth.so
STRESS_SANDBOX=$work/b2-sandbox
export STRESS_LIBRARY STRESS_SANDBOX

# Blocks in a thread's own cache would count as allocated.
GLIBC_TUNABLES=glibc.malloc.tcache_count=0
export GLIBC_TUNABLES

# libfaketimeMT is not used: it has a lock that a fork leaves held in the child.
packaging/need.sh faketime >/dev/null 2>&1 || true
faketime=
for folder in /usr/lib/*/faketime /usr/lib/faketime /usr/local/lib/faketime; do
    [ -e "$folder/libfaketime.so.1" ] && faketime=$folder/libfaketime.so.1
done
if [ -z "$faketime" ]; then
    echo "SKIP $name: steps of the machine's clock: libfaketime is missing (Debian, Ubuntu: apt-get install faketime)"
    "$work/stress"
    exit
fi
echo "+0" >"$work/clock"
# The monotonic clocks stay real. libfaketime reads the file once a second only: each read opens a descriptor, and
# descriptors are counted.
LD_PRELOAD=$faketime FAKETIME_TIMESTAMP_FILE=$work/clock FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1 \
    "$work/stress"
