#!/usr/bin/env bash
# The Declare lines of docs/languages/vba.md: each names a function that the library has, with as many parameters. That the 32-bit
# DLL can be called so is what tests/cross/stdcall.c tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0 count=0
while read -r name parameters; do
    count=$((count + 1))
    case $name in
        *_stdcall) code=$(tr '\n' ' ' <src/ffi/stdcall.rs | grep -o "extern \"stdcall\" fn $name([^)]*)" || true) ;;
        *) code=$(grep -E "\b$name\(" include/b2auth.cdef.h || true) ;;
    esac
    in_code=$(sed 's/.*(\(.*\)).*/\1/; s/^void$//' <<<"$code" | tr ',' '\n' | grep -c '[a-z]' || true)
    if [[ -n $code && $in_code = "$parameters" ]]; then
        echo "ok vba: $name has $parameters parameters"
    else
        echo "not ok vba: $name has $parameters parameters in the document; in the code: ${code:-it is not there}"
        failed=1
    fi
done < <(sed -e ':join' -e '/ _$/ { N; s/ _\n//; b join' -e '}' docs/languages/vba.md | sed -n '
    /^Private Declare .*Alias/ s/.*Alias "\([a-z0-9_]*\)" *(\(.*\)).*/\1 \2/p
    /^Private Declare .*Alias/! s/^Private Declare [A-Za-z ]* \(b2_[a-z_]*\) Lib "b2auth.dll" *(\([^)]*\)).*/\1 \2/p' |
    while read -r name parameters; do echo "$name $(grep -o 'ByVal' <<<"$parameters" | wc -l)"; done)
[[ $count = 6 ]] || { echo "not ok vba: there are $count declarations, not 6"; failed=1; }
exit "$failed"
