#!/bin/sh
# cache.sh SANDBOX PROGRAM [KEYS [THREADS]]: runs benches/cache.c beside a sandbox that accepts its keys.
set -eu
sandbox=$1 program=$2 keys=${3:-60000} threads=${4:-16}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v count="$keys" 'BEGIN {
    print "[{\"keyId\": \"k-master\", \"key\": \"secret-of-master\", \"label\": \"master\"}"
    for (i = 0; i < count; i++) printf ",{\"keyId\": \"k%07d\", \"key\": \"secret-of-key-%016d\"}\n", i, i
    print "]"
}' >"$work/keys.json"
printf '#!/bin/sh\nexec "%s" --keys "%s" "$@"\n' "$(realpath "$sandbox")" "$work/keys.json" >"$work/sandbox"
chmod +x "$work/sandbox"
"$(dirname "$0")/../tests/with-sandbox.sh" "$work/sandbox" "$program" "$keys" "$threads"
