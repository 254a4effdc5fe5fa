#!/bin/sh
# pc.sh VERSION LIBDIR [NATIVE]: writes b2auth.pc. The tree it is installed in can be moved, since its paths start where it
# lies. NATIVE is what the static library needs from the system; without it, what this machine's compiler says.
set -eu
version=$1 libdir=$2
here=$(dirname "$0")
native=${3-$("$here/native.sh")}

up=$(printf '%s/pkgconfig' "$libdir" | sed 's,[^/][^/]*,..,g')
sed -e "s,@UP@,$up,; s,@LIBDIR@,$libdir,; s,@VERSION@,$version,; s,@NATIVE@,$native," "$here/b2auth.pc.in"
