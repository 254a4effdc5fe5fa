#!/bin/sh
# loader-cache.sh DESTDIR FOLDER: after libb2auth was put into FOLDER or taken from it, makes the loader notice where that can
# be done from here, else says in one line what is left to do.
set -eu
destdir=$1 folder=$2
PATH=$PATH:/usr/sbin:/sbin

if [ -n "$destdir" ]; then
    echo "in its final place, run ldconfig, so that programs find libb2auth in $folder"
    exit 0
fi
# Without glibc's cache the loader looks into its folders each time.
command -v ldconfig >/dev/null && [ "$(uname -s)" = Linux ] || exit 0

# The folders that the loader reads, as they are after links.
real=$(readlink -f "$folder")
is_read() {
    # What goes to standard error is about folders that are not there.
    ldconfig -N -X -v 2>/dev/null | sed -n 's,^\(/[^:]*\):.*,\1,p' | while read -r known; do readlink -f "$known"; done |
        grep -q -x -F -e "$real"
}
if ! is_read; then
    echo "the loader does not look into $folder: add it to /etc/ld.so.conf.d and run ldconfig, or set LD_LIBRARY_PATH=$folder"
elif ! ldconfig 2>/dev/null; then
    echo "run ldconfig as root, so that programs find libb2auth in $folder"
fi
