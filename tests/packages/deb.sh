#!/usr/bin/env bash
# The Debian packages: lintian finds no error, and in a Debian 11 root of their own they are installed, used and purged.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TARGET_DIR=$target
packaging/need.sh lintian dpkg-deb fakeroot curl python3 >&2 || { echo "SKIP deb: a tool is missing"; exit 0; }
work=$(mktemp -d)
fresh=$target/roots/deb
trap 'rm -rf "$work" "$fresh"' EXIT
suite=deb
. tests/verdict.sh

verdict "make deb" make --no-print-directory deb
debs=("$target"/deb/*.deb)
verdict "lintian finds no error" lintian --fail-on error --tag-display-limit 0 --suppress-tags initial-upload-closes-no-bugs "${debs[@]}"
lintian --fail-on none "${debs[@]}" 2>/dev/null | sed 's/^/    /' || true
bound() { dpkg-deb -f "$target"/deb/libb2auth0_*.deb Depends | grep -x 'libc6 (>= 2.17)'; }
verdict "the shared library depends on glibc 2.17 alone" bound

if ! old=$(tests/roots.sh old 2>"$work/why"); then
    echo "SKIP deb: installed and used: $(tail -n 1 "$work/why")"
    exit "$failed"
fi
rm -rf "$fresh"
cp -a "$old" "$fresh"
mkdir -p "$fresh/b2"
cp "${debs[@]}" examples-c/authorize.c "$fresh/b2/"
inside() { chroot "$fresh" /bin/sh -euc "$1"; }
installs() { inside 'dpkg -i /b2/*.deb'; }
verdict "they are installed in Debian 11" installs
[[ $failed = 0 ]] || exit 1
found() { inside 'ldconfig -p' | grep 'libb2auth\.so\.0 '; }
verdict "the loader knows the library" found

serve() { tests/cross/serve.sh "$target/debug/b2-sandbox" tests/cross/inside.sh "$fresh" /bin/sh -euc "$1"; }
tool() { [[ $(serve 'b2auth --field accountId') = 4aa9865d6f00 ]]; }
verdict "the command b2auth gets a session" tool
shared() {
    serve 'cc /b2/authorize.c $(pkg-config --cflags --libs b2auth) -o /b2/shared && /b2/shared' | grep -x 'accountId  *4aa9865d6f00'
}
verdict "a C program with the shared library" shared
static() {
    serve 'lib=$(pkg-config --variable=libdir b2auth) && cc /b2/authorize.c $(pkg-config --cflags b2auth) "$lib/libb2auth.a" \
        $(pkg-config --static --libs-only-l b2auth | sed s/-lb2auth//) -o /b2/static && ! ldd /b2/static | grep b2auth && /b2/static' |
        grep -x 'accountId  *4aa9865d6f00'
}
verdict "a C program with the static library" static
headers() { inside 'test -f /usr/include/b2auth.h && dpkg -V libb2auth0 libb2auth-dev b2auth-tools'; }
verdict "what is installed is what was packed" headers
purged() {
    inside 'dpkg -P b2auth-tools libb2auth-dev libb2auth0'
    local left
    left=$(find "$fresh" -path "$fresh/b2" -prune -o -path "$fresh/proc" -prune -o -name '*b2auth*' -print)
    echo "$left"
    [[ -z $left ]]
}
verdict "nothing is left when they are purged" purged
exit "$failed"
