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

tools=$(CARGO_PROFILE_DEV_DEBUG=0 packaging/tool.sh cargo-deny 0.20.2 --debug) || {
    echo "SKIP deny: licences, bans and sources: cargo-deny can't be built"
    exit "$failed"
}
PATH=$PATH:$tools
for check in licenses bans sources; do
    if cargo deny --locked --offline --workspace check -D warnings "$check"; then
        echo "ok deny: $check"
    else
        echo "not ok deny: $check: see above"
        failed=1
    fi
done
exit "$failed"
