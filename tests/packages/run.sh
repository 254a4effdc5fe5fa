#!/usr/bin/env bash
# run.sh [SUITE…]: builds each package and uses it. `make lib` and the sandbox come first; dist and deb build the library for
# glibc 2.17, for which see packaging/cross/build.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
[[ $# != 0 ]] || set -- abi texts musl neighbours cmake conan dist deb
[[ -f $target/release/b2auth.libs ]] || make --no-print-directory lib >&2
[[ -x $target/debug/b2-sandbox ]] || cargo build --quiet --locked -p b2-sandbox
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for suite in "$@"; do
    started=$SECONDS
    # As in all suites a skip is a failure with CI=true.
    "tests/packages/$suite.sh" 2>&1 | tee "$log" || failed=1
    if [[ ${CI:-} = true ]] && grep -q '^SKIP ' "$log"; then failed=1; fi
    echo "    $suite: $((SECONDS - started)) s"
done
exit "$failed"
