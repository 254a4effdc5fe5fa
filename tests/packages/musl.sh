#!/usr/bin/env bash
# Where the C library is musl, plain `make` gives a shared library or stops with the reason.
#
# FULL=1 builds for it as rustup's compiler would there, by way of Zig and a standard library built from source: some
# minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# A Cargo that does as rustup's does for musl: success, and no shared library.
cat >"$work/cargo" <<'END'
#!/bin/sh
mkdir -p "$CARGO_TARGET_DIR/x86_64-unknown-linux-musl/release"
echo "$RUSTFLAGS" >"$CARGO_TARGET_DIR/flags"
END
chmod +x "$work/cargo"
if CARGO=$work/cargo CARGO_TARGET_DIR=$work/target CARGO_BUILD_TARGET=x86_64-unknown-linux-musl packaging/lib.sh >"$work/out" 2>&1; then
    echo "not ok musl: a build without a shared library fails"
    failed=1
elif grep -q 'made no libb2auth.so for x86_64-unknown-linux-musl' "$work/out" && grep -q -- '-crt-static' "$work/target/flags"; then
    echo "ok musl: a build without a shared library fails, and says why"
else
    cat "$work/out"
    echo "not ok musl: a build without a shared library says why it fails"
    failed=1
fi

[[ ${FULL:-} = 1 ]] || exit "$failed"
. packaging/cross/targets.sh
describe musl-x86_64
base=$target/cross
. packaging/cross/tools.sh
toolchain
cat >"$work/cargo" <<END
#!/bin/sh
CARGO=$cargo exec "$zigbuild" "\$@" ${build_std:+-Zbuild-std=std,panic_unwind} --target $triple
END
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
if CARGO=$work/cargo CARGO_TARGET_DIR=$base/musl-host CARGO_BUILD_TARGET=$triple packaging/lib.sh >"$work/out" 2>&1 &&
    readelf -d "$base/musl-host/$triple/release/libb2auth.so" >"$work/dynamic" &&
    grep -q 'NEEDED.*\[libc\.so\]' "$work/dynamic" && grep -q 'SONAME.*libb2auth\.so\.' "$work/dynamic"; then
    echo "ok musl: plain make gives a shared library"
else
    tail -n 20 "$work/out"
    echo "not ok musl: plain make gives a shared library"
    failed=1
fi
exit "$failed"
