#!/usr/bin/env bash
# size.sh: builds the shared library as it is shipped, but with its symbols and a map of the link, and once more without the b2 tool
# and the stores; writes what the bytes are into docs/bench.md. In a folder of its own: nothing that is built is replaced.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/size
packaging/need.sh python3 readelf
mkdir -p "$target"
build() { # map option…
    local map=$1
    shift
    CARGO_PROFILE_RELEASE_STRIP=none "${CARGO:-cargo}" rustc --release --locked --lib --crate-type cdylib --target-dir "$target" "$@" \
        -- -C link-arg="-Wl,-Map=$map,--emit-relocs" -C symbol-mangling-version=v0
}
build "$target/lean.map" --no-default-features --features c-library
lean=$(python3 benches/size.py "$target/release/libb2auth.so" "$target/lean.map" | sed -n 's/^bench size part=all bytes=//p')
build "$target/map" --features c-library
python3 benches/size.py --top "${TOP:-0}" "$target/release/libb2auth.so" "$target/map" >"$target/results"
echo "bench size part=without~b2~tool~and~stores bytes=$lean" >>"$target/results"
cat "$target/results"
python3 benches/report.py "$target/results"
