#!/usr/bin/env bash
# run.sh TARGET…, or --all: builds the library for other systems (packaging/cross/build.sh), looks at what came out, and runs the
# scenario with it: loaded while the program runs, linked, and linked statically.
#
#   linux-*     in a Debian 11 root for this machine's kind of processor, by qemu for others
#   musl-*      in a root that holds nothing else but, for the shared library, musl's loader
#   windows-*   in a Debian 13 root by Wine
#   macos-*     not run: only looked at
#
# Builds are quick ones (Cargo.toml: profile.cross) unless FULL=1. KEEP=1 takes what was built before. JOBS=2 targets are worked on at
# the same time; what is said of a target comes when it is through.
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
    "$@" >"$work/out" 2>&1 </dev/null 8>&- || status=$?
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

[[ -x $sandbox ]] || cargo build --quiet --locked -p b2-sandbox
packaging/need.sh curl python3 readelf || {
    echo "SKIP cross: a tool is missing"
    [[ ${CI:-} != true ]]
    exit
}

# Builds and runs one target.
target() { # name
    local started=$SECONDS
    describe "$1"
    tree=$base/$name
    if [[ ${KEEP:-} != 1 || ! -d $tree/lib ]]; then
        if ! FAST=$([[ ${FULL:-} = 1 ]] && echo 0 || echo 1) packaging/cross/build.sh "$name" >"$base/$name.out" 2>&1; then
            tail -n 25 "$base/$name.out" | sed 's/^/    /'
            local reason
            reason=$(tail -n 1 "$base/$name.out")
            if [[ $reason == "to build "* ]]; then skip "$reason"; else echo "not ok $name: it builds"; failed=1; fi
            return
        fi
    fi
    echo "ok $name: it builds ($((SECONDS - started)) s)"
    started=$SECONDS
    work=$(mktemp -d "$base/run.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # Programs wait more than they compute, but their deadlines do not bear much company.
    exec 8>"$base/running.lock"
    flock 8
    run_"$kind"
    exec 8>&-
    echo "    $name: run in $((SECONDS - started)) s"
}

# In a shell of its own; what it says is printed in one piece.
work_on() { # name
    local said=$base/$1.said
    # shellcheck disable=SC2064
    trap "ended $1 \$?" EXIT
    # What failed before is not this one's.
    (failed=0; target "$1"; exit "$failed") >"$said" 2>&1 </dev/null
}

ended() { # name status
    if [[ $2 != 0 ]] && ! grep -qE '^(not ok|SKIP) ' "$base/$1.said"; then
        echo "not ok $1: it ended with status $2" >>"$base/$1.said"
    fi
    cat "$base/$1.said"
}

one_ends() {
    local pid at
    while :; do
        wait -n -p pid "${left[@]}" || [[ $pid = "$roots" ]] || failed=1
        for at in "${!left[@]}"; do
            [[ ${left[at]} != "$pid" ]] || unset "left[at]"
        done
        [[ $pid = "$roots" ]] || break
    done
    running=$((running - 1))
}

if [[ ${1:-} = --all ]]; then set -- $RELEASED $TESTED; fi
for target in "$@"; do
    describe "$target" || { echo "run.sh: unknown target $target; known are: $RELEASED $TESTED" >&2; exit 1; }
done

# Each in a process group, which ends with this script.
set -m
left=()
trap 'for pid in "${left[@]}"; do kill -- "-$pid" 2>/dev/null || true; done; wait' EXIT
trap 'exit 1' HUP INT TERM

# What has to be fetched is, while the first builds run. A target that needs it waits for it, and says why it is not there.
for target in "$@"; do
    case $target in
        windows-x86_64) tests/roots.sh wine ;;
        windows-i686) tests/roots.sh wine32 ;;
        linux-"$(uname -m)") tests/roots.sh old ;;
    esac || true
done >"$base/roots.out" 2>&1 </dev/null &
roots=$!

running=0
left=("$roots")
for target in "$@"; do
    [[ $running -lt ${JOBS:-2} ]] || one_ends
    work_on "$target" &
    left+=($!)
    running=$((running + 1))
done
while [[ $running != 0 ]]; do one_ends; done
wait "$roots" || true
if [[ " $* " == *" macos-arm64 "* && " $* " == *" macos-x86_64 "* && -d $base/macos-arm64/lib && -d $base/macos-x86_64/lib ]]; then
    universal
fi
exit "$failed"
