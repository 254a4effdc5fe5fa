#!/bin/sh
# Runs what the README's section "Blank fields, JSON, batches, proxies" shows, and holds the answers to those it prints.
# For tests/with-sandbox.sh: loopback never goes through a proxy, so the lines on proxies work without one.
set -eu
cd "$(dirname "$0")/.."
built=$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -std=c99 -D_POSIX_C_SOURCE=200809L -I include cli/*.c -o "$work/b2auth" \
    -L "$built" -lb2auth -Wl,-rpath,"$built" -pthread

# One file a block, numbered in their order: 1.sh, 2.json …
sed -n '/^## Blank fields, JSON/,/^## Linking/p' README.md | awk -v work="$work" '
    /^```[a-z]/ { kind = substr($0, 4); file = work "/" ++count "." kind; next }
    /^```/      { file = ""; next }
    file != ""  { print > file }'

failed=0
for block in $(ls "$work" | grep '\.sh$' | sort -n); do
    name="readme: $(head -n 1 "$work/$block" | cut -c 1-60)"
    said=$work/${block%.sh}.out
    if ! PATH="$work:$PATH" sh -eu "$work/$block" >"$said" 2>&1; then
        cat "$said"
        echo "not ok $name"
        failed=1
        continue
    fi
    # The JSON block right behind: the same fields, and the same values but for those that are left out there.
    shown=$work/$((${block%.sh} + 1)).json
    if [ -f "$shown" ] && ! python3 - "$shown" "$said" <<'PYTHON'
import json, sys

def fits(shown, said):
    if isinstance(shown, dict):
        return all(name in said and fits(value, said[name]) for name, value in shown.items())
    return shown == "…" or shown == said

shown, said = (json.load(open(path)) for path in sys.argv[1:])
sys.exit(not (fits(shown, said) and list(shown) == list(said)))
PYTHON
    then
        cat "$said"
        echo "not ok $name: the answer is not the one shown"
        failed=1
        continue
    fi
    echo "ok $name"
done
exit "$failed"
