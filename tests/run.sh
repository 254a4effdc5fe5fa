#!/usr/bin/env bash
# Every test there is: `make test`. Each suite's output goes to target/test-logs; what failed is shown, and the last line
# adds up. A suite prints "ok NAME", "not ok NAME" or "SKIP NAME: WHY", or is one of cargo's.
#
#   tests/run.sh             all of it, two suites at a time
#   tests/run.sh rust c      these suites only
#   tests/run.sh --all go    with every compiler, interpreter and sanitizer that a language's suite knows; --all store: with
#                            Valkey as well, and 20 runs of what chance may spoil
#
# With CI=true a skip is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
logs=$target/test-logs
rm -rf "$logs"
mkdir -p "$logs"
all=
if [[ ${1:-} = --all ]]; then
    all=--all
    shift
fi
only=" $* "

# The tests bring their own keys and server, and no proxy stands before loopback.
for name in $(compgen -e | grep -E '^B2_|^SSL_CERT_|_(proxy|PROXY)$'); do unset "$name"; done
# Nor is anybody's own database looked into.
export B2_ACCOUNT_INFO=$logs/no-database

# ---- the suites ----

format() {
    cargo fmt --all --check
    echo "ok format"
}

lint() {
    cargo clippy --locked --workspace --all-targets -- -D warnings
    echo "ok lint: as it comes"
    cargo clippy --locked --workspace --all-targets --features test-hooks -- -D warnings
    echo "ok lint: test-hooks"
    # Not among all targets, since cargo test is to leave it out.
    cargo clippy --locked --workspace --features test-hooks --test stress -- -D warnings
    echo "ok lint: the stress test"
    cargo clippy --locked --workspace --all-targets --features c-library -- -D warnings
    echo "ok lint: c-library"
    cargo clippy --locked -p b2auth --lib --tests --no-default-features -- -D warnings
    echo "ok lint: without the b2 tool's database"
    # Cargo's --locked build of the fuzzers refuses a lock file that lags behind.
    cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >"$logs/fuzz-metadata"
    echo "ok lint: the fuzzers' lock file"
    cargo metadata --locked --format-version 1 --manifest-path tests/allocators/Cargo.toml >"$logs/allocators-metadata"
    echo "ok lint: the lock file of the host with an allocator of its own"
}

rust() {
    cargo test --locked --workspace --features test-hooks --no-run
    # The hosts and the C programs want the sandbox as a program, the tests of the C ABI the library with hooks.
    cargo build --locked --workspace --features test-hooks
    cargo test --locked --workspace --features test-hooks --no-fail-fast
}

library() {
    make --no-print-directory
    echo "ok library: builds as it is shipped"
}

# The models need a build of their own, without the release profile's long link.
loom() {
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=3 \
        RUSTFLAGS="--cfg loom" cargo test --locked --release --lib --target-dir "$target/loom" loom_tests
}

# At a lower priority: it takes a minute however fast the machine is.
stress() { nice -n 10 tests/stress.sh; }
header() { tests/c/header.sh; }
symbols() { tests/symbols.sh; }
c() { tests/c/run.sh; }
valgrind() { tests/valgrind.sh; }
deny() { tests/deny.sh; }
install() { tests/install.sh; }
setuid() { tests/with-sandbox.sh "$target/debug/b2-sandbox" tests/setuid.sh; }
examples() { tests/examples.sh; }
cli() { tests/cli/run.sh; }
beside() { tests/with-sandbox-test.sh; }
snippets() { tests/snippets.sh; }
store() { tests/store/run.sh $all; }
docs() { tests/docs.sh; }
benches() { tests/benches.sh; }
# make packages has the long ones too, which build anew.
packages() { tests/packages/run.sh abi texts musl neighbours cmake; }
interop() { tests/interop/run.sh "$target/debug/b2-sandbox"; }
allocators() { tests/allocators.sh "$target/debug/b2-sandbox"; }
proxies() { tests/proxies/run.sh "$target/debug/b2-sandbox"; }
# At a lower priority, beside what the others wait for.
fuzz() { nice -n 5 fuzz/run.sh 10; }
differential() { fuzz/differential.sh; }
b2tool() { tests/b2tool/run.sh "$target/debug/b2-sandbox"; }

# The languages use the library as it is installed in $staged.
staged=$target/stage
cpp() { tests/languages/cpp.sh "$staged" "$target/debug/b2-sandbox" $all; }
go() { tests/languages/go.sh "$staged" "$target/debug/b2-sandbox" ${all:---quick}; }
python() { tests/languages/python.sh "$staged" "$target/debug/b2-sandbox" ${all:---quick}; }
node() { tests/languages/node.sh "$staged" "$target/debug/b2-sandbox"; }
vba() { tests/languages/vba.sh; }
hosts() { tests/languages/hosts.sh $all "$staged" "$target/debug/b2-sandbox"; }
# Only where it is asked for by name: a toolchain of 3 GB.
swift() { tests/languages/swift.sh "$staged" "$target/debug/b2-sandbox" $all; }

# ---- running them ----

# What each does, and about how long that takes on two cores: the first time, and again.
what() {
    case $1 in
    format) echo "formatting: seconds" ;;
    lint) echo "clippy in five configurations: 3 minutes, then 1" ;;
    rust) echo "the Rust tests, built with hooks: 8 minutes, then 3" ;;
    library) echo "the library and the command as they are shipped: 3 minutes, then seconds" ;;
    loom) echo "models of the concurrent parts: 3 minutes" ;;
    stress) echo "random calls against random faults: 2 minutes" ;;
    header) echo "the header in every C and C++: half a minute" ;;
    symbols) echo "what the library exports: seconds" ;;
    docs) echo "what the documents say: 2 minutes, then seconds" ;;
    benches) echo "each bench, once and small: 1 minute" ;;
    vba) echo "the declarations for Visual Basic: seconds" ;;
    deny) echo "licences and sources of the dependencies: 3 minutes, then seconds" ;;
    c) echo "C programs against the library: 1 minute" ;;
    setuid) echo "programs with raised rights: half a minute" ;;
    install) echo "make install, and the README's recipe: half a minute" ;;
    proxies) echo "real proxies: 1 minute" ;;
    beside) echo "the script that runs a command beside the sandbox: seconds" ;;
    store) echo "the recipes for token stores, and a fleet of 1,000: 2 minutes" ;;
    snippets) echo "what the README and the pages under docs/ show, run: half a minute" ;;
    cli) echo "the command: 1 minute" ;;
    valgrind) echo "C programs under Valgrind: 2 minutes" ;;
    packages) echo "CMake, pkg-config, the interface's gate, the static library's neighbours: 1 minute" ;;
    examples) echo "the example programs and the demonstration: half a minute" ;;
    interop) echo "other clients against the sandbox: 2 minutes" ;;
    b2tool) echo "databases by the b2 tool: 1 minute" ;;
    fuzz) echo "each fuzzer for 10 seconds: 6 minutes, then 1" ;;
    differential) echo "the reply parser beside another client's: seconds" ;;
    allocators) echo "programs with an allocator of their own: 1 minute" ;;
    packages) echo "packages and what they promise: 2 minutes" ;;
    cpp) echo "b2auth.hpp by g++ and clang: 1 minute" ;;
    go) echo "the Go package: 2 minutes, then half a minute" ;;
    python | node) echo "the package for $1: 1 minute" ;;
    hosts) echo "programs in other languages: half a minute" ;;
    swift) echo "the Swift package, whose compiler has 3 GB: a quarter of an hour, then 2 minutes" ;;
    *) echo "a suite" ;;
    esac
}

# Every half minute, the last line of a suite's log: for most of the time that is Cargo's progress.
report_progress() {
    local since=$SECONDS
    # Waits for a line that never comes: a sleep would live on once this is ended.
    while ! read -r -t 30 <> <(:); do
        printf '%-9s %d s: %s\n' "$1" $((SECONDS - since)) "$(tail -n 1 "$logs/$1.log" | tr '\r' '\n' | tail -n 1 | cut -c 1-90)"
    done
}

run() {
    local name status verdict start progress
    for name in "$@"; do
        [[ $only = "  " || $only = *" $name "* ]] || continue
        printf '%-9s begins: %s\n' "$name" "$(what "$name")"
        report_progress "$name" &
        progress=$!
        start=$SECONDS status=0
        # Not in an `if`: that would switch off `set -e` inside.
        set +e
        (set -e; "$name") >"$logs/$name.log" 2>&1 </dev/null
        status=$?
        set -e
        kill "$progress"
        wait "$progress" 2>/dev/null || true
        echo "$status" >"$logs/$name.status"
        [[ $status = 0 ]] && verdict=good || verdict=FAILED
        printf '%-9s %s, %d s\n' "$name" "$verdict" $((SECONDS - start))
    done
}

# It names on standard error what it installs; what is missing then, the suites themselves say.
packaging/need.sh cargo cc c++ pkg-config curl libcurl libjemalloc go python3 tcc openssl ip unshare setcap \
    tinyproxy danted microsocks stunnel4 valgrind faketime g++ clang-16 npm python3-venv python3-cffi luajit ruby perl \
    redis-server libjson-c libffi-platypus-perl zsh fish php tclsh tcl-dev gfortran cobc >"$logs/need.log" || true
echo "each suite's output goes to $logs"

# Cargo lets one build at a time into a folder, so each lane has its own. The third is for when another one waits.
run format lint rust &
run library loom header symbols vba deny &
run fuzz &
wait
# These use what is built by now, several at a time: none of them builds it anew in its place.
[[ ! -f $logs/library.status ]] || export B2AUTH_KEEP_LIB=1
rm -rf "$staged"
make --no-print-directory install DESTDIR= PREFIX="$staged" >"$logs/stage" 2>&1 || cat "$logs/stage"
run docs beside benches snippets store c allocators setuid install proxies cli valgrind cpp hosts &
run packages examples interop differential b2tool go python node &
[[ $only != *" swift "* ]] || run swift
# A third lane beside them.
run stress &
wait

# ---- adding up ----

passed=0 failed=0 skipped=0
for status in "$logs"/*.status; do
    log=${status%.status}.log
    name=$(basename "$log" .log)
    read -r good bad < <(awk '
        /^ok /           { good++ }
        /^not ok /       { bad++ }
        /^test result: / { good += $4; bad += $6 }
        END              { print good + 0, bad + 0 }' "$log")
    if [[ $(cat "$status") != 0 && $bad = 0 ]]; then bad=1; fi
    if [[ $bad != 0 ]]; then
        echo "---- $name ----"
        sed "s/^/    /" "$log"
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    grep -h '^SKIP ' "$log" || true
    # Tests that other tests run in a subprocess are not skipped.
    sed -n '/run by another test/!s/^test \(.*\) \.\.\. ignored\(, \(.*\)\)\?$/SKIP \1: \3/p' "$log"
done >"$logs/summary"
skipped=$(grep -c '^SKIP ' "$logs/summary" || true)
grep -v '^SKIP ' "$logs/summary" || true
grep '^SKIP ' "$logs/summary" || true
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed = 0 ]] && [[ ${CI:-} != true || $skipped = 0 ]]
