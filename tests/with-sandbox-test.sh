#!/bin/sh
# with-sandbox.sh itself: what a command gets from it, and that a signal leaves no process and no file behind.
set -eu
cd "$(dirname "$0")/.."
sandbox=$PWD/${CARGO_TARGET_DIR:-target}/debug/b2-sandbox
case ${CARGO_TARGET_DIR:-} in /*) sandbox=$CARGO_TARGET_DIR/debug/b2-sandbox ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=with-sandbox
. tests/verdict.sh
beside() {
    mkdir -p "$work/tmp"
    TMPDIR=$work/tmp tests/with-sandbox.sh "$sandbox" "$@"
}
nothing_is_left() { [ -z "$(ls -A "$work/tmp")" ] || { ls -R "$work/tmp"; return 1; }; }
until_there() { # file: for ten seconds at most
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 1000 ] || { echo "there is no $1"; return 1; }
        sleep 0.01
    done
}

gets_status_and_input() {
    status=0
    echo "a line" | beside sh -c 'cat; exit 7' >"$work/said" || status=$?
    [ "$status" = 7 ] && [ "$(cat "$work/said")" = "a line" ] && nothing_is_left
}
verdict "the command reads standard input, and its status is the script's" gets_status_and_input

no_sandbox() {
    status=0
    tests/with-sandbox.sh "$work/nothing" true 2>"$work/said" || status=$?
    [ "$status" = 1 ] && [ "$(wc -l <"$work/said")" = 1 ] && grep "^with-sandbox: there is no program $work/nothing" "$work/said"
}
verdict "no sandbox is one line and a status" no_sandbox

# The command ends on any of them, and says which; it is waited for.
ends() { # signal
    rm -f "$work/pids" "$work/said"
    # The shell would have it ignore SIGINT, and the process that started all this may have ignored SIGHUP.
    env --default-signal=INT,HUP,TERM sh -c 'TMPDIR=$2/tmp exec tests/with-sandbox.sh "$1" sh -c "
        trap \"echo got $3 >$2/said; exit 5\" $3
        curl -s $4 >/dev/null \$B2_SANDBOX/count
        pgrep -P \$PPID >$2/pids.part && mv $2/pids.part $2/pids
        while :; do sleep 0.05; done"' sh "$sandbox" "$work" "$1" -f &
    pid=$!
    until_there "$work/pids" || return
    kill -s "$1" "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" = 5 ] && [ "$(cat "$work/said")" = "got $1" ] || { echo "the status is $status"; return 1; }
    for child in $(cat "$work/pids"); do
        if kill -0 "$child" 2>/dev/null; then echo "process $child is still there"; return 1; fi
    done
    nothing_is_left
}
if env --default-signal=INT,HUP,TERM true 2>/dev/null && command -v pgrep >/dev/null; then
    for signal in TERM INT HUP; do
        verdict "SIG$signal reaches the command, and leaves nothing behind" ends "$signal"
    done
else
    echo "SKIP with-sandbox: signals: env has no --default-signal, or pgrep is missing"
fi
exit "$failed"
