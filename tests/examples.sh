#!/bin/sh
# The examples, as C99 and C11 with every warning an error; then run, each against a sandbox of its own, under the
# address sanitizer and with handles.h, which finds what was not freed. Then the demonstration, which has to fit a page.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
built=$(cd "$target/release" && pwd)
out=$target/examples-checked
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
suite=examples
. tests/verdict.sh

flags="-g -O1 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror"
compile() { # compiler standard example flags…
    compiler=$1 standard=$2 example=$3
    shift 3
    case $example in
        list_buckets | demo) libraries=-lcurl ;;
        *) libraries= ;;
    esac
    "$compiler" "-std=$standard" $flags "$@" -I include "examples-c/$example.c" -o "$out/$example" \
        -L "$built" -lb2auth -Wl,-rpath,"$built" $libraries -pthread
}

if packaging/need.sh libcurl >"$work/out" 2>&1; then
    names="authorize threads list_buckets demo"
else
    names="authorize threads"
    echo "SKIP examples: list_buckets, demo: $(tail -n 1 "$work/out")"
fi
for name in $names; do
    for cc in clang gcc; do
        command -v "$cc" >/dev/null || continue
        for std in c99 c11; do verdict "$name compiles, $cc $std" compile "$cc" "$std" "$name"; done
    done
    # The last one is what runs below.
    verdict "$name compiles with the sanitizer" compile gcc c11 "$name" \
        -fsanitize=address,undefined -include tests/c/handles.h
done

alone() { tests/with-sandbox.sh "$target/debug/b2-sandbox" sh -euc "$1" alone "$out"; }

verdict "authorize shows the four fields" alone '
    "$1/authorize" >"$1/said"
    cut -d" " -f1 "$1/said" | tr "\n" " " | grep -x "accountId apiUrl downloadUrl authorizationToken "
    grep -x "accountId  *4aa9865d6f00" "$1/said"'
verdict "authorize tells what is wrong and what to do" alone '
    if B2_APPLICATION_KEY=K001wrong "$1/authorize" 2>"$1/said"; then exit 1; fi
    grep "^error: " "$1/said"; grep "^hint: " "$1/said"'
verdict "authorize without a key says where it looked" alone '
    if env -u B2_APPLICATION_KEY -u B2_APPLICATION_KEY_ID "$1/authorize" 2>"$1/said"; then exit 1; fi
    grep "^error: .*B2_APPLICATION_KEY_ID" "$1/said"'
verdict "threads makes one request for 64 threads" alone '
    "$1/threads" | grep -x "64 threads, 64 of them with the same token"
    curl -fsS "$B2_SANDBOX/count" | grep -w 1'
case $names in *list_buckets*)
    verdict "list_buckets lists them" alone '
        "$1/list_buckets" >"$1/said"; grep "^200 " "$1/said"; grep my-bucket "$1/said"; curl -fsS "$B2_SANDBOX/count" | grep -w 1'
    verdict "list_buckets gets a new token for one that B2 refuses" alone '
        curl -fsS -d "{\"keyId\":\"*\",\"faults\":[{\"patch\":[{\"set\":{\"path\":\"/authorizationToken\",\"to\":\"4_bad\"}}]}]}" \
            "$B2_SANDBOX/script"
        "$1/list_buckets" >"$1/said"; grep "^200 " "$1/said"; grep my-bucket "$1/said"; curl -fsS "$B2_SANDBOX/count" | grep -w 2'
    verdict "demo tells the truth, and leaks nothing" alone '"$1/demo"'
    verdict "demo leaves out what only the sandbox can do" alone '
        env -u B2_SANDBOX "$1/demo" >"$1/said"; grep "against Backblaze B2" "$1/said"
        if grep "token expires" "$1/said"; then exit 1; fi'
    fits_a_page() {
        SANDBOX=$target/debug/b2-sandbox make --no-print-directory demo >"$work/story" 2>"$work/steps" || {
            cat "$work/steps" "$work/story"
            return 1
        }
        awk 'length($0) > 100 { exit 1 } END { if (NR > 40) exit 1 }' "$work/story"
    }
    verdict "make demo ends well and fits a page" fits_a_page
    says_what_happens() {
        for step in "looking for" "building the library, optimised" "building the demonstration" "running it against the test"; do
            grep "^==> $step.*" "$work/steps" || { echo "there is no step '$step'"; return 1; }
        done
    }
    verdict "make demo says what it does, and how long that takes" says_what_happens
    ;;
esac
# A compiler that finds no headers but the library's stands in for a machine without libcurl's.
without_libcurl() {
    make --no-print-directory --dry-run examples CPPFLAGS=-nostdinc >"$work/plan" &&
        grep "^list_buckets and demo are left out: libcurl's headers are missing" "$work/plan" &&
        grep -e '-o .*/examples-c/threads ' "$work/plan" && ! grep -e '-o .*/examples-c/demo ' "$work/plan"
}
rm -f "$target/examples-c/threads"
verdict "without libcurl's headers make examples builds the others" without_libcurl
exit "$failed"
