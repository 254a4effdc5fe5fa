#!/bin/sh
# In namespaces of its own: api.backblazeb2.com is the sandbox, and restic keeps a repository there.
#
#   restic.sh SANDBOX FOLDER WORK
set -eu

sandbox=$1 here=$2 work=$3
mkdir -p "$work"
echo '127.0.0.1 localhost api.backblazeb2.com' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
ip link set lo up

mkfifo "$work/ready"
"$sandbox" --https-port 443 >"$work/ready" &
pid=$!
trap 'kill $pid; wait $pid || true' EXIT
read -r ready <"$work/ready"
field() { python3 "$here/field.py" "$ready" "$@"; }

B2_ACCOUNT_ID=$(field keys 0 keyId)
B2_ACCOUNT_KEY=$(field keys 0 key)
RESTIC_REPOSITORY=b2:my-bucket:backup
RESTIC_PASSWORD=any
export B2_ACCOUNT_ID B2_ACCOUNT_KEY RESTIC_REPOSITORY RESTIC_PASSWORD
restic() { timeout 60 restic --cacert "$(field ca)" --no-cache "$@"; }

restic init
restic backup "$here"
restic check --read-data
restic snapshots | grep -q "$here"
# Debian's is of version 1; newer ones are of version 3.
echo "proven: $(python3 "$here/witness.py" "$(field control)" 1,3,4 b2_list_buckets,b2_upload_file)"
