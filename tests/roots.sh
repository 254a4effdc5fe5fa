#!/bin/sh
# roots.sh NAME: makes a file system to run things in, once, in target/roots/NAME, and prints where it is.
#
#   old        Debian 11, the oldest that can still be installed: glibc 2.31
#   languages  Debian 13, to which tests/languages/root.sh adds what suites ask for
#   valkey     Debian 13 with Valkey
#   wine       Debian 13 with Wine for 64 bits; wine32, with Wine for 32
set -eu
cd "$(dirname "$0")/.."
roots=${CARGO_TARGET_DIR:-$PWD/target}/roots
name=$1
case $name in
    old) release=bullseye options="--include=ca-certificates,gcc,libc6-dev,pkg-config" ;;
    languages) release=trixie options= ;;
    valkey) release=trixie options="--include=valkey-server,valkey-tools" ;;
    wine) release=trixie options="--include=ca-certificates,wine,wine64" ;;
    wine32) release=trixie options="--arch=i386 --include=ca-certificates,wine,wine32" ;;
    *) echo "roots.sh: unknown root $name" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "needs root, to make a file system with debootstrap" >&2; exit 1; }
packaging/need.sh debootstrap unshare >&2 || { echo "install debootstrap" >&2; exit 1; }
mkdir -p "$roots"
unshare --mount --propagation private mount -t tmpfs none "$roots" || { echo "no file system can be mounted here" >&2; exit 1; }
# Two suites may want it at the same time.
exec 9>"$roots/$name.lock"
flock 9
# A root that was made with other packages is made anew.
if [ "$(cat "$roots/$name/complete" 2>/dev/null)" != "$release $options" ]; then
    # In a mount namespace of its own, so that nothing of it stays mounted, however it ends.
    packaging/again.sh unshare --mount sh -euc '
        root=$1
        rm -rf "$root"
        # It is to be made quickly, not to outlive a loss of power.
        mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
        echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
        shift
        exec debootstrap --variant=minbase "$@"
    ' root "$roots/$name" $options "$release" "$roots/$name" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
        >"$roots/$name.log" 2>&1 9>&- || { tail -n 5 "$roots/$name.log" >&2; exit 1; }
    echo "$release $options" >"$roots/$name/complete"
fi
echo "$roots/$name"
