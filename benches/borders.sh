#!/usr/bin/env bash
# borders.sh: what a cached call and a getter cost from other languages, beside the same from C, with the
# library and the sandbox that are built. A language whose tools are missing is left out, and named. The lines are for report.py.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$target/borders
here=$PWD/benches/borders
mkdir -p "$work"
rm -rf "$target/stage"
make --no-print-directory install DESTDIR= PREFIX="$target/stage" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
export PKG_CONFIG_PATH=$target/stage/lib/pkgconfig LD_LIBRARY_PATH=$target/stage/lib
export B2AUTH_LIBRARY=$target/stage/lib/libb2auth.so B2AUTH_CDEF=$target/stage/include/b2auth.cdef.h

# shellcheck disable=SC2046
cc -std=c99 -O2 -D_POSIX_C_SOURCE=200809L $(pkg-config --cflags b2auth) "$here/border.c" -o "$work/c" $(pkg-config --libs b2auth)
programs=("C=$work/c")
add() { # name reason command build-command…: left out if the build fails
    local name=$1 reason=$2 command=$3
    shift 3
    if "$@" >"$work/log" 2>&1; then
        programs+=("$name=$command")
    else
        echo "SKIP $name: $reason: $(tail -n 1 "$work/log")"
    fi
}

# version TEXT…: a space and the first number in it, if there is one.
version() { grep -o '[0-9][0-9]*\(\.[0-9][0-9]*\)\?' <<<"$*" | sed -n '1s/^/ /p'; }
add "Go$(version "$(go version 2>/dev/null || true)"), cgo" "there is no go command" "$work/go" go build -o "$work/go" "$here/border.go"
java_home() {
    local home
    for home in ${JAVA_HOME:-} /usr/lib/jvm/* /opt/java/*; do
        [ -x "$home/bin/javac" ] || continue
        [ "$("$home/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')" -ge 22 ] && echo "$home" && return
    done
    return 1
}
java=$(java_home || true)
add "Java$(version "$("$java/bin/javac" -version 2>/dev/null || true)" | cut -d . -f 1), FFM" "there is no JDK 22 or later" "$java/bin/java --enable-native-access=ALL-UNNAMED -cp $work Border" \
    "$java/bin/javac" -d "$work" "$here/Border.java"
koffi() {
    [ -d "$work/node_modules/koffi" ] || npm install --silent --no-fund --no-audit --prefix "$work" koffi@3
}
add "Node$(version "$(node --version 2>/dev/null || true)" | cut -d . -f 1), koffi" "there is no npm, or no koffi" "node $here/border.js $work/node_modules/koffi" koffi
add "Python$(version "$(/usr/bin/python3 --version 2>/dev/null || true)"), cffi" "there is no cffi (Debian: python3-cffi)" "/usr/bin/python3 $here/border_cffi.py" /usr/bin/python3 -c 'import cffi'
add "Python$(version "$(python3 --version 2>/dev/null || true)"), ctypes" "there is no python3" "python3 $here/border_ctypes.py" python3 -c 'import ctypes'

command -v python3 >/dev/null || { echo "SKIP: there is no python3, which compares them"; exit 0; }
tests/with-sandbox.sh "$target/debug/b2-sandbox" python3 "$here/run.py" "${programs[@]}"
