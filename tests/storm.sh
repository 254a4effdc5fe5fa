#!/bin/sh
# The storm: tests/storm, with the machine's clock set forward and back by libfaketime meanwhile.
#
#   tests/storm.sh [SECONDS]        a minute, against the library as the tests build it
#   tests/storm.sh soak [SECONDS]   an hour, against the library as it is shipped but for the hooks
#
# A debug build finds an overflow and a broken assertion; the shipped one has the speed and the memory that users have.
# STORM_SEED=… repeats the choices of a run.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
name=storm
seconds=60
if [ "${1:-}" = soak ]; then
    name=soak
    seconds=3600
    shift
fi
STORM_SECONDS=${1:-$seconds}
export STORM_SECONDS

# It works on copies, so that a build meanwhile does not disturb it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

cargo build --locked --workspace --features test-hooks
program=$(cargo test --locked --workspace --features test-hooks --test storm --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*storm-[^"]*\)".*/\1/p')
library=$target/debug/deps/libb2auth.so
if [ "$name" = soak ]; then
    cargo rustc --release --locked --features c-library,test-hooks --lib --crate-type cdylib --target-dir "$target/soak"
    library=$target/soak/release/libb2auth.so
    STORM_SOAK=1
    export STORM_SOAK
fi
cp "$program" "$work/storm"
cp "$library" "$work/libb2auth.so"
cp "$target/debug/b2-sandbox" "$work/"
STORM_LIBRARY=$work/libb2auth.so
STORM_SANDBOX=$work/b2-sandbox
export STORM_LIBRARY STORM_SANDBOX

# Blocks that each thread keeps for itself would count as allocated.
GLIBC_TUNABLES=glibc.malloc.tcache_count=0
export GLIBC_TUNABLES

# Its other form, for programs with threads, has a lock that a fork leaves held in the child.
packaging/need.sh faketime >/dev/null 2>&1 || true
faketime=
for folder in /usr/lib/*/faketime /usr/lib/faketime /usr/local/lib/faketime; do
    [ -e "$folder/libfaketime.so.1" ] && faketime=$folder/libfaketime.so.1
done
if [ -z "$faketime" ]; then
    echo "SKIP $name: steps of the machine's clock: libfaketime is missing (Debian, Ubuntu: apt-get install faketime)"
    "$work/storm"
    exit
fi
echo "+0" >"$work/clock"
# The two clocks that only run are left alone. It looks into the file once a second: each look opens it, and descriptors
# are counted.
LD_PRELOAD=$faketime FAKETIME_TIMESTAMP_FILE=$work/clock FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1 \
    "$work/storm"
