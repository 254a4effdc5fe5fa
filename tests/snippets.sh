#!/bin/bash
# What the README and the pages under docs/ show, run: the shell blocks of a page in their order, in a folder with the files that the other
# blocks are, each of which names its own in its first line. With the library, the command and the sandbox as installed, and
# a sandbox beside it. A block of JSON behind a shell block is what that one prints, "…" for anything.
#
#   snippets.sh [PAGE…]
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
if [[ -z ${B2_SANDBOX:-} ]]; then exec tests/with-sandbox.sh "$target/debug/b2-sandbox" "$0" "$@"; fi
[[ $# -gt 0 ]] || set -- README.md docs/c.md docs/json.md docs/operations.md docs/testing.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

missing=$(packaging/need.sh cc pkg-config cmake meson curl python3) || { echo "SKIP snippets: $missing" | tr '\n' ' '; echo; exit 0; }
make --no-print-directory install install-sandbox PREFIX="$work/prefix" >"$work/log" 2>&1 ||
    { cat "$work/log"; echo "not ok snippets: the installation"; exit 1; }
PATH=$work/prefix/bin:$PATH
mkdir "$work/cache"
export XDG_CACHE_HOME=$work/cache
export PATH PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig LD_LIBRARY_PATH=$work/prefix/lib TMPDIR=$work

# Each block of a page as its own file: 3.sh, 4.json …; those with a name of their own under that, too.
split() { # page folder
    awk -v folder="$2" '
        /^```[a-z]+$/ { kind = substr($0, 4); file = folder "/blocks/" ++count "." kind; first = 1; named = ""; next }
        /^```/ { file = ""; next }
        file == "" { next }
        first {
            first = 0
            if (match($0, /^(\/\/|#|\/\*) [A-Za-z0-9_.-]+\.(c|cpp|txt|build|py|json|sh|yml)( \*\/|:.*)?$/) && kind != "sh") {
                split($0, words, /[ :]+/)
                named = folder "/" words[2]
            }
        }
        { print >file; if (named != "") print >named }' "$1"
}

fits='
import json, sys
def fits(shown, said):
    if isinstance(shown, dict):
        return list(shown) == list(said) and all(fits(value, said[name]) for name, value in shown.items())
    return shown == "…" or shown == said
shown, said = (json.load(open(path)) for path in sys.argv[1:])
sys.exit(not fits(shown, said))'

for page in "$@"; do
    here=$work/$(basename "$page" .md)
    mkdir -p "$here/blocks"
    split "$page" "$here"
    found=0
    for block in $(cd "$here/blocks" && printf '%s\n' *.sh | sort -n); do
        [[ -f $here/blocks/$block ]] || break
        # How to install is tried by tests/install.sh, how to build by everything.
        grep -q -E 'sudo|^make' "$here/blocks/$block" && continue
        found=1
        name="snippets: $page: $(grep -v '^#' "$here/blocks/$block" | head -n 1 | cut -c 1-60)"
        said=$here/blocks/${block%.sh}.out
        if ! (cd "$here" && sh -eu "blocks/$block") >"$said" 2>"$here/blocks/log" </dev/null; then
            cat "$said" "$here/blocks/log"
            echo "not ok $name"
            failed=1
            continue
        fi
        shown=$here/blocks/$((${block%.sh} + 1)).json
        if [[ -f $shown ]] && ! python3 -c "$fits" "$shown" "$said"; then
            cat "$said"
            echo "not ok $name: what it prints is not what is shown"
            failed=1
            continue
        fi
        echo "ok $name"
    done
    [[ $found = 1 ]] || { echo "not ok snippets: $page: it has no shell block"; failed=1; }
done
exit "$failed"
