#!/bin/sh
# A program that runs with rights which its caller lacks takes nothing from the caller's environment. The same program,
# once as it is and once with the setuid bit, is run by a user who may do nothing.
set -eu
cd "$(dirname "$0")/.."
built=${CARGO_TARGET_DIR:-target}/release
name="raised: a setuid program takes no key and no realm from the environment"

[ "$(id -u)" = 0 ] || { echo "SKIP $name: only root can make such a program"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# The static library: the loader would look for a shared one where this user may not.
libs=$(sed -n 's/^Libs.private: *//p' "$built/b2auth.pc")
# shellcheck disable=SC2086
"${CC:-cc}" -std=c99 -I include examples-c/authorize.c -o "$work/plain" "$built/libb2auth.a" $libs -pthread
cp "$work/plain" "$work/raised"
chmod 4755 "$work/raised"

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$1"; }

if ! as_nobody "$work/plain" >"$work/out" 2>&1; then
    cat "$work/out"
    echo "not ok $name: without the bit it should have authorized"
    exit 1
fi
if as_nobody "$work/raised" >"$work/out" 2>&1 || ! grep -q 'raised rights' "$work/out"; then
    cat "$work/out"
    echo "not ok $name"
    exit 1
fi
echo "ok $name"
