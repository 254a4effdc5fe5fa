#!/bin/sh
# Builds what the demonstration needs, quietly, and runs it against B2 if there is a key for it, else the sandbox.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
log=$target/demo.log

if ! { packaging/need.sh cargo make cc libcurl && make lib examples sandbox; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
if [ -n "${B2_APPLICATION_KEY_ID:-}" ] && [ -n "${B2_APPLICATION_KEY:-}" ]; then
    exec "$target/examples-c/demo"
fi
exec tests/with-sandbox.sh "$target/debug/b2-sandbox" "$target/examples-c/demo"
