#!/bin/sh
# The command-line program: compiled as the examples are, then every flag and every exit status that a server can cause,
# under the address sanitizer and with handles.h, which finds what was not freed. Then its completions and its man page.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}

verdict() { # what command…: the command says in $why what is wrong
    what=$1 why=
    shift
    "$@" || why=${why:-it ended with $?}
    if [ -z "$why" ]; then
        echo "ok cli: $what"
    else
        echo "not ok cli: $what: $why"
        failed=1
    fi
}
wrong() { why=${why:-$1}; }
failed=0

# ---- compiling ----

if [ "${1:-}" != inside ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    out=$target/examples-checked
    built=$(cd "$target/release" && pwd)
    mkdir -p "$out"
    flags="-g -O1 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror"
    compile() { # compiler standard flags…
        compiler=$1 standard=$2
        shift 2
        "$compiler" "-std=$standard" $flags "$@" -I include cli/*.c -o "$out/b2auth" \
            -L "$built" -lb2auth -Wl,-rpath,"$built" >"$work/said" 2>&1 || wrong "$(cat "$work/said")"
    }
    for cc in clang gcc; do
        command -v "$cc" >/dev/null || continue
        for std in c99 c11; do verdict "compiles, $cc $std" compile "$cc" "$std"; done
    done
    verdict "compiles with the sanitizer" compile gcc c99 -fsanitize=address,undefined -include tests/c/handles.h
    if ! packaging/need.sh python3 >/dev/null; then
        echo "SKIP cli: the program at work: python3 is missing"
        exit "$failed"
    fi
    tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0" inside "$out/b2auth" || failed=1
    exit "$failed"
fi

# ---- running it, and looking ----

case $2 in /*) b2auth=$2 ;; *) b2auth=$PWD/$2 ;; esac
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Each leaves its output in the files out and err.
run() { # status arguments…
    expected=$1 status=0
    shift
    "$b2auth" "$@" >out 2>err </dev/null || status=$?
    is "the status of $*" "$expected" "$status"
}
feed() { # status request
    status=0
    printf '%s' "$2" | "$b2auth" - >out 2>err || status=$?
    is "the status of $2" "$1" "$status"
    is "stderr" "" "$(cat err)"
}
is() { [ "$2" = "$3" ] || wrong "$1 is '$3', not '$2'"; }
silent() { for file in "$@"; do [ ! -s "$file" ] || wrong "std$file has '$(head -n 1 "$file")'"; done; }
has() { grep -q -e "$2" "$1" || wrong "std$1 has no '$2', but '$(head -n 1 "$1")'"; }
lines() { is "the number of lines on std$2" "$1" "$(awk 'END { print NR }' "$2")"; }
no_token() { ! grep -q -e "4_0014" -e "$B2_APPLICATION_KEY" "$@" || wrong "there is a token or a key in $*"; }
json() { # condition on j, which is the JSON in file
    python3 -c '
import json, os, sys
e, j = os.environ, json.load(open(sys.argv[2]))
sys.exit(not eval(sys.argv[1]))' "$1" "${2:-out}" 2>trace || wrong "not so: $1, of $(head -c 300 "${2:-out}")"
}
control() { curl -fsS "$@" >/dev/null; }
faults() { control -d "{\"keyId\":\"*\",\"faults\":[$1]}" "$B2_SANDBOX/script"; }
requests() { curl -fsS "$B2_SANDBOX/count" | tr -cd 0-9; }

for part in output asking doctor store statuses requests help completions; do . "$source/tests/cli/$part.sh"; done
exit "$failed"
