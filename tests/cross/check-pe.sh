#!/bin/sh
# check-pe.sh TREE BINUTILS: what a linker and a loader see of the Windows libraries in TREE.
set -eu
tree=$1 binutils=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/../verdict.sh"

"${binutils}objdump" -p "$tree/bin/b2auth.dll" >"$work/pe"
"$here/../../packaging/names.sh" >"$work/names"
prefix=
cp "$work/names" "$work/exported"
if [ "$binutils" = i686-w64-mingw32- ]; then
    prefix=_
    printf 'b2_%s_stdcall\n' authorize_json_into library_version cache_clear >>"$work/exported"
    LC_ALL=C sort -o "$work/exported" "$work/exported"
fi

exports() {
    sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/p' "$work/pe" | awk '$1 == "[" { print $NF }' | LC_ALL=C sort |
        diff "$work/exported" -
}
verdict "exported are the functions of the header and no other" exports
imports() {
    sed -n 's/^\tDLL Name: //p' "$work/pe" | tr A-Z a-z | sort >"$work/imports"
    ! grep -vxE '(kernel32|ws2_32|crypt32|bcrypt|advapi32|ntdll|userenv|msvcrt)\.dll' "$work/imports"
}
verdict "it needs no library but what Windows 7 has" imports
def() { sed -n 's/^    //p' "$tree/lib/b2auth.def" | diff "$work/names" -; }
verdict "the .def names the functions of the header" def
resource() { strings -el "$tree/bin/b2auth.dll" | grep -A 1 -x ProductVersion | grep -x '[0-9]*\.[0-9]*\.[0-9]*'; }
verdict "it has a version resource" resource
reproducible() { grep -E 'Time/Date[[:space:]]+Thu Jan +1 00:00:00 1970|Time/Date[[:space:]]+0' "$work/pe"; }
verdict "it has no time of its making in it" reproducible

names_in() { "${binutils}nm" -g "$1" | awk 'NF == 3 && $2 == "T" { print $3 }' | LC_ALL=C sort | uniq; }
import_library() { names_in "$1" | grep -v '^__imp\|^_head\|iname$' | sed "s/^$prefix//" | LC_ALL=C sort | diff "$work/names" -; }
verdict "the import library has the functions of the header" import_library "$tree/lib/libb2auth.dll.a"

# dlltool makes names of them.
place() { [ -s "$tree/lib/libb2auth.dll.a" ] && ! grep -aF "$(printf '%s' "$tree" | tr -c 'A-Za-z0-9\n' _)" "$tree/lib/libb2auth.dll.a"; }
verdict "the import library does not say where it was made" place

archive=$tree/lib/libb2auth.a
one() { [ "$("${binutils}ar" t "$archive" | wc -l)" = 1 ]; }
global() {
    "${binutils}nm" -g "$archive" | awk 'NF == 3 { print $3 }' | sed "s/^$prefix//" | LC_ALL=C sort | diff "$work/names" -
}
verdict "the archive has one object" one
verdict "global in the archive are the functions of the header and no other" global
"${binutils}objdump" -h "$archive" >"$work/sections"
bitcode() { grep -qF .text "$work/sections" && ! grep -E '\.llvm(bc|cmd)' "$work/sections"; }
verdict "the archive has no bitcode" bitcode
# Else whichever library is linked first would lend its own to the others.
once() { ! grep -B 1 LINK_ONCE "$work/sections"; }
verdict "no section of the archive is shared with other libraries" once
exit "$failed"
