#!/bin/sh
# apt-install.sh PACKAGE…: installs Debian packages, as root. Says before it does so what comes with them; services among it
# are neither started nor enabled. What apt-get prints goes to target/apt.log.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "${CARGO_TARGET_DIR:-target}"
log=$(realpath "${CARGO_TARGET_DIR:-target}")/apt.log
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "apt-install.sh: needs root and apt-get" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive

# One at a time: they share a policy, and the database of packages.
if command -v flock >/dev/null; then
    exec 9>/tmp/.b2auth-apt-lock
    flock 9
fi

apt-get -q -o Acquire::Retries=5 update >"$log" 2>&1 || echo "apt-get update failed; the lists of packages may be old: $log" >&2
apt="apt-get -qy --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 install"
# shellcheck disable=SC2086
new=$($apt --simulate "$@" 2>>"$log" | sed -n 's/^Inst \([^ ]*\).*/\1/p') || {
    echo "apt-get has no way to install $*: $log" >&2
    exit 1
}
[ -n "$new" ] || exit 0
echo "installing by apt-get, in a minute or so: $(echo $new)" >&2

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\n# Until a test of b2auth has installed its tools: no service starts.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
# shellcheck disable=SC2086
$apt "$@" >>"$log" 2>&1 </dev/null || {
    echo "apt-get failed: $(grep '^E: ' "$log" | tail -n 1) ($log)" >&2
    exit 1
}
for package in $new; do
    dpkg -L "$package" | sed -n 's,^\(/usr\)\?/lib/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$,\2,p' |
        while read -r unit; do DPKG_MAINTSCRIPT_PACKAGE=$package deb-systemd-helper disable "$unit" || true; done
    dpkg -L "$package" | sed -n 's,^/etc/init\.d/\([^/]*\)$,\1,p' |
        while read -r service; do update-rc.d "$service" disable || true; done
done >>"$log" 2>&1
