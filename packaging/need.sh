#!/bin/sh
# need.sh THING…: sees to it that these are on the machine. As root on Debian it installs what is missing; elsewhere, or
# if that fails, it says what is missing and how to get it, and fails.
set -eu

has() {
    case $1 in
        libcurl) echo '#include <curl/curl.h>' | cc -E - >/dev/null 2>&1 ;;
        libjson-c) pkg-config --exists json-c 2>/dev/null ;;
        python3-cffi) /usr/bin/python3 -c 'import cffi' 2>/dev/null ;;
        libffi-platypus-perl) perl -MFFI::Platypus -e 1 2>/dev/null ;;
        tcl-dev) [ -e /usr/include/tcl/tcl.h ] ;;
        *-cross) dpkg -s "$1" >/dev/null 2>&1 ;;
        lib*.a) [ -f "$(cc -print-file-name="$1")" ] ;;
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        rust-web-src) [ -d /usr/lib/rustlib/src/rust/library/std ] && [ -x /usr/bin/cargo ] ;;
        libjemalloc) cc -print-file-name=libjemalloc.a | grep -q / ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

package() {
    case $1 in
        cc | c++ | readelf) echo build-essential ;;
        libcurl) echo libcurl4-openssl-dev ;;
        libjemalloc) echo libjemalloc-dev ;;
        libjson-c) echo libjson-c-dev ;;
        go) echo golang-go ;;
        ip) echo iproute2 ;;
        setcap) echo libcap2-bin ;;
        unshare | setpriv) echo util-linux ;;
        danted) echo dante-server ;;
        pkg-config) echo pkgconf ;;
        php) echo php-cli ;;
        tclsh) echo tcl ;;
        cobc) echo gnucobol4 ;;
        rust-web-src) echo "rustc-web cargo-web rust-web-src" ;;
        x86_64-w64-mingw32-gcc) echo gcc-mingw-w64-x86-64-win32 ;;
        i686-w64-mingw32-gcc) echo gcc-mingw-w64-i686-win32 ;;
        abidw | abidiff) echo abigail-tools ;;
        dpkg-deb) echo dpkg ;;
        ld64.lld-19) echo lld-19 ;;
        llvm-*-19) echo llvm-19 ;;
        libsqlite3.a) echo libsqlite3-dev ;;
        *-linux-gnu*-ld) echo "binutils-$1" | tr _ - | sed 's/-ld$//' ;;
        qemu-*-static) echo qemu-user-static ;;
        qemu-*) echo qemu-user ;;
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
    # One by one if not all together: one that this release lacks is then the only one missing.
    "$(dirname "$0")/apt-install.sh" $packages ||
        for package in $packages; do "$(dirname "$0")/apt-install.sh" "$package" || true; done
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
