#!/bin/sh
# check-macho.sh TREE ARCH: what a linker and a loader see of the macOS libraries in TREE.
set -eu
tree=$1 arch=$2
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../packaging/need.sh" llvm-objdump-19 llvm-ar-19 >&2 || { echo "SKIP install llvm-objdump (Debian: llvm-19)"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$here/../verdict.sh"

dylib=$tree/lib/libb2auth.dylib
"$here/../../packaging/names.sh" | sed 's/^/_/' >"$work/names"
major=$(sed -n 's/^#define B2_VERSION_MAJOR //p' "$tree/include/b2auth.h")
llvm-objdump-19 --macho --private-headers "$dylib" >"$work/headers"
llvm-objdump-19 --macho --exports-trie "$dylib" | sed -n 's/^0x[0-9A-Fa-f]* *//p' | LC_ALL=C sort >"$work/exported"

kind() {
    case $arch in arm64) wanted='ARM64' ;; *) wanted='X86_64' ;; esac
    grep -E "MH_MAGIC_64 +$wanted .*DYLIB" "$work/headers"
}
verdict "it is a dylib for $arch" kind
verdict "exported are the functions of the header and no other" diff "$work/names" "$work/exported"
verdict "its install name is @rpath/libb2auth.$major.dylib" grep -F "name @rpath/libb2auth.$major.dylib " "$work/headers"
verdict "it runs on macOS 11.0" grep -E '(minos|version) 11\.0$' "$work/headers"
needed() {
    awk '/cmd LC_LOAD_(WEAK_)?DYLIB/ { load = 1 } load && $1 == "name" { print $2; load = 0 }' "$work/headers" >"$work/needed"
    cat "$work/needed"
    ! grep -vxE '/usr/lib/lib(System\.B|iconv\.2)\.dylib|/System/Library/Frameworks/(Security|CoreFoundation)\.framework/.*' "$work/needed"
}
verdict "it needs the system library and two frameworks" needed
verdict "it starts when it is loaded" grep -E 'sectname __(mod_init_func|init_offsets)$' "$work/headers"
# On Apple's processors nothing runs without one; it is a checksum, not a name.
verdict "it has a signature" grep LC_CODE_SIGNATURE "$work/headers"

archive=$tree/lib/libb2auth.a
one() { [ "$(llvm-ar-19 t "$archive" | wc -l)" = 1 ]; }
global() { "$here/../../packaging/cross/macho.py" globals "$archive" | LC_ALL=C sort | diff "$work/names" -; }
llvm-objdump-19 --macho --private-headers "$archive" >"$work/sections"
bitcode() { grep -q 'sectname __text' "$work/sections" && ! grep __bitcode "$work/sections"; }
strings -a "$archive" >"$work/strings"
files() { [ -s "$work/strings" ] && ! grep -E '^/.*\.o$' "$work/strings"; }
verdict "the archive has one object" one
verdict "the archive names no file that it was made of" files
verdict "the archive has no bitcode" bitcode
verdict "global in the archive are the functions of the header and no other" global
exit "$failed"
