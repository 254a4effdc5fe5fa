#!/bin/sh
# with-sandbox.sh SANDBOX COMMAND…: runs a command with a fresh sandbox, which ends with it. The command finds the usual
# variables set to the sandbox and its master key; B2_SANDBOX is the control endpoint, B2_SANDBOX_CA the file to trust. A
# signal goes on to the command, and nothing that was started here outlives this script.
set -eu
[ $# -ge 2 ] || { echo "usage: with-sandbox.sh SANDBOX COMMAND..." >&2; exit 64; }
sandbox=$1
shift
command -v "$sandbox" >/dev/null || { echo "with-sandbox: there is no program $sandbox (make sandbox builds it)" >&2; exit 1; }

work=$(mktemp -d)
pid= command= signal=
end() {
    # It removes its files before it ends.
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap end EXIT
for name in HUP INT TERM; do
    # shellcheck disable=SC2064
    trap "signal=$name; if [ -n \"\$command\" ]; then kill -s $name \"\$command\" 2>/dev/null || true; else exit 1; fi" "$name"
done
mkfifo "$work/ready"
"$sandbox" >"$work/ready" &
pid=$!
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

# In the background, so that a signal is handled while the command runs; a shell has such commands ignore two signals, and
# read nothing. Where they can't be restored, signals wait for the command's end.
status=0
if env --default-signal=INT,QUIT true 2>/dev/null; then
    exec 3<&0
    env --default-signal=INT,QUIT "$@" <&3 3<&- &
    command=$!
    exec 3<&-
    while :; do
        status=0
        wait "$command" || status=$?
        # A signal to this script ends the wait, too.
        kill -0 "$command" 2>/dev/null || break
    done
else
    "$@" || status=$?
fi
exit "$status"
