#!/usr/bin/env bash
# swift.sh PREFIX SANDBOX [--all]: the Swift package against an installed library: built without a warning, its tests by
# swift-testing and XCTest, its example, and its page's programs; with --all also optimised and under the thread and address
# sanitizers. By the machine's Swift if that is 6.0 or later, else by Debian's in a root of Debian 13 below target, which root
# makes there once (some minutes, 3 GB).
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: swift.sh PREFIX SANDBOX [--all]" >&2; exit 2; }
cd "$(dirname "$0")/../.."
prefix=$(realpath "$1")
sandbox=$(realpath "$2")
all=${3:-}
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
kept=$(realpath "${CARGO_TARGET_DIR:-target}/languages")
work=$kept/swift
package=$PWD/bindings/swift
with_sandbox=$PWD/tests/with-sandbox.sh
inside=$PWD/tests/languages/inside.sh
export B2_TEST_PLACES="$PWD $kept $prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
rm -rf "$work"
mkdir -p "$work"
suite=swift
. tests/verdict.sh
skip() {
    echo "SKIP swift: $1"
    exit 0
}

# ---- a toolchain ----

recent() { [ "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p')" -ge 6 ] 2>/dev/null; }

if recent; then
    root=/
elif [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    skip "there is no Swift 6.0 or later (https://www.swift.org/install)"
else
    root=$(tests/languages/root.sh swiftlang swiftlang-dev libc6-dev libstdc++-14-dev pkgconf git ca-certificates \
        2>"$work/need") || skip "$(tail -n 1 "$work/need")"
fi
inside() { "$inside" "$root" "$@"; }
inside "$package" swift --version 2>/dev/null | grep -o 'Swift version [0-9.]*' | head -n 1

# ---- the package ----

# The option "fields" is of the JSON action, which has no options but those in its text.
every_option() {
    sed -n 's/^ *name: "\([a-z_]*\)",$/\1/p' src/options/table.rs | grep -vx fields >"$work/options" &&
        [ "$(wc -l <"$work/options")" -ge 20 ] &&
        while read -r name; do
            grep -q "add(\"$name\"" "$package/Sources/B2Auth/Options.swift" &&
                grep -q "\"$name\"" "$package/Tests/B2AuthTests/OptionTests.swift" ||
                { echo "Options.swift or its test lacks $name" && return 1; }
        done <"$work/options"
}
verdict "a property for every option of the library" every_option

build() { # scratch-directory flag…
    local scratch=$1
    shift
    inside "$package" nice swift build --build-tests --scratch-path "$kept/$scratch" -Xswiftc -warnings-as-errors "$@"
}
tests() { # name scratch-directory flag…: a line for each test
    local name=$1 scratch=$2 status=0
    shift 2
    if ! build "$scratch" "$@" >"$work/why" 2>&1; then
        grep -E 'error:|warning:' "$work/why" | sort -u || tail -n 20 "$work/why"
        echo "not ok $name: builds without a warning"
        failed=1
        return
    fi
    echo "ok $name: builds without a warning"
    "$with_sandbox" "$sandbox" "$inside" "$root" "$package" nice swift test --skip-build --scratch-path "$kept/$scratch" "$@" \
        >"$work/tests" 2>&1 || status=$?
    sed -n "s/^Test Case '\(.*\)' passed .*/ok $name: \1/p; s/^Test Case '\(.*\)' failed .*/not ok $name: \1/p
        s/^Test Case '\(.*\)' skipped .*/SKIP $name: \1: it says why in its log/p
        s/^. Test \(.*\) passed after .*/ok $name: \1/p; s/^. Test \(.*\) failed after .*/not ok $name: \1/p
        s/^. \(Suite\|Test\) \(.*\) skipped.*/SKIP $name: \2: it says why in its log/p" "$work/tests" | grep -v ' run with ' || true
    if [ "$status" != 0 ]; then
        tail -n 200 "$work/tests"
        echo "not ok $name: the tests"
        failed=1
    fi
}
tests swift swift-build
if [ -n "$all" ]; then
    tests "swift optimised" swift-release -c release -Xswiftc -enable-testing
    tests "swift, thread sanitizer" swift-thread --sanitize=thread
    # What Foundation, its libcurl and XCTest keep until the process ends is theirs; the library's own handles are looked at.
    printf 'leak:%s\n' libcurl.so libFoundation libXCTest.so libswift >"$work/not-ours"
    export LSAN_OPTIONS="suppressions=$work/not-ours:print_suppressions=0"
    tests "swift, address sanitizer" swift-address --sanitize=address
    unset LSAN_OPTIONS
fi

# ---- the example, the page ----

# The first token that B2 gives is none that it accepts, so the example has to get a second one.
cat >"$work/expired" <<'SH'
set -eu
fault='{"keyId": "*", "faults": [{"patch": [{"set": {"path": "/authorizationToken", "to": "4_no_longer_good"}}]}]}'
curl -sSf "$B2_SANDBOX/script" -d "$fault" >/dev/null
"$@" | grep -x my-bucket
curl -sSf "$B2_SANDBOX/count" | grep '"count": 2'
SH
example() { "$with_sandbox" "$sandbox" sh "$work/expired" "$inside" "$root" "$package" "$kept/swift-build/debug/list-buckets"; }
if packaging/need.sh curl 2>"$work/need"; then
    verdict "the example list-buckets replaces a dead token once" example
else
    echo "SKIP swift: the example list-buckets: $(tail -n 1 "$work/need")"
fi

# Files go to the path that their first line names; then the commands are run in their order.
page=$work/page
mkdir -p "$page" "$kept/swift-page"
ln -s "$kept/swift-page" "$page/.build" # what a second run need not build again
awk -v page="$page" '
    /^```swift$/ { getline; file = page "/" $2; dir = file; sub("/[^/]*$", "", dir); system("mkdir -p " dir); print > file; next }
    /^```sh$/    { file = sprintf("%s/%02d.sh", page, ++count); next }
    /^```/       { file = ""; next }
    file != ""   { print > file }' docs/languages/swift.md
export B2AUTH=$PWD
for block in "$page"/*.sh; do
    verdict "the page: $(grep -o 'swift [a-z]* *[a-z-]*' "$block" | head -n 1)" \
        "$with_sandbox" "$sandbox" "$inside" "$root" "$page" sh -eu "$block"
done
exit "$failed"
