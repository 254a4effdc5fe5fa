#!/bin/sh
# store.sh BENCH PROCESSES: benches/store.c with a store in files, and in a Redis of its own by socket and by loopback if there
# is one; beside them b2sdk with its account file. For tests/with-sandbox.sh.
set -eu
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
set -- "$1" "$2" "file:$work/tokens"
if command -v redis-server >/dev/null; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    redis-server --port "$port" --bind 127.0.0.1 --unixsocket "$work/socket" --save '' --appendonly no \
        --loglevel warning --dir "$work" >/dev/null &
    pid=$!
    until [ -S "$work/socket" ]; do kill -0 "$pid"; sleep 0.05; done
    set -- "$@" "redis+unix://$work/socket" "redis://127.0.0.1:$port"
else
    echo "there is no redis-server here: files only"
fi
bench=$1 processes=$2
shift 2
"$bench" "$processes" "$B2_APPLICATION_KEY_ID" "$B2_APPLICATION_KEY" "$@"

# The tests of this script leave it out, as in start.sh.
[ "${B2AUTH_BENCH_PYTHON:-1}" != 0 ] || exit 0
here=$(dirname "$0")
# shellcheck disable=SC2034
root=$here/.. venv=${CARGO_TARGET_DIR:-$here/../target}/interop/venv
# shellcheck source=tests/interop/tools.sh
. "$root/tests/interop/tools.sh"
[ -x "$venv/bin/b2" ] || need_b2 || { echo "there is no b2sdk here, and none could be installed"; exit 0; }
"$venv/bin/python" "$here/account_file.py" "$work/account_info"
