#!/bin/sh
# need.sh THING…: sees to it that these are on the machine. As root on Debian it installs what is missing; elsewhere, or
# if that fails, it says what is missing and how to get it, and fails.
set -eu

has() {
    case $1 in
        libcurl) echo '#include <curl/curl.h>' | cc -E - >/dev/null 2>&1 ;;
        libjemalloc) cc -print-file-name=libjemalloc.a | grep -q / ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

package() {
    case $1 in
        cc | c++ | readelf) echo build-essential ;;
        libcurl) echo libcurl4-openssl-dev ;;
        libjemalloc) echo libjemalloc-dev ;;
        go) echo golang-go ;;
        ip) echo iproute2 ;;
        setcap) echo libcap2-bin ;;
        unshare | setpriv) echo util-linux ;;
        danted) echo dante-server ;;
        pkg-config) echo pkgconf ;;
        *) echo "$1" ;;
    esac
}

missing=
packages=
for thing in "$@"; do
    has "$thing" && continue
    missing="$missing $thing"
    [ "$thing" = cargo ] || packages="$packages $(package "$thing")"
done
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -q update && apt-get -qy --no-install-recommends install $packages; } >&2 || true
fi

failed=0
for thing in $missing; do
    has "$thing" && continue
    failed=1
    case $thing in
        cargo) echo "missing: $thing (https://rustup.rs)" ;;
        *) echo "missing: $thing (Debian, Ubuntu: apt-get install $(package "$thing"))" ;;
    esac
done
exit "$failed"
