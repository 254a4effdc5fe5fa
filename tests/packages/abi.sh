#!/bin/sh
# The gate for the C interface: it holds today's header for compatible, and finds each kind of change that breaks programs.
set -eu
cd "$(dirname "$0")/../.."
packaging/need.sh abidw abidiff cc >&2 || { echo "SKIP abi: libabigail is missing"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

gate() { # what, pass or fail, a command that edits the header
    what=$1 wanted=$2
    shift 2
    "$@" <include/b2auth.h >"$work/b2auth.h"
    got=pass
    packaging/abi/check.sh "$work/b2auth.h" >"$work/out" 2>&1 || got=fail
    if [ "$got" = "$wanted" ] && { [ $# = 1 ] || ! cmp -s include/b2auth.h "$work/b2auth.h"; }; then
        echo "ok abi: $what"
    else
        cat "$work/out"
        echo "not ok abi: $what: it is to $wanted"
        failed=1
    fi
}

gate "the header is compatible with the baseline" pass cat
gate "a removed function is found" fail sed '/^uint32_t b2_abi_version(void);/d'
gate "a changed parameter is found" fail sed 's/^uint64_t b2_counter(const char \*name);/uint64_t b2_counter(int name);/'
gate "a changed result is found" fail sed 's/^int64_t b2_session_expires_at(/int32_t b2_session_expires_at(/'
gate "a renumbered status is found" fail sed 's/^\( *B2_NETWORK_ERROR = \)9,/\19 + 100,/'
gate "an added status is no break" pass sed 's/^\( *\)B2_INTERNAL_ERROR = 15,/&\n\1B2_NEW_ERROR = 16,/'
gate "an added function is no break" pass sed 's/^uint32_t b2_abi_version(void);/&\nint b2_new(void);/'
exit "$failed"
