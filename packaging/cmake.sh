#!/bin/sh
# cmake.sh VERSION LIBDIR OUT [NATIVE]: writes the CMake package into the folder OUT; for the rest see pc.sh.
set -eu
version=$1 libdir=$2 out=$3
here=$(dirname "$0")
native=${4-$("$here/native.sh")}

up=$(printf '%s/cmake/b2auth' "$libdir" | sed 's,[^/][^/]*,..,g')
# A list of CMake's.
list=$(printf '%s' "$native" | sed 's/-framework /-framework@/g' | tr -s ' ' ';' | sed 's/;$//' | tr @ ' ')
mkdir -p "$out"
for name in b2auth-config b2auth-config-version; do
    sed -e "s,@UP@,$up,; s,@LIBDIR@,$libdir,; s,@VERSION@,$version,; s,@NATIVE@,$list," "$here/cmake/$name.cmake.in" \
        >"$out/$name.cmake"
done
