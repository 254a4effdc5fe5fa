#!/bin/sh
# native.sh: prints what the static library needs from this system, as this very compiler says it. Nothing below the standard
# library asks for more; tests/install.sh links by it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/empty.rs"
"${RUSTC:-rustc}" --crate-type staticlib --print native-static-libs --out-dir "$work" "$work/empty.rs" 2>&1 |
    sed -n 's/^note: native-static-libs: //p' | grep . || { echo "native.sh: rustc did not say it" >&2; exit 1; }
