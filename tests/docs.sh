#!/bin/sh
# What the documents say of the code is what the code says: the README's program, statuses, options, files, functions.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

same() { # name: compares $work/said with $work/true
    if diff "$work/said" "$work/true" >"$work/diff"; then
        echo "ok docs: $1"
    else
        echo "in the document <, in the code >:"
        cat "$work/diff"
        echo "not ok docs: $1"
        failed=1
    fi
}

awk '/^```c$/ { found = 1; next } /^```$/ && found { exit } found' README.md >"$work/said"
cp examples-c/authorize.c "$work/true"
same "the program is examples-c/authorize.c"

sed -n 's/^| `\([a-z_]*\)`.*/\1/p' docs/options.md | sort >"$work/said"
sed -n 's/^ *name: "\([a-z_]*\)",$/\1/p' src/options/table.rs | sort >"$work/true"
same "the options are the library's"

sed -n 's/^| \([0-9]*\) | `\(B2_[A-Z_]*\)`.*/\2 = \1,/p' docs/operations.md >"$work/said"
sed -n 's/^ *\(B2_[A-Z_]* = [0-9]*,\)$/\1/p' include/b2auth.h | grep -v -e MAX_ENUM -e B2_LOG -e ' = 0,' >"$work/true"
same "the statuses in docs/operations.md are the header's"

# Links to files in the documents lead somewhere.
: >"$work/true"
for page in README.md CONTRIBUTING.md SECURITY.md docs/*.md docs/languages/*.md tests/sandbox/README.md; do
    grep -o '](\([^)#:]*\)[^):]*)' "$page" | sed 's/](//; s/[)#].*//' | grep . | while read -r link; do
        [ -e "$(dirname "$page")/$link" ] || echo "$page: $link"
    done
done >"$work/said"
same "every link between the documents leads somewhere"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
printf '%s\n' "b2auth $version" "b2auth $version" >"$work/true"
sed -n 's/^\.TH [A-Z0-9]* [13] [^ ]* "\([^"]*\)".*/\1/p' docs/man/*.[13] >"$work/said"
same "the man pages are of this version"

# Every function of the header stands in the manual.
grep -o '\bb2_[a-z0-9_]*(' include/b2auth.h | tr -d '(' | sort -u >"$work/functions"
sed 's/\\-/-/g' docs/man/libb2auth.3 | grep -o '\bb2_[a-z0-9_]*' | sort -u >"$work/named"
grep -v -e '^b2_session_' -e '^b2_error_' "$work/functions" >"$work/true"
comm -12 "$work/true" "$work/named" >"$work/said"
same "libb2auth(3) names every function but the getters"

if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning docs/man/*.[13] >"$work/said" 2>&1 || true
    : >"$work/true"
    same "the man pages have no mistake that mandoc knows"
else
    echo "SKIP docs: man pages: mandoc is missing (Debian: mandoc)"
fi

# A build here would replace the library that other tests have loaded; the Rust tests have built the writer.
B2AUTH_HEADER=${CARGO_TARGET_DIR:-target}/debug/b2auth-header
export B2AUTH_HEADER
if [ ! -x "$B2AUTH_HEADER" ]; then
    echo "SKIP docs: Doxygen: the header's writer is not built (cargo build --workspace)"
elif packaging/need.sh doxygen >"$work/need" 2>&1; then
    if packaging/docs.sh >"$work/log" 2>&1 && target=$(sed -n 's/^the reference is //p' "$work/log") && [ -f "$target" ]; then
        echo "ok docs: Doxygen has no warning"
    else
        cat "$work/log"
        echo "not ok docs: Doxygen has no warning"
        failed=1
    fi
    # Each chapter of the header is a module, and the options are a table.
    html=${CARGO_TARGET_DIR:-target}/docs/html
    sed -n 's/^ \* @defgroup \([a-z]*\) .*/\1/p' include/b2auth.h | sort >"$work/true"
    ls "$html" | sed -n 's/^group__\([a-z]*\)\.html$/\1/p' | sort >"$work/said"
    same "Doxygen has a module for each chapter of the header"
    sed -n 's/^| `\([a-z_]*\)`.*/\1/p' docs/options.md >"$work/true"
    tr '>' '\n' <"$html/group__options.html" | sed -n 's/^\([a-z_]*\)<\/code$/\1/p' | awk '!seen[$0]++' | grep -x -F -f "$work/true" >"$work/said"
    same "Doxygen has the options as a table"
else
    echo "SKIP docs: $(tail -n 1 "$work/need")"
fi

# Files that the documents name are there.
grep -ho '`[a-z][a-z0-9_./-]*\.\(c\|h\|sh\|rs\|toml\|md\)`' README.md CONTRIBUTING.md docs/*.md | tr -d '`' | sort -u >"$work/said"
: >"$work/true"
while read -r path; do [ ! -e "$path" ] || echo "$path" >>"$work/true"; done <"$work/said"
same "the files named are there"

# Each page about a language is in the README's table, and has a suite.
grep -o 'docs/languages/[a-z]*\.md' README.md | sort -u >"$work/said"
printf '%s\n' docs/languages/*.md | sort >"$work/true"
same "the pages about languages"
# That for VBA calls a DLL, which tests/cross does.
grep -v vba "$work/true" | sed 's,^docs/\(.*\)\.md$,tests/\1.sh,; s,others,hosts,' >"$work/said"
: >"$work/true"
while read -r path; do [ ! -x "$path" ] || ! grep -q "$path" tests/run.sh || echo "$path" >>"$work/true"; done <"$work/said"
same "each of them has a suite"

# Tables and plots are of the same run.
if ! command -v python3 >/dev/null; then
    echo "SKIP docs: the benches' tables: python3 is missing"
elif benches/report.py --check >"$work/log" 2>&1; then
    echo "ok docs: the benches' tables can be read, and plots and README say what they say"
else
    cat "$work/log"
    echo "not ok docs: the benches' tables can be read, and plots and README say what they say"
    failed=1
fi
exit "$failed"
