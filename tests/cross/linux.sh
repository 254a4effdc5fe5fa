# Running the Linux builds. Sourced by run.sh.

# The scenario for this target, three times.
compile_linux() { # flags…
    local cc=("${zig[@]}" cc -target "$zig_target" "${warnings[@]}" -I "$tree/include" "$@")
    "${cc[@]}" -DLOADED tests/cross/scenario.c -o "$work/loaded" -ldl -lpthread
    "${cc[@]}" tests/cross/scenario.c -o "$work/linked" -L "$tree/lib" -lb2auth -lpthread
    "${cc[@]}" tests/cross/scenario.c "$tree/lib/libb2auth.a" -o "$work/static" $(cat "$base/$name.libs")
    other_archive
    "${cc[@]}" tests/cross/twice.c "$work/libother.a" "$tree/lib/libb2auth.a" -o "$work/twice" $(cat "$base/$name.libs") -lunwind
}

# The archive as Cargo makes it, as another library.
other_archive() {
    packaging/names.sh | sed "s/\(.*\)/${symbol_prefix-}\1 ${symbol_prefix-}other_\1/; s/other_b2_/other_/" >"$work/renamed"
    "${binutils}objcopy" --redefine-syms="$work/renamed" "$base/$name.built/libb2auth.a" "$work/libother.a"
}

# Where to put them, so that each is found: a root's /b2.
fill() { # root
    mkdir -p "$1/b2" "$1/proc" "$1/tmp"
    rm -rf "$1/b2/"*
    cp "$work/loaded" "$work/linked" "$work/static" "$work/twice" "$1/b2/"
    cp "$tree/lib/libb2auth.so.$(major)" "$1/b2/"
}

major() { sed -n 's/^#define B2_VERSION_MAJOR //p' include/b2auth.h; }

run_linux() {
    local page=4096
    [[ $arch != aarch64 ]] || page=65536
    zig_target=$zig_triple
    suite "files" tests/cross/check-elf.sh "$tree" "$binutils" "$glibc" "$page"
    compile_linux
    if [[ $arch = "$(uname -m)" ]]; then
        local old
        if ! old=$(tests/roots.sh old 2>"$work/why"); then
            skip "run in Debian 11: $(tail -n 1 "$work/why")"
            return
        fi
        fill "$old"
        export LD_LIBRARY_PATH=/b2 B2_LIBRARY=/b2/libb2auth.so.$(major)
        for how in loaded linked static twice; do
            suite "Debian 11: $how" tests/cross/serve.sh "$sandbox" tests/cross/inside.sh "$old" "/b2/$how"
        done
        unset LD_LIBRARY_PATH B2_LIBRARY
    else
        emulated
    fi
}

# By qemu, with the C library that Debian has for cross compilers.
emulated() {
    local qemu=qemu-$arch package sysroot
    case $arch in
        aarch64) package=libc6-arm64-cross sysroot=/usr/aarch64-linux-gnu ;;
        armv7) qemu=qemu-arm package=libc6-armhf-cross sysroot=/usr/arm-linux-gnueabihf ;;
        s390x) package=libc6-s390x-cross sysroot=/usr/s390x-linux-gnu ;;
    esac
    if ! packaging/need.sh "$qemu" "$package" >"$work/why" 2>&1; then
        skip "run by qemu: $(tail -n 1 "$work/why")"
        return
    fi
    export QEMU_LD_PREFIX=$sysroot B2_LIBRARY=$tree/lib/libb2auth.so
    # Only the emulated program's loader may see it.
    export QEMU_SET_ENV=LD_LIBRARY_PATH=$tree/lib:$sysroot/lib
    for how in loaded linked static twice; do
        suite "$qemu: $how" tests/cross/serve.sh "$sandbox" "$qemu" "$work/$how"
    done
    if [[ $arch = aarch64 ]]; then
        suite "$qemu, pages of 64 KiB: loaded" tests/cross/serve.sh "$sandbox" "$qemu" -p 65536 "$work/loaded"
    fi
    unset QEMU_LD_PREFIX QEMU_SET_ENV B2_LIBRARY
}

run_musl() {
    local page=4096 bare=$work/bare emulator=
    zig_target=$zig_triple
    [[ $arch != aarch64 ]] || page=65536
    suite "files" tests/cross/check-elf.sh "$tree" "$binutils" musl "$page"
    compile_musl
    if [[ $(id -u) != 0 ]]; then
        skip "run in a root of its own: that needs root"
        return
    fi
    if [[ $arch != "$(uname -m)" ]]; then
        emulator=qemu-$arch-static
        if ! packaging/need.sh "$emulator" >"$work/why" 2>&1; then
            skip "run by qemu: $(tail -n 1 "$work/why")"
            return
        fi
    fi
    # Nothing but the program, and an emulator if it needs one.
    mkdir -p "$bare/b2" "$bare/proc"
    cp "$work/static" "$work/twice" "$bare/b2/"
    [[ -z $emulator ]] || cp "$(command -v "$emulator")" "$bare/b2/qemu"
    for how in static twice; do
        suite "an empty root: $how" tests/cross/serve.sh "$sandbox" tests/cross/inside.sh "$bare" ${emulator:+/b2/qemu} "/b2/$how"
    done
    # Nothing but the program, the library and musl's loader.
    local loader
    if ! loader=$(tests/cross/musl-loader.sh "$arch" 2>"$work/why"); then
        skip "run with musl's loader: $(tail -n 1 "$work/why")"
        return
    fi
    mkdir -p "$bare/lib"
    cp "$loader" "$bare/lib/ld-musl-$arch.so.1"
    cp "$work/loaded" "$work/linked" "$tree/lib/libb2auth.so.$(major)" "$bare/b2/"
    export LD_LIBRARY_PATH=/b2 B2_LIBRARY=/b2/libb2auth.so.$(major)
    for how in loaded linked; do
        suite "musl's loader alone: $how" tests/cross/serve.sh "$sandbox" tests/cross/inside.sh "$bare" ${emulator:+/b2/qemu} "/b2/$how"
    done
    unset LD_LIBRARY_PATH B2_LIBRARY
}

compile_musl() {
    local cc=("${zig[@]}" cc -target "$zig_target" "${warnings[@]}" -I "$tree/include")
    "${cc[@]}" -dynamic -DLOADED tests/cross/scenario.c -o "$work/loaded" -ldl -lpthread
    "${cc[@]}" -dynamic tests/cross/scenario.c -o "$work/linked" -L "$tree/lib" -lb2auth -lpthread
    "${cc[@]}" -static tests/cross/scenario.c "$tree/lib/libb2auth.a" -o "$work/static"
    other_archive
    "${cc[@]}" -static tests/cross/twice.c "$work/libother.a" "$tree/lib/libb2auth.a" -o "$work/twice" -lunwind
}
