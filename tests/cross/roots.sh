#!/bin/sh
# roots.sh NAME: makes a file system to run things in, once, in target/roots/NAME, and prints where it is.
#
#   old     Debian 11, the oldest that can still be installed: glibc 2.31
#   valkey  Debian 13 with Valkey
#   wine    Debian 13 with Wine for 64 bits; wine32, with Wine for 32
set -eu
cd "$(dirname "$0")/../.."
roots=${CARGO_TARGET_DIR:-$PWD/target}/roots
name=$1
case $name in
    old) release=bullseye options="--include=ca-certificates,gcc,libc6-dev,pkg-config" ;;
    valkey) release=trixie options="--include=valkey-server,valkey-tools" ;;
    wine) release=trixie options="--include=ca-certificates,wine,wine64" ;;
    wine32) release=trixie options="--arch=i386 --include=ca-certificates,wine,wine32" ;;
    *) echo "roots.sh: unknown root $name" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "needs root, to make a file system with debootstrap" >&2; exit 1; }
packaging/need.sh debootstrap >&2 || { echo "install debootstrap" >&2; exit 1; }
mkdir -p "$roots"
# A root that was made with other packages is made anew.
if [ "$(cat "$roots/$name/complete" 2>/dev/null)" != "$release $options" ]; then
    rm -rf "$roots/$name"
    debootstrap --variant=minbase $options "$release" "$roots/$name" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
        >"$roots/$name.log" 2>&1 || { tail -n 5 "$roots/$name.log" >&2; exit 1; }
    echo "$release $options" >"$roots/$name/complete"
fi
echo "$roots/$name"
