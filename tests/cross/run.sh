#!/usr/bin/env bash
# run.sh TARGET…, or --all: builds the library for other systems (packaging/cross/build.sh), looks at what came out, and runs the
# scenario with it: loaded while the program runs, linked, and linked statically.
#
#   linux-*     in a Debian 11 root for this machine's kind of processor, by qemu for others
#   musl-*      in a root that holds nothing else but, for the shared library, musl's loader
#   windows-*   in a Debian 13 root by Wine
#   macos-*     not run: only looked at
#
# Builds are without link-time optimisation unless FULL=1. KEEP=1 takes what was built before.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/targets.sh
root=$PWD
target_dir=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TARGET_DIR=$target_dir
base=$target_dir/cross
sandbox=$target_dir/debug/b2-sandbox
zig=("$target_dir/tools/zig/bin/python" -m ziglang)
export ZIG_GLOBAL_CACHE_DIR=$base/zig-cache ZIG_LOCAL_CACHE_DIR=$base/zig-cache
warnings=(-std=gnu99 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror)
failed=0
mkdir -p "$base"
. tests/cross/linux.sh
. tests/cross/windows.sh
. tests/cross/macos.sh

# Prints the lines of a suite with this target before each; a suite that ends without one has failed.
suite() { # name command…
    local what=$1 status=0
    shift
    "$@" >"$work/out" 2>&1 </dev/null || status=$?
    sed -n "s/^\(ok\|not ok\|SKIP\) /\1 $name: $what: /p" "$work/out"
    if grep -q '^SKIP ' "$work/out"; then skipped; fi
    if grep -q '^not ok ' "$work/out" || [[ $status != 0 ]] || ! grep -qE '^(ok|SKIP) ' "$work/out"; then
        failed=1
        sed 's/^/    /' "$work/out"
        grep -q '^not ok ' "$work/out" || echo "not ok $name: $what: it ended with status $status"
    fi
}

skip() {
    echo "SKIP $name: $1"
    skipped
}

# As in all suites a skip is a failure with CI=true.
skipped() { [[ ${CI:-} != true ]] || failed=1; }

# A command that prints nothing of its own, as one test.
check() { # what command…
    local what=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "ok $name: $what"
    else
        sed 's/^/    /' "$work/out"
        echo "not ok $name: $what"
        failed=1
    fi
}

[[ -x $sandbox ]] || cargo build --quiet --locked -p b2-sandbox
packaging/need.sh curl python3 readelf || {
    echo "SKIP cross: a tool is missing"
    [[ ${CI:-} != true ]]
    exit
}

if [[ ${1:-} = --all ]]; then set -- $RELEASED $TESTED; fi
for target in "$@"; do
    describe "$target" || { echo "run.sh: unknown target $target; known are: $RELEASED $TESTED" >&2; exit 1; }
    tree=$base/$name
    started=$SECONDS
    if [[ ${KEEP:-} != 1 || ! -d $tree/lib ]]; then
        if ! FAST=$([[ ${FULL:-} = 1 ]] && echo 0 || echo 1) packaging/cross/build.sh "$name" >"$base/$name.out" 2>&1; then
            tail -n 25 "$base/$name.out" | sed 's/^/    /'
            reason=$(tail -n 1 "$base/$name.out")
            if [[ $reason == "to build "* ]]; then skip "$reason"; else echo "not ok $name: it builds"; failed=1; fi
            continue
        fi
    fi
    echo "ok $name: it builds ($((SECONDS - started)) s)"
    started=$SECONDS
    work=$(mktemp -d "$base/run.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    run_"$kind"
    rm -rf "$work"
    echo "    $name: run in $((SECONDS - started)) s"
done
exit "$failed"
