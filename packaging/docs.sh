#!/bin/sh
# docs.sh: writes the reference of the C interface as HTML into target/docs/html. A warning of Doxygen is an error.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "${CARGO_TARGET_DIR:-target}/docs"
B2AUTH_DOCS=$(realpath "${CARGO_TARGET_DIR:-target}/docs")
B2AUTH_VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
export B2AUTH_DOCS B2AUTH_VERSION
packaging/need.sh doxygen >&2
# Into a folder of its own: beside a test it would replace the library that the test has loaded.
"${CARGO:-cargo}" run --quiet --locked -p b2auth-header --target-dir "$B2AUTH_DOCS/build" -- --doxygen "$B2AUTH_DOCS/b2auth.h"
rm -rf "$B2AUTH_DOCS/html"
doxygen docs/Doxyfile
echo "the reference is $B2AUTH_DOCS/html/index.html"
