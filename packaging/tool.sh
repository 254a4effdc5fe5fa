#!/bin/sh
# tool.sh CRATE VERSION [FLAG…]: prints the folder that has this tool of Cargo's. One that is on the machine will do; else it is
# built once, into target/tools.
set -eu
cd "$(dirname "$0")/.."
crate=$1 version=$2
shift 2
if there=$(command -v "$crate"); then
    dirname "$there"
    exit 0
fi
mkdir -p "${CARGO_TARGET_DIR:-target}/tools"
tools=$(realpath "${CARGO_TARGET_DIR:-target}/tools")
if [ ! -x "$tools/bin/$crate" ]; then
    echo "building $crate $version from crates.io into $tools: some minutes, once" >&2
    cargo install --locked --root "$tools" --version "$version" "$@" "$crate" >&2
fi
echo "$tools/bin"
