#!/bin/sh
# one-object.sh ARCHIVE [MORE…] OUT: makes of a Rust archive, and of archives that it needs, one with a single object whose
# only global symbols are the functions of the header. Such an archive links beside another one written in Rust, and beside
# a host's own SQLite, and neither sees the other.
#
# LD, OBJCOPY, AR and NM name the tools for the target; FORMAT is elf (the default), pe or macho, the last for Apple's own ld.
# PREFIX is what the target's C compiler puts before a name. IMPORTS are the import libraries of 32-bit Windows.
set -eu
here=$(dirname "$0")
for out in "$@"; do :; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/names.sh" | sed "s/^/${PREFIX-}/" >"$work/names"

archives=
while [ $# -gt 1 ]; do
    archives="$archives $1"
    shift
done
if [ "${FORMAT:-elf}" = macho ]; then
    sed 's/^/_/' "$work/names" >"$work/exported"
    "${LD:-ld}" -r -all_load -exported_symbols_list "$work/exported" -o "$work/b2auth.o" $archives
    rm -f "$out"
    # Apple's ar has no D; without times in it, the archive is the same each time.
    ZERO_AR_DATE=1 "${AR:-ar}" rcs "$out" "$work/b2auth.o"
    exit
fi
if [ "${FORMAT:-elf}" = pe ]; then
    # The archive brings its own stubs for the functions of Windows. Inside one object they would be no stubs any more: a
    # program takes them from the system's import libraries. The other name is a table that only a program has.
    cp $archives "$work/parts.a"
    while "${AR:-ar}" t "$work/parts.a" | grep -E '\.dll[hst][0-9]*\.o$' >"$work/stubs"; do
        "${AR:-ar}" d "$work/parts.a" $(sort -u "$work/stubs")
    done
    "${OBJCOPY:-objcopy}" --redefine-sym "_tls_used=b2auth_tls_used" --redefine-sym "__tls_used=_b2auth_tls_used" "$work/parts.a"
    archives=$work/parts.a
fi
case ${FORMAT:-elf} in
    # Without force-group-allocation a hidden function that several objects have, such as the one that catches a panic,
    # could still take the place of another library's.
    elf)
        set -- --force-group-allocation --gc-sections
        strip=--strip-unneeded
        ;;
    # Neither can be had with this format: names without a section would be left, and relocations without their symbols.
    pe)
        set --
        strip=--strip-debug
        ;;
esac
"${LD:-ld}" -r "$@" $(sed 's/^/-u /' "$work/names") -o "$work/all.o" $archives
# These sections hold LLVM's own form of the code, for which some linkers, and nm below, would take the object.
"${OBJCOPY:-objcopy}" --remove-section=.llvmbc --remove-section=.llvmcmd "$work/all.o"
: >"$work/renamed"
if [ -n "${IMPORTS-}" ]; then
    # rustc asks for a function of 32-bit Windows by the name that a DLL exports, as its own stubs have it. In an import library
    # the size of the arguments is part of the name.
    "${NM:-nm}" -A $IMPORTS 2>/dev/null | awk '$NF ~ /^__imp__/ { name = $NF; sub(/^__imp__/, "", name); bare = name
        sub(/@[0-9]+$/, "", bare); if (!seen[bare]++) print "__imp_" bare, $NF }' | LC_ALL=C sort >"$work/imports"
    "${NM:-nm}" -u "$work/all.o" | awk '$NF ~ /^__imp_[^_]/ { print $NF }' | LC_ALL=C sort -u >"$work/asked"
    LC_ALL=C join "$work/asked" "$work/imports" >"$work/renamed"
    LC_ALL=C join -v 1 "$work/asked" "$work/imports" >"$work/unknown"
    [ ! -s "$work/unknown" ] || { echo "one-object.sh: in no import library:" $(cat "$work/unknown") >&2; exit 1; }
fi
"${OBJCOPY:-objcopy}" --keep-global-symbols="$work/names" \
    --redefine-syms="$work/renamed" --redefine-sym "b2auth_tls_used=_tls_used" --redefine-sym "_b2auth_tls_used=__tls_used" "$work/all.o" "$work/b2auth.o"
"${OBJCOPY:-objcopy}" "$strip" "$work/b2auth.o"
# A section that a linker keeps once for all libraries would be another library's here, whatever it points to.
[ "${FORMAT:-elf}" != pe ] ||
    "${OBJCOPY:-objcopy}" --set-section-flags '.rdata$.refptr.*=alloc,load,readonly,data,contents' "$work/b2auth.o"
rm -f "$out"
"${AR:-ar}" rcsD "$out" "$work/b2auth.o"
