#!/usr/bin/env bash
# Our reply parser beside b2sdk's, on the same bytes: the corpus and mutants of it. Where both take a reply, they must have
# read the same in it. To be run after fuzz/run.sh, which builds ours, and tests/interop, which brings b2sdk.
#
#   fuzz/differential.sh [MUTANTS]
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
python=$target/interop/venv/bin/python
fields=$target/fuzz/$(rustc -vV | sed -n 's/^host: //p')/release/fields
if [[ ! -x $fields ]] || ! "$python" -c 'import b2sdk' 2>/dev/null; then
    echo "SKIP fuzz: the reply parser beside b2sdk's: no b2sdk, or no fuzzers"
    exit 0
fi
"$python" fuzz/differential.py "$fields" fuzz/corpus/reply "${1:-10000}"
