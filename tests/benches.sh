#!/usr/bin/env bash
# benches.sh: each bench once and small, and their results into a copy of the documents: that `make bench` works, not how fast
# anything is. What is not measured here has a bench that the tests run elsewhere, or takes minutes: the tools in Python, the size.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
sandbox=$target/debug/b2-sandbox built=$target/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
: >"$work/results"

runs() { # table… -- command…: it prints lines for these tables
    local tables=() table
    while [ "$1" != -- ]; do
        tables+=("$1")
        shift
    done
    shift
    if "$@" >"$work/log" 2>&1; then
        for table in "${tables[@]}"; do
            if grep -q "^bench $table " "$work/log"; then
                echo "ok benches: $table"
            elif grep -q '^SKIP ' "$work/log"; then
                sed -n 's/^SKIP /SKIP benches: /p' "$work/log"
            else
                cat "$work/log"
                echo "not ok benches: $table: no line of it"
                failed=1
            fi
        done
        cat "$work/log" >>"$work/results"
    else
        cat "$work/log"
        echo "not ok benches: ${tables[*]}"
        failed=1
    fi
}

for name in hit cache store; do
    "${CC:-cc}" -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I include "benches/$name.c" -o "$work/$name" \
        -L "$built" -lb2auth -Wl,-rpath,"$built" -pthread
done
# shellcheck disable=SC2016
runs hit -- tests/with-sandbox.sh "$sandbox" sh -c '"$1" "$B2_APPLICATION_KEY_ID" "$B2_APPLICATION_KEY"' sh "$work/hit"
runs keys memory threads -- benches/cache.sh "$sandbox" "$work/cache" 300 2
export B2AUTH_BENCH_PYTHON=0
runs start resident dlopen -- benches/start.sh 2
runs batch -- benches/batch.sh 40 20
runs crowd -- benches/crowd.sh 50
runs store -- tests/with-sandbox.sh "$sandbox" benches/store.sh "$work/store" 4

mkdir "$work/copy"
cp -r benches docs README.md "$work/copy"
if "$work/copy/benches/report.py" "$work/results" >"$work/log" 2>&1 && "$work/copy/benches/report.py" --check >>"$work/log" 2>&1 &&
    ! cmp -s docs/bench.md "$work/copy/docs/bench.md"; then
    echo "ok benches: their results come into the documents"
else
    cat "$work/log"
    echo "not ok benches: their results come into the documents"
    failed=1
fi
# A plot or a number that was changed by hand.
sed -i 's/ 50 | yes | [0-9.]*/ 50 | yes | many/' "$work/copy/docs/bench.md"
if "$work/copy/benches/report.py" --check >"$work/log" 2>&1 || ! grep -q "'many' for a number" "$work/log"; then
    cat "$work/log"
    echo "not ok benches: what is no number is noticed"
    failed=1
else
    echo "ok benches: what is no number is noticed"
fi
exit "$failed"
