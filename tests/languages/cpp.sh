#!/bin/sh
# cpp.sh PREFIX SANDBOX [--all]: b2auth.hpp as it is installed in PREFIX, with SANDBOX as the server. Compiled for the
# oldest standard, the newest and one between, by gcc and clang, with and without exceptions and RTTI, and run under the
# sanitizers; with --all for every standard, and run each time. Then the examples, the code blocks of
# docs/languages/cpp.md, static linking and the module map.
set -eu
[ $# -ge 2 ] || { echo "usage: cpp.sh PREFIX SANDBOX [--all]" >&2; exit 2; }
prefix=$(cd "$1" && pwd)
sandbox=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
all=${3:-}
cd "$(dirname "$0")/../.."
source=$PWD/bindings/cpp
with_sandbox=$PWD/tests/with-sandbox.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packaging/need.sh g++ clang-16 pkg-config curl libcurl 2>"$work/need" || true
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
include=$(pkg-config --cflags b2auth)
link="$(pkg-config --libs b2auth) -pthread"
. tests/verdict.sh

run() { # program label: a test program prints its own verdicts
    if ! "$with_sandbox" "$sandbox" "$@"; then failed=1; fi
}

if ! command -v g++ >/dev/null; then
    echo "SKIP cpp: there is no g++ (Debian: g++)"
    exit 0
fi

# ---- every standard ----

gcc_warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
# No header for C++11 can do without what these warn of: features that C++98 lacks, pointers that C gave, members that need
# padding, language that a standard older than the one compiled for lacks.
clang_warnings="-Weverything -Werror -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-unsafe-buffer-usage -Wno-padded
    -Wno-pre-c++14-compat -Wno-pre-c++17-compat -Wno-pre-c++20-compat-pedantic -Wno-unknown-warning-option"

clang=
for name in clang++-16 clang++-19 clang++; do
    if command -v "$name" >/dev/null; then
        clang=$name
        break
    fi
done

compile() { # compiler standard flags…: all test programs, without a warning
    compiler=$1 standard=$2
    shift 2
    case $compiler in
        g++*) warnings=$gcc_warnings ;;
        *) warnings=$clang_warnings ;;
    esac
    for program in behaviour cancel; do
        if [ -n "$all" ]; then
            "$compiler" "-std=$standard" "$@" $warnings $include "$source/tests/$program.cpp" -o "$work/$program" $link
        else
            "$compiler" "-std=$standard" "$@" $warnings $include -fsyntax-only "$source/tests/$program.cpp"
        fi || return
    done
}

each_way() { # compiler standard flags…
    verdict "cpp: $* compiles" compile "$@"
    if [ -n "$all" ]; then
        run "$work/behaviour" "cpp $*"
        run "$work/cancel" "cpp $*"
    fi
}

standards="c++11 c++17 c++2b"
[ -z "$all" ] || standards="c++11 c++14 c++17 c++20 c++2b"
for compiler in g++ $clang; do
    for standard in $standards; do
        each_way "$compiler" "$standard"
        each_way "$compiler" "$standard" -fno-exceptions -fno-rtti
        # One without the other at the ends: what lies between has nothing of its own for them.
        case $all,$standard in
            --all,c++11 | --all,c++2b)
                each_way "$compiler" "$standard" -fno-exceptions
                each_way "$compiler" "$standard" -fno-rtti
                ;;
        esac
    done
done
[ -n "$clang" ] || echo "SKIP cpp: clang: there is no clang++ (Debian: clang-16)"

# ---- run, under the sanitizers ----

sanitize="-g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
sanitized() { # standard program flags…
    standard=$1 program=$2
    shift 2
    rm -f "$work/$program"
    verdict "cpp: $program builds with sanitizers as $standard${*:+ $*}" \
        g++ "-std=$standard" "$@" $sanitize $include "$source/tests/$program.cpp" -o "$work/$program" $link
    if [ -x "$work/$program" ]; then run "$work/$program" "cpp $standard sanitized"; fi
}

sanitized c++11 behaviour -fno-exceptions -fno-rtti
sanitized c++20 behaviour
sanitized c++20 cancel

two_units() {
    g++ -std=c++11 -fno-exceptions $include -DSECOND_UNIT -c "$source/tests/linkage.cpp" -o "$work/second.o" &&
        g++ -std=c++20 $include "$source/tests/linkage.cpp" "$work/second.o" -o "$work/linkage" $link
}
verdict "cpp: two units of different standards link" two_units
run "$work/linkage" "cpp linkage"

# ---- the examples, the document ----

five_lines() {
    g++ -std=c++11 $gcc_warnings $include "$source/examples/authorize.cpp" -o "$work/authorize" $link &&
        "$with_sandbox" "$sandbox" "$work/authorize" | grep '^4aa9865d6f00 http://127.0.0.1:'
}
verdict "cpp: the example authorize" five_lines

# The first token that B2 gives is none that it accepts, so the example has to get a second one.
cat >"$work/expired" <<'EOF'
set -eu
fault='{"keyId": "*", "faults": [{"patch": [{"set": {"path": "/authorizationToken", "to": "4_no_longer_good"}}]}]}'
curl -sSf "$B2_SANDBOX/script" -d "$fault" >/dev/null
"$1" | tr -d '\n ' | grep '^200{"buckets":'
curl -sSf "$B2_SANDBOX/count" | grep '"count": 2'
EOF
# shellcheck disable=SC2046 # flags, several of them
dead_token() {
    g++ -std=c++17 $gcc_warnings $include "$source/examples/list_buckets.cpp" -o "$work/list_buckets" $link \
        $(pkg-config --cflags --libs libcurl) &&
        "$with_sandbox" "$sandbox" sh "$work/expired" "$work/list_buckets"
}
if pkg-config --exists libcurl && command -v curl >/dev/null; then
    verdict "cpp: the example list_buckets replaces a dead token once" dead_token
else
    echo "SKIP cpp: the example list_buckets: there is no libcurl, or no curl (Debian: libcurl4-openssl-dev, curl)"
fi

# Programs go to the file that their first line names; then the commands are run in their order.
mkdir "$work/page"
awk -v page="$work/page" '
    /^```cpp$/ { getline; file = page "/" $2; print > file; next }
    /^```sh$/  { file = sprintf("%s/%02d.sh", page, ++count); next }
    /^```/     { file = ""; next }
    file != "" { print > file }' docs/languages/cpp.md
for block in "$work"/page/*.sh; do
    what="cpp: the page: $(grep -o '[a-z]*\.cpp' "$block" | head -n 1)$(grep -o ' -o [a-z-]*' "$block" | head -n 1)"
    (cd "$work/page" && verdict "$what" "$with_sandbox" "$sandbox" sh -eu "$block" && exit "$failed") || failed=1
done

# ---- modules ----

modules() {
    mkdir -p "$work/modules" &&
        printf '#include <b2auth.h>\nint main(void) { return b2_counter("requests") == 0 ? 0 : 1; }\n' >"$work/module.c" &&
        "${clang%++*}${clang#*++}" -fmodules -fmodules-cache-path="$work/modules" -Weverything -Werror $include \
            "$work/module.c" -o "$work/module" $link && # ELF linkers but lld do not read the module's "link"
        "$work/module" && find "$work/modules" -name 'CB2Auth-*.pcm' | grep -q .
}
if [ -n "$clang" ]; then
    verdict "cpp: the module CB2Auth" modules
fi
exit "$failed"
