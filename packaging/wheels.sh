#!/usr/bin/env bash
# wheels.sh [TARGET…]: builds the wheels for Python into target/dist, one for each of these targets of packaging/cross/targets.sh, or
# for the five that are released, and prints where they are. With KEEP=1 a library that is there already is not built anew.
set -euo pipefail
cd "$(dirname "$0")/.."
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
[[ $# != 0 ]] || set -- linux-x86_64 linux-aarch64 musl-x86_64 musl-aarch64 windows-x86_64

tag() { # which systems it is for
    case $1 in
        linux-x86_64 | linux-aarch64) echo "manylinux_2_17_${1#*-}.manylinux2014_${1#*-}" ;;
        musl-x86_64 | musl-aarch64) echo "musllinux_1_2_${1#*-}" ;;
        windows-x86_64) echo win_amd64 ;;
        windows-i686) echo win32 ;;
        macos-arm64 | macos-x86_64) echo "macosx_11_0_${1#*-}" ;;
        *) echo "wheels.sh: there is no wheel for $1" >&2 && return 1 ;;
    esac
}
library() {
    case $1 in
        windows-*) echo bin/b2auth.dll ;;
        macos-*) echo lib/libb2auth.dylib ;;
        *) echo lib/libb2auth.so ;;
    esac
}

tools=$target_dir/tools/wheels
wanted=$(grep '^hatchling==' bindings/python/requirements-dev.txt)
if [[ $(cat "$tools/ready" 2>/dev/null) != "$wanted" ]]; then
    packaging/need.sh python3-venv >&2
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" -q install --retries 10 "$wanted" >&2
    echo "$wanted" >"$tools/ready"
fi
mkdir -p "$target_dir/dist"
for target in "$@"; do
    platform=$(tag "$target")
    tree=$target_dir/cross/$target
    if [[ ${KEEP:-} != 1 || ! -e $tree/share/doc/b2auth/sbom.cdx.json ]]; then packaging/cross/build.sh "$target" >&2; fi
    "$tools/bin/python" bindings/python/wheel.py "$tree/$(library "$target")" "$platform" "$target_dir/dist" \
        "$tree/share/doc/b2auth/sbom.cdx.json"
done
