#!/usr/bin/env bash
# build.sh TARGET…: builds the library for other systems, each into target/cross/TARGET, a tree that can be moved anywhere.
# The names are in targets.sh. FAST=1 builds what is good enough for a test: in a fifth of the time, and larger.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/targets.sh
. packaging/cross/tools.sh
root=$PWD
base=${CARGO_TARGET_DIR:-$root/target}/cross
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
profile=release std_features=()
# The library prints no backtraces.
[[ ${FAST:-} != 1 ]] || profile=cross std_features=(-Zbuild-std-features=panic-unwind)

# Compiles for `triple`: the crate types given, and arguments for rustc.
compile() { # crate types, rustc's arguments…
    local types=$1 command
    shift
    command=("$cargo")
    [[ $kind = windows ]] || command=(env CARGO="$cargo" "$zigbuild")
    printf 'building %s: %s\n' "$name" "$types" >&2
    # Where something was built must not be seen in it.
    export RUSTFLAGS="--remap-path-prefix=$root=/b2auth --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    RUSTFLAGS+=" --remap-path-prefix=$base=/build --remap-path-prefix=$rust_source=/rust"
    export CARGO_TARGET_DIR=$base/build/$name
    "${command[@]}" rustc --profile "$profile" --locked --features c-library --lib --crate-type "$types" \
        ${build_std:+-Zbuild-std=std,panic_unwind "${std_features[@]}"} --target "$triple${glibc:+.$glibc}" -- \
        --print native-static-libs "$@" 2>&1 | tee "$base/$name.log" >&2
}

# What the archive needs of the system, less what is inside it.
native_libs() {
    sed -n 's/^note: native-static-libs: //p' "$base/$name.log" | tail -n 1 | sed 's/-framework /-framework@/g' |
        tr ' ' '\n' | awk '
        /^-lgcc_s$|^-lgcc_eh$|^-lunwind$|^$/ { next }
        !seen[$0]++ { sub("@", " "); printf "%s%s", separator, $0; separator = " " }'
}

build_linux() {
    if [[ $arch = s390x ]]; then
        # Cargo's shared library would also export what ring has in Rust where it has no assembly.
        compile staticlib
        shared_of_archive $(native_libs)
        return
    fi
    compile cdylib,staticlib
    install -m 755 "$built/libb2auth.so" "$tree/lib/libb2auth.so.$version"
    zig_unwind "$work/libunwind.a"
    one_object "$built/libb2auth.a" "$work/libunwind.a" "$tree/lib/libb2auth.a"
    link_names
}

# Cargo makes no shared library for musl unless the C library is to be one too, which the archive must not assume.
build_musl() {
    compile staticlib
    shared_of_archive
}

shared_of_archive() { # what it needs
    zig_unwind "$work/libunwind.a"
    one_object "$built/libb2auth.a" "$work/libunwind.a" "$tree/lib/libb2auth.a"
    "${zig_cc[@]}" -shared -o "$tree/lib/libb2auth.so.$version" \
        -Wl,--whole-archive "$tree/lib/libb2auth.a" -Wl,--no-whole-archive -Wl,--as-needed "$@" \
        -Wl,-soname,"libb2auth.so.$major" -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -s
    link_names
}

build_windows() {
    packaging/cross/resource.sh "$version" >"$work/b2auth.rc"
    # In a place that stays the same: Cargo compiles anew what is linked with other arguments.
    local resource=$base/build/$name/b2auth.res.o
    mkdir -p "$base/build/$name"
    "${binutils}windres" "$work/b2auth.rc" -O coff -o "$resource"
    # Without the second, the names for VB6 would end in the size of their arguments.
    compile cdylib,staticlib -C link-arg="$resource" -C link-arg=-Wl,--kill-at \
        -C link-arg=-Wl,--no-insert-timestamp
    mkdir -p "$tree/bin"
    install -m 755 "$built/b2auth.dll" "$tree/bin/"
    { echo "LIBRARY b2auth.dll"; echo EXPORTS; packaging/names.sh | sed 's/^/    /'; } >"$tree/lib/b2auth.def"
    # Members and symbols are named for the path that it is given, so that is a short one, and for the prefix.
    (cd "$tree/lib" &&
        "${binutils}dlltool" --deterministic-libraries --temp-prefix b2auth_ -d b2auth.def -l libb2auth.dll.a)
    # The form that Microsoft's linker reads.
    local machine=i386:x86-64
    [[ $arch = x86_64 ]] || machine=i386
    "$python" -m ziglang dlltool -m "$machine" -d "$tree/lib/b2auth.def" -D b2auth.dll -l "$tree/lib/b2auth.lib"
    one_object "$built/libb2auth.a" "$tree/lib/libb2auth.a"
}

# Apple's own linker is not to be had elsewhere. Zig's makes one object, but exports what it should not and takes no list;
# LLVM's takes a list, but makes no object. What the dylib is linked with are lists of names: Zig's of the system library, and
# ours of the frameworks.
build_macos() {
    export MACOSX_DEPLOYMENT_TARGET=11.0
    compile staticlib
    packaging/names.sh >"$work/names"
    mkdir "$work/objects"
    packaging/cross/macho.py split "$built/libb2auth.a" "$work/names" "$work/objects"
    "${zig_cc[@]}" -r -o "$work/b2auth.o" "$work"/objects/*.o
    # LLVM's own form of the code, for which tools of another version would take the object; and the names of its parts' files.
    "$objcopy" --strip-debug --remove-section=__LLVM,__bitcode --remove-section=__LLVM,__cmdline "$work/b2auth.o"
    "$python" -m ziglang ar rcsD "$tree/lib/libb2auth.a" "$work/b2auth.o"
    sed 's/^/_/' "$work/names" >"$work/exported"
    # Without a kind of processor that LLVM does not know.
    sed 's/, *arm64e\.x1-[a-z]*//g; s/arm64e\.x1-[a-z]*,* *//g' "$("$python" -c '
import pathlib, ziglang
print(pathlib.Path(ziglang.__file__).parent / "lib/libc/darwin/libSystem.tbd")')" >"$work/libSystem.tbd"
    "$ld64" -dylib -arch "$arch" -platform_version macos 11.0.0 11.0.0 -dead_strip -x -adhoc_codesign \
        -install_name "@rpath/libb2auth.$major.dylib" -current_version "$version" -compatibility_version "$major" \
        -exported_symbols_list "$work/exported" -all_load "$tree/lib/libb2auth.a" -syslibroot packaging/cross/macos \
        -framework Security -framework CoreFoundation "$work/libSystem.tbd" -o "$tree/lib/libb2auth.$version.dylib"
    ln -sf "libb2auth.$version.dylib" "$tree/lib/libb2auth.$major.dylib"
    ln -sf "libb2auth.$major.dylib" "$tree/lib/libb2auth.dylib"
}

one_object() {
    local prefix='' imports='' library
    if [[ $name = windows-i686 ]]; then
        prefix=_
        for library in kernel32 ws2_32 crypt32 bcrypt advapi32 ntdll userenv; do
            imports+=" $("${binutils}gcc" -print-file-name="lib$library.a")"
        done
    fi
    LD=${binutils}ld OBJCOPY=$objcopy AR=${binutils}ar NM=${binutils}nm PREFIX=$prefix IMPORTS=$imports \
        FORMAT=$([[ $kind = windows ]] && echo pe || echo elf) packaging/one-object.sh "$@"
}

# What is the same on every system.
finish() {
    local docs=$tree/share/doc/b2auth
    native_libs >"$base/$name.libs"
    # The archive had stubs of its own for it, which are left out.
    [[ $kind != windows ]] || printf ' -lcrypt32' >>"$base/$name.libs"
    install -m 644 include/* "$tree/include/"
    mkdir -p "$tree/lib/pkgconfig" "$docs"
    packaging/pc.sh "$version" lib "$(cat "$base/$name.libs")" >"$tree/lib/pkgconfig/b2auth.pc"
    packaging/cmake.sh "$version" lib "$tree/lib/cmake/b2auth" "$(cat "$base/$name.libs")"
    install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE "$docs/"
    packaging/sbom.py "$triple" "$("${RUSTC:-rustc}" -V | cut -d ' ' -f 2)" "$docs/sbom.cdx.json" "$docs/LICENSES-OF-CRATES.txt"
}

link_names() {
    ln -sf "libb2auth.so.$version" "$tree/lib/libb2auth.so.$major"
    ln -sf "libb2auth.so.$major" "$tree/lib/libb2auth.so"
}

for target in "$@"; do
    describe "$target" || { echo "build.sh: unknown target $target; known are: $RELEASED $TESTED" >&2; exit 1; }
    toolchain
    tree=$base/$name
    built=$base/build/$name/$triple/$profile
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    rm -rf "$tree"
    mkdir -p "$tree/include" "$tree/lib"
    # What Cargo made of it, for tests.
    ln -sfn "$built" "$base/$name.built"
    (build_"$kind")
    rm -rf "$work"
    finish
    echo "built $name: $tree"
done
