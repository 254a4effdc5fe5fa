#!/bin/sh
# lib.sh: builds the shared and the static library for this machine, into target/release; CARGO and CARGO_TARGET_DIR as
# usual. CARGO_BUILD_TARGET builds for another system, with whatever Cargo is configured to link it by.
set -eu
cd "$(dirname "$0")/.."
CARGO=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
built=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release
triple=${CARGO_BUILD_TARGET:-$("${RUSTC:-rustc}" -vV | sed -n 's/^host: //p')}
major=$(sed -n 's/^version = "\([0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)
shared=libb2auth.so format=elf
case $triple in
    *-apple-*) shared=libb2auth.dylib format=macho ;;
    *-windows-*) shared=b2auth.dll format=pe ;;
    # rustup's compilers for musl link the C library in, and make no shared library then, with a warning and success.
    *-musl*) export RUSTFLAGS="${RUSTFLAGS-} -C target-feature=-crt-static" ;;
esac

# The tests build it once, and then use it from several suites at the same time.
if [ "${B2AUTH_KEEP_LIB:-}" = 1 ] && [ -f "$built/$shared" ] && [ -f "$built/libb2auth.a" ]; then
    exit 0
fi
rm -f "$built/$shared"
# Without the Rust library among the outputs: beside it Cargo leaves link-time optimisation out, and the archive is three
# times as large.
"$CARGO" rustc --release --locked --features c-library --lib --crate-type cdylib,staticlib
[ -f "$built/$shared" ] || {
    echo "lib.sh: Cargo made no $shared for $triple; try RUSTFLAGS='-C target-feature=-crt-static'" >&2
    exit 1
}
[ "$format" != elf ] || ln -sf libb2auth.so "$built/libb2auth.so.$major"
[ "$format" != macho ] || ln -sf libb2auth.dylib "$built/libb2auth.$major.dylib"

# Cargo lays its own archive there again each time.
FORMAT=$format packaging/one-object.sh "$built/libb2auth.a" "$built/libb2auth.a"
