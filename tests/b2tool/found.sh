#!/bin/sh
# found.sh TOOL FILE PROGRAM, with a sandbox: the tool authorizes, and the program finds that out for itself.
set -eu
tool=$1 file=$2 program=$3
id=$B2_APPLICATION_KEY_ID key=$B2_APPLICATION_KEY
export SANDBOX="$B2_ENVIRONMENT"
unset B2_APPLICATION_KEY_ID B2_APPLICATION_KEY B2_ENVIRONMENT B2_ACCOUNT_INFO
[ -z "${B2_ACCOUNT_INFO_TO_SET:-}" ] || export B2_ACCOUNT_INFO="$B2_ACCOUNT_INFO_TO_SET"

"$tool" "$id" "$key"
before=$(sha256sum "$HOME/$file")
curl -fsS -X DELETE "$B2_SANDBOX/log"

# Debian's has a name for the server where the newest has its URL.
case $tool in */debian) export B2_ENVIRONMENT="$SANDBOX" ;; esac
"$program"
curl -fsS "$B2_SANDBOX/count?keyId=$id" | grep -w 1
curl -fsS "$B2_SANDBOX/count" | grep -w 1

[ "$(sha256sum "$HOME/$file")" = "$before" ]
for left in "$HOME/$file"-*; do [ ! -e "$left" ]; done
