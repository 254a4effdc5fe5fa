#!/bin/sh
# serve.sh SANDBOX COMMAND…: runs a command beside a sandbox and whatever else the scenario meets: a key whose requests
# hang, a server that never accepts, a port without one, a database of the b2 tool, and a place for a token store.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1-}" != inside ]; then
    sandbox=$1
    shift
    exec "$here/../with-sandbox.sh" "$sandbox" "$0" inside "$@"
fi
shift

work=$(mktemp -d "${B2_TEST_WORK:-${TMPDIR:-/tmp}}/serve.XXXXXX")
mkfifo "$work/in" "$work/out"
python3 "$here/deaf.py" <"$work/in" >"$work/out" &
exec 9>"$work/in"
trap 'exec 9>&-; wait; rm -rf "$work"' EXIT
read -r port <"$work/out"

tell() { curl -fsS -o "$work/told" -d "$2" "$B2_SANDBOX/$1"; }
B2_TEST_SLOW_KEY_ID=0014aa9865d6f0000000000f0
B2_TEST_DATABASE_KEY_ID=0014aa9865d6f0000000000f1
tell keys "[{\"keyId\":\"$B2_TEST_SLOW_KEY_ID\",\"key\":\"$B2_APPLICATION_KEY\"},
            {\"keyId\":\"$B2_TEST_DATABASE_KEY_ID\",\"key\":\"K001databasedatabasedatabasedat\"}]"
tell script "{\"keyId\":\"$B2_TEST_SLOW_KEY_ID\",\"faults\":[{\"times\":0,\"hold\":\"for ever\"}]}"
B2_TEST_DEAF=http://127.0.0.1:$port
# Low, and reserved: no program listens there, and none is given it by chance.
B2_TEST_REFUSED=http://127.0.0.1:2
B2_TEST_DATABASE=$work/account_info
B2_TEST_STORE=file:$work/tokens
python3 "$here/database.py" "$B2_TEST_DATABASE" "$B2_TEST_DATABASE_KEY_ID" K001databasedatabasedatabasedat "$B2_ENVIRONMENT"
cp "$B2_SANDBOX_CA" "$work/ca.pem"
B2_SANDBOX_CA=$work/ca.pem
export B2_TEST_SLOW_KEY_ID B2_TEST_DATABASE_KEY_ID B2_TEST_DEAF B2_TEST_REFUSED B2_TEST_DATABASE B2_TEST_STORE B2_SANDBOX_CA

status=0
"$@" || status=$?
exit "$status"
