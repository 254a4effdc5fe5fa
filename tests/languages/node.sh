#!/usr/bin/env bash
# node.sh PREFIX SANDBOX: the npm package against an installed library, as npm packs and installs it: its types, its tests,
# and its page's snippets.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
prefix=$(realpath "$1")
sandbox=$(realpath "$2")
mkdir -p "${CARGO_TARGET_DIR:-target}/languages"
work=$(realpath "${CARGO_TARGET_DIR:-target}/languages")/node
mkdir -p "$work"
log=$work/log
export npm_config_cache=$work/cache npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false npm_config_fetch_retries=5
unset B2AUTH_LIBRARY
suite=node
. tests/verdict.sh

packaging/need.sh npm >"$log" 2>&1 || {
    echo "SKIP node: $(tail -n 1 "$log")"
    exit 0
}
recent() { [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; }
# Debian 12 has Node 18; npm has newer ones.
if ! recent; then
    [ -x "$work/runtime/node_modules/.bin/node" ] || npm install --silent --prefix "$work/runtime" node@22 >"$log" 2>&1 || true
    PATH=$work/runtime/node_modules/.bin:$PATH
fi
if ! recent; then
    echo "SKIP node: this is Node $(node --version), and the package needs 20"
    exit 0
fi

# ---- packed as for the registry, with a library in it, and installed where a program would have it ----

rm -rf "$work/packed" "$work/again" "$work/project"
mkdir -p "$work/packed" "$work/again" "$work/project"
platform=$(node -p 'process.platform + (process.report.getReport().header.glibcVersionRuntime ? "" : "musl") + "-" + process.arch')
echo '{"name": "program", "private": true}' >"$work/project/package.json"
tarball=$(bindings/node/pack.sh "$work/packed" "$platform=$prefix/lib/libb2auth.so")
same_twice() { cmp "$tarball" "$(bindings/node/pack.sh "$work/again" "$platform=$prefix/lib/libb2auth.so")"; }
verdict "the same files make the same package" same_twice
contents() {
    tar tzf "$tarball" | sort | tee "$work/names"
    for name in index.js index.d.ts lib/library.js "prebuilds/$platform/libb2auth.so" LICENSE-MIT LICENSE-APACHE README.md; do
        grep -qx "package/$name" "$work/names" || { echo "$name is not in it" && return 1; }
    done
    ! grep -E 'test/|node_modules' "$work/names"
}
verdict "the package has what it needs and no more" contents
if ! (cd "$work/project" && npm install --silent "$tarball" typescript@7 @types/node@20) >"$log" 2>&1; then
    cat "$log"
    echo "SKIP node: its packages could not be installed"
    exit 0
fi
alone() { [ "$(node -p 'Object.keys(require(process.argv[1]).dependencies).join()' "$work/project/node_modules/b2auth/package.json")" = koffi ]; }
verdict "koffi is the only dependency" alone

# ---- types ----

cp bindings/node/test/types.ts "$work/project/types.ts"
types() {
    (cd "$work/project" && node_modules/.bin/tsc --noEmit --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes \
        --target es2022 --module nodenext --types node types.ts)
}
verdict "the types are right, and wrong programs are refused" types

# ---- tests ----

export B2AUTH_PACKAGE=$work/project/node_modules/b2auth
packaging/need.sh cc >"$log" 2>&1 && cc -shared -fPIC -Wall -Wextra -Werror bindings/node/test/slow_load.c -o "$work/slow_load.so" &&
    export B2AUTH_SLOW_LOAD=$work/slow_load.so
tests/with-sandbox.sh "$sandbox" node --test --test-reporter="$root/bindings/node/test/reporter.mjs" \
    bindings/node/test/*.test.js 2>&1 || failed=1

# ---- the page ----

for language in js mjs; do
    rm -rf "$work/page"
    tests/languages/snippets.sh docs/languages/node.md "$language" "$work/page"
    for snippet in $(cd "$work/page" && printf '%s\n' *."$language" | sort -n); do
        number=${snippet%."$language"}
        # Where a program of the project's stands, so that it finds the package.
        cp "$work/page/$snippet" "$work/project/"
        shows() {
            tests/with-sandbox.sh "$sandbox" node "$work/project/$snippet" >"$work/said" 2>"$work/err" || {
                cat "$work/err"
                return 1
            }
            [ ! -e "$work/page/$number.text" ] || diff "$work/page/$number.text" "$work/said"
        }
        verdict "docs/languages/node.md: $language $number" shows
    done
done
exit "$failed"
