#!/bin/sh
# inside.sh ROOT DIRECTORY COMMAND…: runs a command in another file system, which sees the folders of B2_TEST_PLACES and
# the loopback network. Their paths are the same inside and outside. It has a mount namespace of its own, so that nothing stays
# mounted. For a command that Debian 12 has as well, ROOT is /.
set -eu
root=$1 directory=$2
shift 2
if [ "$root" = / ]; then
    cd "$directory"
    exec "$@"
fi
export root directory
exec unshare --mount --propagation private sh -eu -c '
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    for place in ${B2_TEST_PLACES-}; do
        mkdir -p "$root$place"
        mount --bind "$place" "$root$place"
    done
    exec chroot "$root" env HOME=/root sh -eu -c "cd \"\$directory\"; unset root directory; exec \"\$@\"" sh "$@"' sh "$@"
