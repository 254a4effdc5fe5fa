#!/bin/sh
# neighbours.sh [ARCHIVE]: the static library links beside another one written in Rust, and beside the host's own SQLite,
# whichever comes first, and none of the three becomes aware of another.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
archive=${1:-$target/release/libb2auth.a}
packaging/need.sh cc curl python3 libsqlite3.a >&2 || { echo "SKIP neighbours: Debian's libsqlite3-dev is missing"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

packaging/names.sh >"$work/names"
nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >"$work/global"
if [ "$(ar t "$archive" | wc -l)" = 1 ] && diff "$work/names" "$work/global"; then
    echo "ok neighbours: one object, and the functions of the header alone are global in it"
else
    echo "not ok neighbours: one object, and the functions of the header alone are global in it"
    failed=1
fi

rustc -O --edition 2024 --crate-type staticlib -o "$work/libneighbour.a" tests/packages/neighbour.rs
sqlite=$(cc -print-file-name=libsqlite3.a)
flags="-std=c99 -Wall -Wextra -Werror -I include"
linkers=bfd
for linker in gold lld; do
    command -v "ld.$linker" >/dev/null && linkers="$linkers $linker"
done
for linker in $linkers; do
    for order in "$archive $work/libneighbour.a $sqlite" "$sqlite $work/libneighbour.a $archive"; do
        first=$(basename "${order%% *}")
        if cc $flags "-fuse-ld=$linker" tests/packages/neighbours.c $order $(packaging/native.sh) -lm -o "$work/host" \
            >"$work/out" 2>&1 && tests/cross/serve.sh "$target/debug/b2-sandbox" "$work/host" >"$work/out" 2>&1; then
            echo "ok neighbours: by ld.$linker, $first first"
        else
            tail -n 20 "$work/out"
            echo "not ok neighbours: by ld.$linker, $first first"
            failed=1
        fi
    done
done
exit "$failed"
