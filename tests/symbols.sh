#!/bin/sh
# What the shipped library shows to a linker: the functions of the header and nothing else, its name, and that it stays; and its
# size.
set -eu
cd "$(dirname "$0")/.."
library=${CARGO_TARGET_DIR:-target}/release/libb2auth.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=symbols
. tests/verdict.sh

# The preprocessor drops the comments, which name functions too.
"${CC:-cc}" -E -P include/b2auth.h | grep -o '\bb2_[a-z0-9_]*(' | tr -d '(' | sort -u >"$work/declared"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >"$work/exported"
grep -o '\bb2_[a-z0-9_]*(' tests/c/null.c | tr -d '(' | sort -u >"$work/tested"
comm -23 "$work/declared" "$work/tested" >"$work/untested"
readelf -d "$library" >"$work/dynamic"
major=$(sed -n 's/^#define B2_VERSION_MAJOR //p' include/b2auth.h)

verdict "the header declares something" test -s "$work/declared"
verdict "exported are the functions of the header, all of them and no other" diff "$work/declared" "$work/exported"
verdict "its SONAME is libb2auth.so.$major" grep -F "[libb2auth.so.$major]" "$work/dynamic"
verdict "it stays mapped after dlclose" grep NODELETE "$work/dynamic"
verdict "tests/c/null.c calls every function with NULL" diff -- /dev/null "$work/untested"

if readelf -h "$library" | grep -q 'Machine:.*X86-64'; then
    budget=$(sed -n 's/^library_bytes=//p' tests/budgets)
    size=$(wc -c <"$library")
    verdict "it has $size bytes, at most 2 % more than $budget (tests/budgets)" test "$size" -le $((budget * 102 / 100))
else
    echo "SKIP symbols: its size: the figure in tests/budgets is for x86_64"
fi
exit "$failed"
