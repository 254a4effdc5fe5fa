#!/bin/sh
# What stands among the dependencies, as deny.toml and Cargo.toml allow it. cargo-deny is installed for it, once: without
# optimisation, as it runs for seconds and would build for minutes.
set -eu
cd "$(dirname "$0")/.."
failed=0

if ! cargo fetch --locked; then
    echo "SKIP deny: the dependencies can't be fetched"
    exit 0
fi
python3 tests/supply.py || failed=1

if ! cargo deny --version >/dev/null 2>&1; then
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug --version 0.20.2 cargo-deny || {
        echo "SKIP deny: licences, bans and sources: cargo-deny can't be installed"
        exit "$failed"
    }
fi
for check in licenses bans sources; do
    if cargo deny --locked --offline --workspace check -D warnings "$check"; then
        echo "ok deny: $check"
    else
        echo "not ok deny: $check: see above"
        failed=1
    fi
done
exit "$failed"
