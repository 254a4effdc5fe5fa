#!/bin/sh
# Other people's clients, unchanged, against the sandbox: what they take for B2 can be believed.
#
#   tests/interop/run.sh [path of the b2-sandbox binary]
#
# Prints "ok", "not ok" or "SKIP" for each check. With CI=true a skip is a failure.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/interop/venv
work=$(mktemp -d)
sandbox_pid=
passed=0 failed=0 skipped=0

finish() {
    [ -n "$sandbox_pid" ] && kill "$sandbox_pid" 2>/dev/null && wait "$sandbox_pid"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# shellcheck source=tests/interop/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/interop/tools.sh
. "$here/tools.sh"

if [ $# -gt 0 ]; then
    sandbox=$1
else
    (cd "$root" && cargo build --quiet -p b2-sandbox) || exit 1
    sandbox=$target/debug/b2-sandbox
fi
sandbox=$(realpath "$sandbox") && [ -x "$sandbox" ] || exit 1

# Nothing of the caller's own may be used or changed, and no proxy stands before loopback.
export HOME="$work" XDG_CONFIG_HOME="$work" XDG_CACHE_HOME="$work" B2_ACCOUNT_INFO="$work/account"
export no_proxy='*' NO_PROXY='*'
unset B2_APPLICATION_KEY_ID B2_APPLICATION_KEY B2_ENVIRONMENT

need_python || { skip everything "no python3 to read the sandbox's log with"; report; exit; }

mkfifo "$work/ready"
"$sandbox" >"$work/ready" &
sandbox_pid=$!
read -r ready <"$work/ready" || exit 1
http=$(field http) https=$(field https) ca=$(field ca) control=$(field control)
id=$(field keys 0 keyId) key=$(field keys 0 key)

if need_b2; then
    check_b2_tool
    check_b2sdk
else
    skip "b2 tool" "can't be installed with pip"
    skip b2sdk "can't be installed with pip"
fi
if need rclone; then check_rclone; else skip rclone "not installed"; fi
if ! need restic || ! need ip iproute2; then
    skip restic "restic or ip not installed"
elif ! need_namespace; then
    skip restic "no private namespaces for its host name here"
else
    check_restic
fi
report
