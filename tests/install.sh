#!/bin/sh
# Installs, moves the tree away from where it was installed, and uses it from there as a stranger would: a C program by
# pkg-config, shared and static, then C++, the command, Go and Python. Then the README's recipe, word by word, in a file
# system of its own.
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

packaging/need.sh pkg-config unshare >/dev/null 2>&1 || true
make --no-print-directory install DESTDIR="$work/staged" PREFIX=/opt/b2 >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cp "$work/log" "$work/first"
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

with_cpp() {
    printf '#include <b2auth.hpp>\nint main() { return b2_abi_version() == B2_ABI_VERSION ? 0 : 1; }\n' >"$work/use.cpp"
    c++ -std=c++17 "$work/use.cpp" $(pkg-config --cflags --libs b2auth) -o "$work/cpp" && LD_LIBRARY_PATH=$lib "$work/cpp"
}
verdict "install: a C++ program" with_cpp

everything_is_there() {
    for file in include/b2auth.h include/b2auth.hpp include/b2auth.cdef.h include/module.modulemap bin/b2auth \
        share/man/man1/b2auth.1 share/man/man3/libb2auth.3 share/bash-completion/completions/b2auth \
        share/zsh/site-functions/_b2auth share/fish/vendor_completions.d/b2auth.fish share/doc/b2auth/README.md; do
        [ -f "$work/moved/$file" ] || { echo "$file is not installed"; return 1; }
    done
}
verdict "install: headers, command, man pages, completions and README" everything_is_there

# It has the library inside.
with_command() {
    tests/with-sandbox.sh "$sandbox" "$work/moved/bin/b2auth" --field accountId | grep -x 4aa9865d6f00
}
verdict "install: the command, without a path to the library" with_command

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

# ---- folders ----

# b2auth.pc is right for the LIBDIR of `make install`, whatever that of `make` was.
other_folder() { # LIBDIR
    tree=$work/other/$1
    make --no-print-directory install DESTDIR="$tree" PREFIX=/usr LIBDIR="$1" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
    PKG_CONFIG_PATH=$tree/usr/$1/pkgconfig
    [ "$(realpath "$(pkg-config --variable=libdir b2auth)")" = "$tree/usr/$1" ] &&
        [ "$(realpath "$(pkg-config --variable=includedir b2auth)")" = "$tree/usr/include" ] &&
        cc -std=c99 examples-c/authorize.c $(pkg-config --cflags --libs b2auth) -o "$work/there" &&
        LD_LIBRARY_PATH=$tree/usr/$1 tests/with-sandbox.sh "$sandbox" "$work/there" | grep -x 'accountId  *4aa9865d6f00'
}
for libdir in lib64 lib/x86_64-linux-gnu; do
    verdict "install: LIBDIR=$libdir" other_folder "$libdir"
done

staged_tree_says_ldconfig() { grep '^in its final place, run ldconfig, .*/opt/b2/lib$' "$work/first"; }
verdict "install: in a staged tree it says that ldconfig is left to do" staged_tree_says_ldconfig

# One line and a status, and nothing is written.
refused() { # text setting…
    text=$1
    shift
    if make --no-print-directory install DESTDIR="$work/refused" "$@" >"$work/said" 2>&1; then return 1; fi
    cat "$work/said"
    [ "$(grep -vcE '^make(\[[0-9]+\])?: \*\*\* ' "$work/said")" = 1 ] && grep "^make install: .*$text" "$work/said" && [ ! -e "$work/refused" ]
}
verdict "install: a PREFIX that is no absolute path" refused "PREFIX must be" PREFIX=usr
verdict "install: a LIBDIR outside of PREFIX" refused "LIBDIR must be" LIBDIR=/usr/lib
verdict "install: a PREFIX with a blank" refused "no blanks" PREFIX="/usr/my programs"
: >"$work/file"
verdict "install: a file where a folder has to be" refused "is not a folder" DESTDIR="$work/file"
if [ "$(id -u)" != 0 ]; then
    mkdir "$work/locked"
    chmod a-w "$work/locked"
    verdict "install: a folder that can't be written to" refused "can't be written to" DESTDIR="$work/locked"
elif command -v setpriv >/dev/null; then
    # Where nobody may write. Reading the sources is enough for it.
    as_nobody() {
        setpriv --reuid=65534 --regid=65534 --clear-groups \
            packaging/install-check.sh "" /usr/b2auth-test lib 2>"$work/said" && return 1
        [ "$(wc -l <"$work/said")" = 1 ] && grep "^make install: /usr can't be written to" "$work/said"
    }
    verdict "install: a folder that can't be written to" as_nobody
fi

# ---- the README's recipe ----

# With /usr/local and the loader's cache of this namespace alone, so that what is done there is done to nobody.
recipe() {
    awk '/^```sh$/ { block = ""; inside = 1; next }
        /^```$/ { if (inside && block ~ /make install/) printf "%s", block; inside = 0 }
        inside { block = block $0 "\n" }' README.md >"$work/recipe.sh"
    [ "$(grep -c . "$work/recipe.sh")" -ge 3 ] || { echo "the README has no recipe"; return 1; }
    cat >"$work/inside.sh" <<'END'
set -eu
work=$1 sandbox=$2
mkdir -p "$work/etc" "$work/local"
mount --rbind /usr/local "$work/local"
mount -t tmpfs none /usr/local
mkdir /usr/local/bin /usr/local/include /usr/local/lib /usr/local/share
# Compilers may live there, too.
for entry in "$work"/local/*; do [ -e "/usr/local/${entry##*/}" ] || ln -s "$entry" /usr/local/; done
cp -a /etc/. "$work/etc/"
mount --bind "$work/etc" /etc
mount -t tmpfs none /var/cache/ldconfig 2>/dev/null || true
unset LD_LIBRARY_PATH PKG_CONFIG_PATH LIBRARY_PATH CPATH
PATH=/usr/local/bin:$PATH:$work/local/bin
sudo() { "$@"; }
trap 'rm -f authorize' EXIT
. "$work/recipe.sh"
tests/with-sandbox.sh "$sandbox" ./authorize | grep -x 'accountId  *4aa9865d6f00'
tests/with-sandbox.sh "$sandbox" b2auth --check
make --no-print-directory uninstall
[ -z "$(find /usr/local ! -type d ! -type l)" ]
if ./authorize 2>"$work/unloaded"; then exit 1; fi
grep 'libb2auth\.so\.[0-9]*: cannot open shared object file' "$work/unloaded"
# A folder that the loader does not read: one line says what to do.
make --no-print-directory install PREFIX=/usr/local/apart | grep '^the loader does not look into /usr/local/apart/lib: .*LD_LIBRARY_PATH='
END
    unshare -m sh "$work/inside.sh" "$work" "$sandbox"
}
if ! [ "$(id -u)" = 0 ]; then
    echo "SKIP install: the README's recipe: it needs root"
elif ! unshare -m mount -t tmpfs none /usr/local 2>"$work/why"; then
    echo "SKIP install: the README's recipe: no mounts in a namespace here: $(tail -n 1 "$work/why")"
else
    verdict "install: the README's recipe, with nothing set" recipe
fi
exit "$failed"
