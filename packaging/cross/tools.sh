# The compilers for other systems. Sourced by build.sh.
#
# Zig compiles and links C for every Linux and for macOS; it comes from PyPI, and lives in target/tools. MinGW does it for
# Windows, since Zig's linker exports everything there. Rust's own standard library for a target comes from rustup, or is
# built from its source, as Debian's rust-web-src has it.

tools=${CARGO_TARGET_DIR:-$PWD/target}/tools/zig
python=$tools/bin/python
zigbuild=$tools/bin/cargo-zigbuild

missing() {
    echo "$1" >&2
    exit 1
}

# Two builds may want them at the same time.
zig_tools() {
    mkdir -p "$(dirname "$tools")"
    (
        flock 7
        [[ -x $zigbuild ]] && exit
        packaging/need.sh python3-venv >&2 || missing "to build $name, install Python's venv (Debian: python3-venv)"
        rm -rf "$tools"
        python3 -m venv "$tools"
        packaging/again.sh "$tools/bin/pip" install --quiet ziglang==0.17.1 cargo-zigbuild==0.24.1 >&2 ||
            missing "to build $name, install ziglang and cargo-zigbuild from PyPI into $tools"
    ) 7>"$tools.lock" || exit
}

# Sets `cargo`, and `build_std` if the standard library has to be built too.
rust_tools() {
    build_std='' cargo=cargo rust_source=/no-source
    unset RUSTC RUSTC_BOOTSTRAP
    if command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$triple"; then
        return
    fi
    packaging/need.sh rust-web-src >&2 ||
        missing "to build $name, install Rust for it (rustup target add $triple), or its source (Debian: rustc-web cargo-web rust-web-src)"
    build_std=1 cargo=/usr/bin/cargo rust_source=/usr/lib/rustlib/src/rust
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
}

toolchain() {
    rust_tools
    zig_tools
    # Nothing goes into the home directory, and no path of it into what is built.
    export ZIG_GLOBAL_CACHE_DIR=$base/zig-cache ZIG_LOCAL_CACHE_DIR=$base/zig-cache
    export CARGO_ZIGBUILD_CACHE_DIR=$base/zigbuild/$name CARGO_NET_RETRY=10 PATH=$tools/bin:$PATH
    objcopy=${binutils}objcopy
    zig_cc=("$python" -m ziglang cc -target "$zig_triple")
    case $kind in
        windows)
            packaging/need.sh "${binutils}gcc" >&2 ||
                missing "to build $name, install MinGW (Debian: gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-i686-win32)"
            local upper=${triple^^} lower=${triple//-/_}
            export "CARGO_TARGET_${upper//-/_}_LINKER=${binutils}gcc" "CC_$lower=${binutils}gcc" "AR_$lower=${binutils}ar"
            ;;
        macos)
            packaging/need.sh ld64.lld-19 llvm-objcopy-19 >&2 || missing "to build $name, install LLVM's linker and objcopy (Debian: lld-19 llvm-19)"
            ld64=ld64.lld-19 objcopy=llvm-objcopy-19
            ;;
        linux | musl)
            packaging/need.sh "${binutils}ld" >&2 ||
                missing "to build $name, install its binutils (Debian: binutils-${binutils//_/-})"
            # Of an ARM object each function has a table of its own, and over their number GNU's takes minutes.
            if [[ $arch = armv7 ]]; then
                objcopy=llvm-objcopy-19
                packaging/need.sh "$objcopy" >&2 || missing "to build $name, install llvm-objcopy (Debian: llvm-19)"
            fi
            ;;
    esac
}

# Zig's unwinder as an archive: with it inside, a program needs no libgcc_s.
zig_unwind() { # where to
    echo 'int main(void) { return 0; }' >"$work/unwind.c"
    # -v shows how it links, and with that the archive, which Zig builds when it is first wanted.
    "${zig_cc[@]}" -O2 "$work/unwind.c" -lunwind -o "$work/unwind" -v >"$work/linking" 2>&1 || { cat "$work/linking" >&2; return 1; }
    local found
    found=$(tr ' ' '\n' <"$work/linking" | awk '/libunwind\.a$/ && !found++')
    [[ -n $found ]] || missing "to build $name, Zig's libunwind is needed, which this Zig does not show"
    cp "$found" "$1"
}
