#!/bin/sh
# with-sandbox.sh SANDBOX COMMAND…: runs a command with a fresh sandbox, which ends with it. The command finds the usual
# variables set to the sandbox and its master key; B2_SANDBOX is the control endpoint, B2_SANDBOX_CA the file to trust.
set -eu
sandbox=$1
shift

work=$(mktemp -d)
mkfifo "$work/ready"
"$sandbox" >"$work/ready" &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r ready <"$work/ready" || { echo "with-sandbox: $sandbox did not start" >&2; exit 1; }

text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
master() { printf '%s' "$ready" | sed 's/.*{\([^{}]*"label":"master"[^{}]*\)}.*/\1/' | text "$1"; }

B2_ENVIRONMENT=$(printf '%s' "$ready" | text http)
B2_SANDBOX=$(printf '%s' "$ready" | text control)
B2_SANDBOX_CA=$(printf '%s' "$ready" | text ca)
B2_SANDBOX_HTTPS=$(printf '%s' "$ready" | text https)
B2_APPLICATION_KEY_ID=$(master keyId)
B2_APPLICATION_KEY=$(master key)
export B2_ENVIRONMENT B2_SANDBOX B2_SANDBOX_CA B2_SANDBOX_HTTPS B2_APPLICATION_KEY_ID B2_APPLICATION_KEY
# Nobody's own database is looked into.
export B2_ACCOUNT_INFO="$work/no-database"
unset B2_TOKEN_STORE || true

status=0
"$@" || status=$?
exit "$status"
