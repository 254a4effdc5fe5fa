#!/usr/bin/env bash
# root.sh PACKAGE…: sees to it that a file system of Debian 13 has these packages, which Debian 12 lacks or has too old, and
# prints where it is. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset LD_LIBRARY_PATH
root=$(tests/roots.sh languages)
root=$(realpath "$root")
log=$root.packages.log
# One at a time: suites run side by side.
exec 9>"$root.packages.lock"
flock 9

missing=
for package in "$@"; do
    chroot "$root" dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=" $package"
done
inside() { packaging/again.sh tests/languages/inside.sh "$root" / "$@" >>"$log" 2>&1; }
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    inside apt-get -qy -o Acquire::Retries=3 update &&
        inside env DEBIAN_FRONTEND=noninteractive apt-get -qy -o Acquire::Retries=3 --no-install-recommends install $missing || {
        grep -E '^(E|W): ' "$log" | tail -n 3 >&2 || true
        echo "not to be had in Debian 13:$missing: $log" >&2
        exit 1
    }
    rm -f "$root"/var/cache/apt/archives/*.deb
fi
echo "$root"
