#!/bin/sh
# Databases that the b2 tool itself wrote, in its newest version and in Debian's: a program that is given no key finds
# the one in them, and B2's side sees it. Prints "ok", "not ok" or "SKIP" for each check.
#
#   tests/b2tool/run.sh SANDBOX      the path of the b2-sandbox binary; the library is the one in target/release
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/tests/b2tool
sandbox=$(realpath "$1")
target=$(realpath "${CARGO_TARGET_DIR:-target}")
venv=$target/interop/venv
debian=$target/interop/debian-b2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 houses=0

# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh

# Debian's tool as it is packed, and what the newest one does not bring with it. Nothing is installed on the machine.
need_debian() {
    [ -e "$debian/usr/bin/backblaze-b2" ] && return
    command -v apt-get >/dev/null || return
    rm -rf "$debian"
    mkdir -p "$debian/packed"
    (
        cd "$debian/packed"
        apt-get download -qq backblaze-b2 || { apt-get update -qq && apt-get download -qq backblaze-b2; }
        "$venv/bin/pip" install --quiet --target "$debian/needs" six
        dpkg -x backblaze-b2_*.deb "$debian"
    ) >/dev/null 2>&1
}

# The two tools, each as a command that takes a key ID and a key. SANDBOX is the server's URL.
cat >"$work/newest" <<END
#!/bin/sh
exec "$venv/bin/b2" account authorize --environment "\$SANDBOX" \${PROFILE:+--profile "\$PROFILE"} "\$@"
END
cat >"$work/debian" <<END
#!/bin/sh
PYTHONPATH=$debian/usr/lib/python3/dist-packages:$debian/needs exec "$venv/bin/python" "$here/debian.py" "\$@"
END
chmod +x "$work/newest" "$work/debian"

# found NAME TOOL FILE VARIABLE…: in a house of its own and with these variables the tool authorizes, which leaves a
# database in FILE; then a call without a key gets a session, by one request that says the right key.
found() {
    name=$1 tool=$2 file=$3
    shift 3
    houses=$((houses + 1))
    mkdir "$work/$houses"
    if (cd "$work/$houses" && env HOME="$work/$houses" "$@" \
        "$here/../with-sandbox.sh" "$sandbox" "$here/found.sh" "$work/$tool" "$file" "$work/blank") >"$work/out" 2>&1; then
        echo "ok b2tool: $name"
    else
        sed 's/^/    /' "$work/out"
        echo "not ok b2tool: $name"
        failed=1
    fi
}

"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I include "$here/blank.c" -o "$work/blank" \
    -L "$target/release" -lb2auth -Wl,-rpath,"$target/release"

if need_b2; then
    found "newest, at its usual place" newest .config/b2/account_info A=
    found "newest, with XDG_CONFIG_HOME" newest xdg/b2/account_info XDG_CONFIG_HOME=xdg
    found "newest, with B2_ACCOUNT_INFO" newest info B2_ACCOUNT_INFO_TO_SET='~/info'
    found "newest, with a profile" newest .config/b2/db-work.sqlite PROFILE=work
    found "newest, with a profile and XDG_CONFIG_HOME" newest xdg/b2/db-w-2.sqlite PROFILE=w-2 XDG_CONFIG_HOME=xdg
else
    echo "SKIP b2tool: newest: can't be installed with pip"
fi
if ! [ -x "$venv/bin/python" ] || ! need_debian; then
    echo "SKIP b2tool: Debian's: there is no package backblaze-b2 to be had"
else
    found "Debian's, at its usual place" debian .b2_account_info A=
    found "Debian's, with B2_ACCOUNT_INFO" debian info B2_ACCOUNT_INFO_TO_SET='~/info'
fi
exit "$failed"
