#!/usr/bin/env bash
# batch.sh [KEYS [FEWER]]: benches/batch.c with KEYS keys at 8 connections, and with FEWER at 1 to 64, beside a sandbox that
# accepts them. The lines are for report.py.
set -euo pipefail
cd "$(dirname "$0")/.."
keys=${1:-10000} fewer=${2:-1500}
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$target/bench/batch
mkdir -p "$work"
flags=$(pkg-config --cflags --libs libcurl json-c 2>&1) || {
    echo "SKIP batch: libcurl or json-c is missing (Debian, Ubuntu: libcurl4-openssl-dev libjson-c-dev)"
    exit
}
# shellcheck disable=SC2086
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -I include benches/batch.c -o "$work/batch" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release" $flags
# The sandbox says which process it is, for what it uses itself.
cat >"$work/run" <<END
#!/bin/sh
set -eu
# cache.sh's arguments are those of another program.
[ "\$1" = in_bundle ] || exec benches/bundle.sh "$work/run" in_bundle
pid=\$(cat "$work/pid")
"$work/batch" 5 $keys 8 "\$pid"
for connections in 1 2 4 8 16 32 64; do
    "$work/batch" 5 $fewer \$connections "\$pid"
done
END
cat >"$work/named" <<END
#!/bin/sh
echo \$\$ >"$work/pid"
exec "$target/debug/b2-sandbox" "\$@"
END
chmod +x "$work/run" "$work/named"
benches/cache.sh "$work/named" "$work/run" "$keys"
