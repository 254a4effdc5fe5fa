#!/bin/sh
# check-elf.sh TREE BINUTILS GLIBC PAGE: what a linker and a loader see of the libraries in TREE. BINUTILS is the prefix of the
# tools for the target, GLIBC the version that is needed at most ("musl" for a musl library), PAGE the largest page size of
# the target's kernels.
set -eu
tree=$1 binutils=$2 glibc=$3 page=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/../verdict.sh"

so=$tree/lib/libb2auth.so
"$here/../../packaging/names.sh" >"$work/names"
major=$(sed -n 's/^#define B2_VERSION_MAJOR //p' "$tree/include/b2auth.h")
"${binutils}readelf" -dW "$so" >"$work/dynamic"
"${binutils}readelf" --dyn-syms -W "$so" >"$work/symbols"
"${binutils}readelf" -lW "$so" >"$work/segments"

exports() { awk '$7 ~ /^[0-9]+$/ && $5 != "LOCAL" { print $8 }' "$work/symbols" | LC_ALL=C sort | diff "$work/names" -; }
verdict "exported are the functions of the header and no other" exports
verdict "its SONAME is libb2auth.so.$major" grep -F "[libb2auth.so.$major]" "$work/dynamic"
verdict "it stays mapped after dlclose" grep NODELETE "$work/dynamic"

needed() {
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic" | grep -vE "$1" >"$work/others"
    cat "$work/others"
    [ ! -s "$work/others" ]
}
versions() {
    grep -o 'GLIBC_[0-9.]*' "$work/symbols" | sed 's/GLIBC_//' | sort -uV >"$work/versions"
    highest=$(tail -n 1 "$work/versions")
    [ -n "$highest" ] && [ "$(printf '%s\n' "$highest" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] || {
        echo "it needs glibc $highest:"
        grep -F "GLIBC_$highest" "$work/symbols"
        return 1
    }
}
if [ "$glibc" = musl ]; then
    verdict "it needs no library but musl" needed '^libc\.so$'
else
    verdict "it needs no library but glibc" needed '^(libc\.so\.6|ld(64|-linux)[-a-z0-9_.]*|lib(pthread|dl|m|rt)\.so\.[0-9])$'
    verdict "it needs glibc $glibc at most" versions
fi
aligned() {
    awk '$1 == "LOAD" { print $NF }' "$work/segments" >"$work/alignments"
    [ -s "$work/alignments" ] || return 1
    while read -r alignment; do
        [ $((alignment)) -ge "$page" ] || { echo "one is aligned for $alignment"; return 1; }
    done <"$work/alignments"
}
verdict "its segments are aligned for pages of $((page / 1024)) KiB" aligned

# The archive: one object, and what is global in it.
archive=$tree/lib/libb2auth.a
"${binutils}nm" -g "$archive" >"$work/globals"
one() { [ "$("${binutils}ar" t "$archive" | wc -l)" = 1 ]; }
global() { awk 'NF == 3 { print $3 }' "$work/globals" | LC_ALL=C sort | diff "$work/names" -; }
unwinder() { ! grep -E ' U _Unwind_|dl_find_object' "$work/globals"; }
bitcode() { ! "${binutils}readelf" -SW "$archive" | grep -E '\.llvm(bc|cmd)'; }
verdict "the archive has one object" one
verdict "global in the archive are the functions of the header and no other" global
verdict "the archive needs no unwinder" unwinder
verdict "the archive has no bitcode" bitcode
exit "$failed"
