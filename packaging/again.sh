#!/bin/sh
# again.sh COMMAND…: for what fetches something: runs it, and if it fails twice more, after a while.
set -u
for pause in 5 20; do
    "$@" && exit
    echo "again.sh: $1 failed; once more in $pause s" >&2
    sleep "$pause"
done
exec "$@"
