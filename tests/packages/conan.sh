#!/usr/bin/env bash
# The Conan recipe, shared and static, with its test_package. The library is built by `make` first, since the recipe would
# build it from nothing: CONAN_CREATE=1 lets it.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
packaging/need.sh python3-venv cmake cc >&2 || { echo "SKIP conan: a tool is missing"; exit 0; }
tools=$target/tools/conan
if [[ ! -x $tools/bin/conan ]]; then
    python3 -m venv "$tools"
    packaging/again.sh "$tools/bin/pip" install --quiet conan==2.34.0 || { echo "SKIP conan: install conan from PyPI into $tools"; exit 0; }
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CONAN_HOME=$work/home PATH=$tools/bin:$PATH
failed=0
# Conan builds it where it lies.
cp -r packaging/conan/test_package "$work/"
conan profile detect >"$work/out" 2>&1
for shared in True False; do
    what="conan: shared=$shared"
    how=(export-pkg packaging/conan --test-folder "$work/test_package")
    [[ ${CONAN_CREATE:-} != 1 ]] || how=(create packaging/conan --test-folder "$work/test_package")
    if conan "${how[@]}" -o "b2auth/*:shared=$shared" >"$work/out" 2>&1 && grep -E '^b2auth [0-9.]+: ' "$work/out" >"$work/said"; then
        echo "ok $what: $(cut -c 1-60 "$work/said")"
    else
        tail -n 40 "$work/out"
        echo "not ok $what"
        failed=1
    fi
done
exit "$failed"
