#!/bin/sh
# pc.sh VERSION LIBDIR: writes b2auth.pc. The tree it is installed in can be moved, since its paths start where it lies.
set -eu
version=$1 libdir=$2
here=$(dirname "$0")

# What the static library needs from the system, as this very compiler says it. Nothing below the standard library asks
# for more; tests/install.sh links by it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/empty.rs"
native=$(rustc --crate-type staticlib --print native-static-libs --out-dir "$work" "$work/empty.rs" 2>&1 |
    sed -n 's/^note: native-static-libs: //p')
[ -n "$native" ] || { echo "pc.sh: rustc did not say what a static library needs" >&2; exit 1; }

up=$(printf '%s/pkgconfig' "$libdir" | sed 's,[^/][^/]*,..,g')
sed -e "s,@UP@,$up,; s,@LIBDIR@,$libdir,; s,@VERSION@,$version,; s,@NATIVE@,$native," "$here/b2auth.pc.in"
