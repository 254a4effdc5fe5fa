#!/bin/sh
# musl-loader.sh ARCH: fetches Debian's musl for that kind of processor, once, and prints where its loader is.
set -eu
cd "$(dirname "$0")/../.."
case $1 in
    x86_64) debian=amd64 ;;
    aarch64) debian=arm64 ;;
    *) echo "musl-loader.sh: unknown processor $1" >&2; exit 2 ;;
esac
folder=${CARGO_TARGET_DIR:-$PWD/target}/roots/musl-$debian
# It moves to /usr/lib in later releases.
loader=$folder/tree/lib/$1-linux-musl/libc.so
[ -f "$loader" ] || loader=$folder/tree/usr/lib/$1-linux-musl/libc.so
if [ ! -f "$loader" ]; then
    command -v apt-get >/dev/null || { echo "install musl (Debian: musl) for $1" >&2; exit 1; }
    # With lists of its own, so that the machine's stay as they are.
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/state"
    : >"$folder/state/status"
    set -- -o APT::Architecture="$debian" -o APT::Architectures::="$debian" -o Dir::State::Lists="$folder/lists" \
        -o Dir::Cache="$folder/cache" -o Dir::State::status="$folder/state/status" -o Debug::NoLocking=true -o Acquire::Retries=5
    again=$PWD/packaging/again.sh
    (cd "$folder" && "$again" apt-get -q "$@" update && "$again" apt-get -q "$@" download musl) >&2
    dpkg-deb -x "$folder"/musl_*.deb "$folder/tree"
    loader=$(find "$folder/tree" -name libc.so -type f)
    [ -n "$loader" ] || { echo "Debian's musl has no libc.so any more" >&2; exit 1; }
fi
echo "$loader"
