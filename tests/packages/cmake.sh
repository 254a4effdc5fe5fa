#!/bin/sh
# cmake.sh: installs, moves the tree away, and builds with it by CMake's package and by pkg-config's flags for the static
# library, which are held against what rustc says.
set -eu
cd "$(dirname "$0")/../.."
packaging/need.sh cmake cc pkg-config cargo >&2 || { echo "SKIP cmake: a tool is missing"; exit 0; }
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=cmake
. tests/verdict.sh

# A folder below lib, where CMake looks if it is named for the processor.
multiarch=$(cc -print-multiarch)
libdir=lib${multiarch:+/$multiarch}
make --no-print-directory install DESTDIR="$work/staged" PREFIX=/opt/b2 LIBDIR="$libdir" >"$work/why" 2>&1 ||
    { cat "$work/why"; echo "not ok cmake: make install"; exit 1; }
mv "$work/staged/opt/b2" "$work/moved"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

mkdir "$work/project"
cp packaging/conan/test_package/use.c "$work/project/"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.15)
project(use C)
find_package(b2auth ${WANTED} REQUIRED CONFIG)
add_executable(use use.c)
target_link_libraries(use PRIVATE ${B2AUTH_TARGET})
END
# The linker's own search would hide a wrong path.
builds() { # target, version wanted, what readelf has to say of libb2auth
    rm -rf "$work/build"
    cmake -S "$work/project" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/moved" -DB2AUTH_TARGET="$1" -DWANTED="$2" &&
        cmake --build "$work/build" &&
        [ "$(readelf -d "$work/build/use" | grep -c 'NEEDED.*libb2auth')" = "$3" ] &&
        "$work/build/use" | grep -F "b2auth $version: "
}
refused() { ! builds b2auth::b2auth "$1" 1; }
verdict "b2auth::b2auth" builds b2auth::b2auth "" 1
verdict "b2auth::static" builds b2auth::static "" 0
verdict "a request for $version" builds b2auth::b2auth "$version" 1
verdict "a request for ${version%.*}" builds b2auth::b2auth "${version%.*}" 1
verdict "a later version is refused" refused "${version%%.*}.99"
verdict "another major version is refused" refused "$((${version%%.*} + 1))"

without() { # a file that is taken away, then a command
    mv "$work/moved/$libdir/$1" "$work/away"
    shift
    status=0
    "$@" || status=$?
    mv "$work/away" "$work/moved/$libdir/libb2auth.a"
    return "$status"
}
verdict "a tree without the static library still has the shared one" without libb2auth.a builds b2auth::b2auth "" 1

# What rustc asks for has to be in the flags, but for what the archive has inside.
static_flags() {
    export PKG_CONFIG_PATH="$work/moved/$libdir/pkgconfig"
    pkg-config --static --libs b2auth | tr ' ' '\n' | sed '/^$/d' | sort -u >"$work/flags"
    packaging/native.sh | tr ' ' '\n' | sed '/^$/d' | sort -u >"$work/native"
    # The crates may want more than the standard library: ask for all of it as well.
    cargo rustc --quiet --locked --features c-library --lib --crate-type staticlib --profile dev -- --print native-static-libs \
        2>&1 | sed -n 's/^note: native-static-libs: //p' | tr ' ' '\n' | sed '/^$/d' | sort -u >"$work/whole"
    [ -s "$work/whole" ] || { echo "rustc said nothing"; return 1; }
    comm -13 "$work/flags" "$work/whole" >"$work/lacking"
    cat "$work/lacking"
    [ ! -s "$work/lacking" ]
}
verdict "pkg-config's static flags are rustc's" static_flags
links() {
    export PKG_CONFIG_PATH="$work/moved/$libdir/pkgconfig"
    rm -f "$work"/moved/$libdir/libb2auth.so*
    cc packaging/conan/test_package/use.c $(pkg-config --static --cflags --libs b2auth) -o "$work/use" &&
        "$work/use" | grep -F "b2auth $version: "
}
verdict "a program links by pkg-config's static flags" links
exit "$failed"
