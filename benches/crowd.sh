#!/usr/bin/env bash
# crowd.sh [WAITERS]: benches/crowd.c beside a sandbox whose responses take 6.5 seconds. The lines are for report.py.
set -euo pipefail
cd "$(dirname "$0")/.."
waiters=${1:-10000}
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$target/bench
mkdir -p "$work"
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -I include benches/crowd.c -o "$work/crowd" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" -pthread
echo '[{"keyId": "*", "faults": [{"delayMs": 6500, "times": 0}]}]' >"$work/slow.json"
printf '#!/bin/sh\nexec "%s" --script "%s" "$@"\n' "$target/debug/b2-sandbox" "$work/slow.json" >"$work/slow"
chmod +x "$work/slow"
tests/with-sandbox.sh "$work/slow" "$work/crowd" "$waiters"
