#!/bin/sh
# Installs, moves the tree away from where it was installed, and uses it from there as a stranger would: a C program by
# pkg-config, shared and static, then Go and Python.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
sandbox=$target/debug/b2-sandbox
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT # Go makes its cache read-only
failed=0

verdict() { # what command…
    what=$1
    shift
    if "$@" >"$work/why" 2>&1; then
        grep -E '^(ok|not ok) ' "$work/why" || echo "ok $what"
    else
        cat "$work/why"
        echo "not ok $what"
        failed=1
    fi
}

make --no-print-directory install DESTDIR="$work/staged" PREFIX=/opt/b2 >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mv "$work/staged/opt/b2" "$work/moved"
lib=$work/moved/lib
export PKG_CONFIG_PATH="$lib/pkgconfig"
version=$(pkg-config --modversion b2auth)
major=${version%%.*}

names_are_linked() {
    [ "$(readlink "$lib/libb2auth.so")" = "libb2auth.so.$major" ] &&
        [ "$(readlink "$lib/libb2auth.so.$major")" = "libb2auth.so.$version" ] &&
        [ -f "$lib/libb2auth.so.$version" ] && [ ! -L "$lib/libb2auth.so.$version" ]
}
verdict "install: libb2auth.so, libb2auth.so.$major and libb2auth.so.$version" names_are_linked

with_shared() {
    cc -std=c99 examples-c/authorize.c $(pkg-config --cflags --libs b2auth) -o "$work/shared" &&
        readelf -d "$work/shared" | grep -F "[libb2auth.so.$major]" &&
        LD_LIBRARY_PATH=$lib tests/with-sandbox.sh "$sandbox" "$work/shared" | grep -x 'accountId  *4aa9865d6f00'
}
verdict "install: a C program with the shared library" with_shared

# The linker prefers a shared library, so this tree has none.
with_static() {
    cp -a "$work/moved" "$work/static" && rm "$work"/static/lib/libb2auth.so* || return
    PKG_CONFIG_PATH=$work/static/lib/pkgconfig
    cc -std=c99 examples-c/authorize.c $(pkg-config --cflags --libs --static b2auth) -o "$work/alone" || return
    if readelf -d "$work/alone" | grep libb2auth; then return 1; fi
    tests/with-sandbox.sh "$sandbox" "$work/alone" | grep -x 'accountId  *4aa9865d6f00'
}
verdict "install: a C program with the static library" with_static

if command -v go >/dev/null; then
    with_go() {
        (cd bindings/go && GOPROXY=off GOCACHE="$work/go" go build -o "$work/with-go" ./examples/authorize) &&
            LD_LIBRARY_PATH=$lib tests/with-sandbox.sh "$sandbox" "$work/with-go" | grep '^4aa9865d6f00 '
    }
    verdict "install: go" with_go
else
    echo "SKIP install: go: there is no go command (Debian: golang-go)"
fi

if command -v python3 >/dev/null; then
    with_python() {
        PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=bindings/python/src B2AUTH_LIBRARY=$lib/libb2auth.so.$major \
            tests/with-sandbox.sh "$sandbox" python3 -c 'import b2auth; print(b2auth.authorize().account_id)' |
            grep -x 4aa9865d6f00
    }
    verdict "install: python" with_python
else
    echo "SKIP install: python: there is no python3 command"
fi

uninstalls() {
    mkdir -p "$work/staged/opt" && mv "$work/moved" "$work/staged/opt/b2" &&
        make --no-print-directory uninstall DESTDIR="$work/staged" PREFIX=/opt/b2 &&
        [ -z "$(find "$work/staged" ! -type d)" ]
}
verdict "install: uninstall leaves no file" uninstalls
exit "$failed"
