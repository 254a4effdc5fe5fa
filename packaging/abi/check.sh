#!/bin/sh
# check.sh: holds the C interface against the one in libb2auth.abi, by libabigail. A change that would break programs that
# exist fails; an addition passes, and is told.
#
#   packaging/abi/check.sh             holds it against the baseline
#   packaging/abi/check.sh --update    makes the interface of today the baseline
#   packaging/abi/check.sh HEADER      holds another header against it
#
# What a compiler makes of the header is compared, types and values included. That the library exports exactly the header's
# functions is what tests/symbols.sh looks at, and that the header is the source's what `make header` sees to.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
baseline=$here/libb2auth.abi
"$here/../need.sh" abidw abidiff cc >&2
header=$here/../../include/b2auth.h
update=
case ${1-} in
    --update) update=1 ;;
    '') ;;
    *) header=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$header" "$work/b2auth.h"
# A library of functions that do nothing. Its debug information has the types.
{
    echo '#include "b2auth.h"'
    "$here/../cdef.sh" "$header" | tr '\n' ' ' | sed 's/;/;\n/g' | sed -n '
        /typedef/d
        /\bb2_[a-z0-9_]*(/!d
        s/^ *//
        /^void b2_/ { s/;$/ {}/; p; d }
        s/;$/ { return 0; }/; p'
} >"$work/stub.c"
(cd "$work" && "${CC:-cc}" -g -O0 -fPIC -shared -w -Wl,-soname,libb2auth.so.0 stub.c -o libb2auth.so)
(cd "$work" && abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-architecture --type-id-style hash --headers-dir . \
    libb2auth.so --out-file now.abi)
# Which compiler said it is no part of the interface.
sed "s/ producer='[^']*'//; s/ language='[^']*'//" "$work/now.abi" >"$work/plain.abi"

if [ -n "$update" ]; then
    cp "$work/plain.abi" "$baseline"
    echo "the baseline is the interface of today"
    exit
fi
# It knows itself which changes are harmless, such as one more value of an enumeration.
abidiff "$baseline" "$work/plain.abi" >"$work/all" 2>&1 || true
cat "$work/all"
abidiff --no-added-syms "$baseline" "$work/plain.abi" >"$work/report" 2>&1 || {
    echo "the C interface has changed so that programs break; if that is meant: packaging/abi/check.sh --update" >&2
    exit 1
}
