# shellcheck shell=sh disable=SC2034,SC2154
# The clients themselves: found, or installed if this is a Debian that may be changed.

# need COMMAND [PACKAGE]
need() {
    command -v "$1" >/dev/null && return
    "${root:-.}/packaging/apt-install.sh" "${2:-$1}"
    command -v "$1" >/dev/null
}

need_python() {
    need python3
}

# The newest b2 tool, b2sdk with it. Without a network an older one will do.
need_b2() {
    if [ ! -x "$venv/bin/pip" ]; then
        mkdir -p "${venv%/*}"
        python3 -m venv --clear "$venv" >/dev/null 2>&1 ||
            { need venv-is-no-command python3-venv; python3 -m venv --clear "$venv"; } \
                >/dev/null 2>&1 || return
    fi
    "$venv/bin/pip" install --quiet --upgrade b2 >/dev/null 2>&1
    [ -x "$venv/bin/b2" ]
}

# Sets the way into namespaces where port 443 is free and host names are ours.
need_namespace() {
    for flags in -mn -rmn; do
        namespace=$flags
        unshare "$flags" sh -c 'mount --bind /etc/hosts /etc/hosts && ip link set lo up' \
            2>/dev/null && return
    done
    return 1
}
