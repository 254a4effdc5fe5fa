#!/usr/bin/env bash
# root.sh PACKAGE…: sees to it that a file system of Debian 13 below target/languages has these packages, which Debian 12 lacks
# or has too old, and prints where it is. Needs root. What fails is tried three times, since it comes over the network.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
kept=$(realpath "${CARGO_TARGET_DIR:-target}/languages")
root=$kept/debian-13
log=$kept/debian-13.log
unset LD_LIBRARY_PATH

fail() {
    echo "$1" >&2
    exit 1
}
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs root and apt-get"
packaging/need.sh debootstrap unshare >&2
# One at a time: suites run side by side.
exec 9>"$kept/debian-13.lock"
flock 9
# Where a machine forbids mounts, there is no use for it.
unshare --mount --propagation private mount -t tmpfs none "$kept" 2>"$log" || fail "no file system can be mounted here"

three_times() {
    local try
    for try in 1 2 3; do
        "$@" >>"$log" 2>&1 && return
        echo "attempt $try failed: $*" >>"$log"
    done
    grep -E '^(E|W): ' "$log" | tail -n 3 >&2 || true
    return 1
}
# One that was begun and not finished is begun anew.
begin() {
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" && touch "$root/complete"
}
[ -e "$root/complete" ] || three_times begin || fail "Debian 13 could not be installed below $root: $log"

missing=
for package in "$@"; do
    chroot "$root" dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=" $package"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    install() {
        tests/languages/inside.sh "$root" / apt-get -qy -o Acquire::Retries=3 update &&
            tests/languages/inside.sh "$root" / env DEBIAN_FRONTEND=noninteractive apt-get -qy -o Acquire::Retries=3 \
                -o DPkg::Options::=--force-unsafe-io --no-install-recommends install $missing
    }
    three_times install || fail "not to be had in Debian 13:$missing: $log"
    rm -f "$root"/var/cache/apt/archives/*.deb
fi
echo "$root"
