#!/bin/sh
# Builds what the demonstration needs, and runs it against B2 if there is a key for it, else the sandbox. SANDBOX names a
# sandbox that is built already. What is done, and Cargo's progress, goes to standard error.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

step() { echo "==> $*" >&2; }
built() { [ -e "$target/$1" ] && echo "moments, if nothing has changed" || echo "$2"; }

step "looking for cargo, make, a C compiler and libcurl"
packaging/need.sh cargo make cc libcurl >&2
step "building the library, optimised: $(built release/libb2auth.so "1 to 3 minutes, the first time with some 10 MB from crates.io")"
make --no-print-directory lib >/dev/null
step "building the demonstration: seconds"
make --no-print-directory "$target/examples-c/demo" >/dev/null
if [ -n "${B2_APPLICATION_KEY_ID:-}" ] && [ -n "${B2_APPLICATION_KEY:-}" ]; then
    step "running it against B2, with the key in the environment: a few seconds"
    exec "$target/examples-c/demo"
fi
if [ -z "${SANDBOX:-}" ]; then
    step "building the test server: $(built debug/b2-sandbox "about a minute")"
    make --no-print-directory sandbox >/dev/null
fi
step "running it against the test server: a few seconds"
exec tests/with-sandbox.sh "${SANDBOX:-$target/debug/b2-sandbox}" "$target/examples-c/demo"
