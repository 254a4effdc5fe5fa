#!/bin/sh
# What the README says of the code is what the code says: its program, its statuses, its options, its files.
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
table() { sed -n "/^## $1/,/^## /p" README.md | grep '^|'; }

sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' >"$work/said"
cp examples-c/authorize.c "$work/true"
same "the program is examples-c/authorize.c"

table Statuses | sed -n 's/^| \([0-9]*\) | `\(B2_[A-Z_]*\)`.*/\2 = \1,/p' >"$work/said"
sed -n 's/^ *\(B2_[A-Z_]* = [0-9]*,\)$/\1/p' include/b2auth.h | grep -v -e MAX_ENUM -e B2_LOG >"$work/true"
same "the statuses are the header's"

sed -n 's/^| `\([a-z_]*\)`.*/\1/p' docs/options.md | sort >"$work/said"
sed -n 's/^ *name: "\([a-z_]*\)",$/\1/p' src/options/table.rs | sort >"$work/true"
same "the options are the library's"

# Files that the documents name are there.
grep -ho '`[a-z][a-z0-9_./-]*\.\(c\|h\|sh\|rs\|toml\|md\)`' README.md CONTRIBUTING.md | tr -d '`' | sort -u >"$work/said"
: >"$work/true"
while read -r path; do [ ! -e "$path" ] || echo "$path" >>"$work/true"; done <"$work/said"
same "the files named are there"
exit "$failed"
