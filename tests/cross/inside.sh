#!/bin/sh
# inside.sh ROOT COMMAND…: runs a command in another file system, which sees the folder /b2 of it and the loopback network.
# The files that the scenario needs are copied there. With B2_TEST_DRIVE=Z: the paths are written as Windows has them.
set -eu
root=$1
shift

inside() { printf '%s' "${B2_TEST_DRIVE-}/b2/$1" | { [ -n "${B2_TEST_DRIVE-}" ] && tr / '\\' || cat; }; }
mkdir -p "$root/b2"
cp "$B2_SANDBOX_CA" "$root/b2/ca.pem"
cp "$B2_TEST_DATABASE" "$root/b2/account_info"
B2_SANDBOX_CA=$(inside ca.pem)
B2_TEST_DATABASE=$(inside account_info)
B2_ACCOUNT_INFO=$(inside no-database)
rm -rf "$root/b2/tokens"
B2_TEST_STORE=file:$(inside tokens)
export B2_SANDBOX_CA B2_TEST_DATABASE B2_TEST_STORE B2_ACCOUNT_INFO
unset SSL_CERT_FILE SSL_CERT_DIR TMPDIR || true
# Wine needs /proc; it is mounted for this command alone.
exec unshare --mount sh -eu -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
