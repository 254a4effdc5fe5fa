#!/usr/bin/env bash
# Fuzzes each target for a while. Its build has a folder of its own, so that no other has to be made anew for it.
#
#   fuzz/run.sh SECONDS [TARGET…]
#
# Starts from fuzz/corpus, which it does not change; what it finds worth keeping goes to target/fuzz/found, and an input
# that breaks something to target/fuzz/crashes. Prints "ok", "not ok" or "SKIP" for each target.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
shift
[[ $# -gt 0 ]] || set -- reply request option retry_after database record resp
target=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
failed=0

skip() {
    echo "SKIP fuzz: $1"
    exit 0
}

tools=$(packaging/tool.sh cargo-fuzz 0.13.2) || skip "cargo-fuzz can't be built"
PATH=$PATH:$tools
# cargo-fuzz has no --locked of its own.
cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml
# The flags that fuzzers need are nightly's. Without AddressSanitizer: what is ours in this is Rust without unsafe
# code, SQLite has fuzzers of its own, and the plain build is several times as quick.
RUSTC_BOOTSTRAP=1 cargo fuzz build --sanitizer none --target-dir "$target"
built=$target/$(rustc -vV | sed -n 's/^host: //p')/release
mkdir -p "$target/crashes"
# Each input of the database reader is a file, so in memory where there is such a place.
TMPDIR=$(mktemp -d -p "$(if [[ -w /dev/shm ]]; then echo /dev/shm; else echo /tmp; fi)")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# A database has several pages; a setting is short, and eight of them are enough.
longest() {
    case $1 in
    database) echo 16384 ;;
    option) echo 512 ;;
    *) echo 4096 ;;
    esac
}

for name in "$@"; do
    found=$target/found/$name
    mkdir -p "$found"
    log=$target/$name.log
    verdict="ok fuzz:" status=0
    words=()
    [[ ! -f fuzz/words/$name ]] || words=(-dict="fuzz/words/$name")
    "$built/$name" "$found" "fuzz/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len="$(longest "$name")" -artifact_prefix="$target/crashes/$name-" -print_final_stats=1 "${words[@]}" \
        >"$log" 2>&1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    if [[ $status != 0 ]]; then
        verdict="not ok fuzz:" failed=1
        grep -v '^#' "$log" | tail -n 40
    fi
    echo "$verdict $name (${executions:-no} executions)"
done
exit "$failed"
