#!/usr/bin/env bash
# free-threaded.sh: prints where a Python without a global lock is: the machine's, or one that is built once below target/languages
# from the sources of Debian 13, which ships none. Needs root for that, and some three minutes of a processor.
set -euo pipefail
cd "$(dirname "$0")/../.."
for python in $(compgen -c | grep -xE 'python3\.[0-9]+t' | sort -u -V -r); do
    if "$python" -c 'import sys, ctypes; sys.exit(sys._is_gil_enabled())' 2>/dev/null; then
        command -v "$python"
        exit
    fi
done
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
kept=$(realpath "${CARGO_TARGET_DIR:-target}/languages")
home=$kept/python-free-threaded
log=$kept/python-free-threaded.log
python=$home/bin/python3.13t
if [ ! -e "$home/complete" ]; then
    root=$(tests/languages/root.sh dpkg-dev ca-certificates)
    packaging/need.sh cc pkg-config libffi-dev zlib1g-dev libssl-dev >&2
    echo 'deb-src http://deb.debian.org/debian trixie main' >"$root/etc/apt/sources.list.d/source.list"
    build() {
        rm -rf "$home" "$root/python"
        mkdir "$root/python"
        tests/languages/inside.sh "$root" /python apt-get -q -o Acquire::Retries=3 update
        tests/languages/inside.sh "$root" /python apt-get -q -o Acquire::Retries=3 -o APT::Sandbox::User=root \
            source --download-only python3.13
        mkdir "$root/python/source"
        tar xf "$root"/python/python3.13_*.orig.tar.xz --strip-components=1 -C "$root/python/source"
        cd "$root/python/source"
        # What its tests are, and what the package has no use for.
        printf '*disabled*\n_tkinter _curses _curses_panel _dbm _gdbm readline _sqlite3 _decimal _bz2 _lzma _uuid nis\n' >Modules/Setup.local
        ./configure --quiet --prefix="$home" --disable-gil --disable-test-modules --with-ensurepip=install CFLAGS=-O1
        nice make -s -j2
        make -s altinstall
    }
    # Not in an `if`: that would switch off `set -e` inside.
    set +e
    (set -e; build) >"$log" 2>&1
    status=$?
    set -e
    [ "$status" = 0 ] || { tail -n 5 "$log" >&2 && exit 1; }
    rm -rf "$root/python"
    touch "$home/complete"
fi
"$python" -c 'import sys, ctypes; sys.exit(sys._is_gil_enabled())'
echo "$python"
